using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using CComet.Dialects.Native;
using CComet.Limits;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace CComet.Http.Requests;

/// <summary>Reads what a request brings: its query, and a body that is a form, JSON, or a raw message.</summary>
internal static class RequestBody
{
    /// <summary>A query that is no longer is decoded on the stack, in bytes.</summary>
    private const int MaxStackBytes = 512;

    /// <summary>
    /// How deep JSON may be nested: a message comes to its readers within an object within an array, and many a parser, .NET's own first,
    /// reads 64 levels by default. A message that few can read would keep them from all that comes behind it.
    /// </summary>
    private const int MaxDepth = 64;

    private static readonly JsonDocumentOptions ArrayDepth = new() { MaxDepth = MaxDepth };
    private static readonly JsonDocumentOptions ObjectDepth = new() { MaxDepth = MaxDepth - 1 };

    /// <summary>What RFC 2046 allows.</summary>
    private const int MaxBoundaryLength = 70;

    private static readonly string[] Usual = ["application/json", "application/x-www-form-urlencoded", "text/plain"];

    /// <summary>The parameters of the query.</summary>
    public static Parameters ReadQuery(HttpRequest request, LimitOptions limits, ParameterNames names)
    {
        var parameters = new Parameters(limits.Parameters, names: names);
        var query = request.QueryString.Value;
        if (string.IsNullOrEmpty(query)) return parameters;
        var most = Encoding.UTF8.GetMaxByteCount(query.Length);
        var rented = most > MaxStackBytes ? ArrayPool<byte>.Shared.Rent(most) : null;
        Span<byte> bytes = rented is null ? stackalloc byte[MaxStackBytes] : rented;
        UrlEncoded.Parse(bytes[1..Encoding.UTF8.GetBytes(query, bytes)], parameters, isUnencoded: names.HasEntities && IsFromBrowser(request.Headers));
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        return parameters;
    }

    /// <summary>
    /// Whether a browser sends the request: it says so by a header that it sends to secure addresses alone, which a server on plain HTTP is
    /// not, or by a name that all browsers have.
    /// </summary>
    private static bool IsFromBrowser(IHeaderDictionary headers) =>
        headers.ContainsKey("Sec-Fetch-Site") || headers.UserAgent.ToString().StartsWith("Mozilla/", StringComparison.Ordinal);

    /// <summary>Adds the parameters in the body to those of the query, or reads the elements of the array that it is.</summary>
    /// <remarks>The body counts in <paramref name="budget"/> as it comes, in the query's <see cref="Parameters.HeldBytes"/>, until the caller ends that.</remarks>
    /// <param name="request">The request.</param>
    /// <param name="query">The parameters of the query.</param>
    /// <param name="limits">What bounds the body, its parameters and its elements.</param>
    /// <param name="budget">What bounds all bodies together.</param>
    /// <param name="mayBeRaw">Whether the body may be a message, or an array.</param>
    /// <param name="read">Reads an element of an array. It may not keep the parameters, which the next element is read into.</param>
    /// <returns>What was read of each element of an array; null for any other body.</returns>
    public static async ValueTask<IReadOnlyList<T>?> ReadAsync<T>(HttpRequest request, Parameters query, LimitOptions limits, BodyBudget budget, bool mayBeRaw, Func<Parameters, T> read)
    {
        var codings = request.Headers.ContentEncoding is { Count: > 0 } header ? CodingsOf(request, header) : null;
        var reader = request.BodyReader;
        var maxBytes = WireLimits.MaxBodyBytes(limits);
        var sent = await ReadWholeAsync(request, reader, maxBytes, budget, query);
        try
        {
            // Read where it lies, and copied only where it lies in pieces.
            var body = sent.IsSingleSegment ? sent.First : sent.ToArray();
            if (codings is null || body.IsEmpty) return await ReadAsync(request, body, query, limits, mayBeRaw, read);
            using var decoded = ContentCoding.Decode(body, codings, maxBytes);
            budget.Cover(ref query.HeldBytes, body.Length + decoded.Written.Length);
            return await ReadAsync(request, decoded.Written, query, limits, mayBeRaw, read);
        }
        finally
        {
            reader.AdvanceTo(sent.End);
        }
    }

    /// <summary>Adds the members of a JSON object to the parameters, or reads the elements of a JSON array where one may be.</summary>
    /// <returns>What was read of each element; null for an object.</returns>
    public static IReadOnlyList<T>? ReadJson<T>(ReadOnlyMemory<byte> text, Parameters query, LimitOptions limits, bool mayBeArray, Func<Parameters, T> read)
    {
        try
        {
            if (text.Span.StartsWith(Encoding.UTF8.Preamble)) text = text[Encoding.UTF8.Preamble.Length..];
            if (!Utf8.IsValid(text.Span)) throw WireException.Bad("body", "is not valid UTF-8.");
            using var json = JsonDocument.Parse(text, text.Span.TrimStart(" \t\r\n"u8) is [(byte)'[', ..] ? ArrayDepth : ObjectDepth);
            if (json.RootElement.ValueKind == JsonValueKind.Object)
            {
                query.Add(json.RootElement);
                return null;
            }

            if (json.RootElement.ValueKind != JsonValueKind.Array || !mayBeArray)
                throw WireException.Bad("body", mayBeArray ? "must be a JSON object or an array of such." : "must be a JSON object.");
            return ReadElements(json.RootElement, query, limits, read);
        }
        catch (JsonException e)
        {
            throw WireException.Bad("body", $"is not valid JSON: {e.Message}");
        }
    }

    private static List<string>? CodingsOf(HttpRequest request, StringValues header)
    {
        try
        {
            return ContentCoding.Read(header);
        }
        catch (WireException)
        {
            // What would be taken (RFC 9110, section 15.5.16).
            request.HttpContext.Response.Headers.AcceptEncoding = ContentCoding.Accepted;
            throw;
        }
    }

    private static async ValueTask<IReadOnlyList<T>?> ReadAsync<T>(HttpRequest request, ReadOnlyMemory<byte> body, Parameters query, LimitOptions limits, bool mayBeRaw, Func<Parameters, T> read)
    {
        var (name, type) = TypeOf(request.ContentType);
        if (body.Length == 0) return null;
        if (type?.Charset.HasValue == true && !type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) && !type.Charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase))
            throw WireException.UnsupportedType($"the charset must be utf-8, not {type.Charset}.");

        if (name == "application/x-www-form-urlencoded")
        {
            UrlEncoded.Parse(body.Span, query);
            return null;
        }

        if (name == "multipart/form-data")
        {
            await ReadMultipartAsync(body.ToArray(), type!, query);
            return null;
        }

        if (name is "application/json" or "text/json" || name?.EndsWith("+json", StringComparison.Ordinal) == true) return ReadJson(body, query, limits, mayBeRaw, read);
        if (!mayBeRaw) throw WireException.UnsupportedType("must be a form or JSON.");
        if (name is not (null or "application/octet-stream" or "application/xml") && !name.StartsWith("text/", StringComparison.Ordinal) && !name.EndsWith("+xml", StringComparison.Ordinal))
            throw WireException.UnsupportedType($"{name} is no form, no JSON and no text.");
        query.AddMessage(body.Span);
        return null;
    }

    /// <summary>A media type's name in small letters, and its parameters; what most requests say is known without being read.</summary>
    private static (string? Name, MediaTypeHeaderValue? Type) TypeOf(string? text)
    {
        if (string.IsNullOrEmpty(text)) return default;
        foreach (var usual in Usual)
        {
            if (usual == text) return (usual, null);
        }

        if (!MediaTypeHeaderValue.TryParse(text, out var type)) throw WireException.UnsupportedType("is not a media type.");
        return (type.MediaType.Value?.ToLowerInvariant(), type);
    }

    /// <summary>Reads one element after the other, so that one that is found wrong ends the work.</summary>
    private static T[] ReadElements<T>(JsonElement array, Parameters query, LimitOptions limits, Func<Parameters, T> read)
    {
        var count = array.GetArrayLength();
        if (count == 0) throw WireException.Bad("body", "is an empty array.");
        if (count > limits.BatchMessages) throw WireException.TooLarge("body", $"is an array of {count} messages; the limit is {limits.BatchMessages}.");

        // What the query gives holds for every element that does not say otherwise.
        var parameters = new Parameters(limits.Parameters, query);
        List<T> elements = [];
        foreach (var element in array.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Object) throw WireException.Bad("body", "every element of the array must be a JSON object.");
            parameters.Clear();
            parameters.Add(element);
            parameters.ThrowIfRefused();
            elements.Add(read(parameters));
        }

        return [.. elements];
    }

    private static async ValueTask ReadMultipartAsync(byte[] body, MediaTypeHeaderValue type, Parameters query)
    {
        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).Value;
        if (string.IsNullOrEmpty(boundary)) throw WireException.Bad("body", "the Content-Type names no boundary.");
        if (boundary.Length > MaxBoundaryLength) throw WireException.Bad("body", $"the boundary is longer than {MaxBoundaryLength} characters.");
        try
        {
            var reader = new MultipartReader(boundary, new MemoryStream(body, writable: false));
            while (await reader.ReadNextSectionAsync() is { } section)
            {
                var name = section.GetContentDispositionHeader() is { } disposition ? query.Known.Find(HeaderUtilities.RemoveQuotes(disposition.Name)) : null;
                if (query.Wants(name))
                {
                    using var value = new MemoryStream();
                    await section.Body.CopyToAsync(value);
                    query.Add(name!, UrlEncoded.TextOf(value.GetBuffer().AsSpan(0, (int)value.Length)));
                }
                else if (query.Refused is not null)
                {
                    // Each part costs some kilobytes, however small it is.
                    return;
                }
            }
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            throw WireException.Bad("body", "is not valid multipart/form-data.");
        }
    }

    /// <summary>Waits for the whole body, which the caller advances over.</summary>
    private static async ValueTask<ReadOnlySequence<byte>> ReadWholeAsync(HttpRequest request, PipeReader reader, int maxBytes, BodyBudget budget, Parameters query)
    {
        if (request.ContentLength > maxBytes) throw TooLong(maxBytes);
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync();
                Check(read, reader, maxBytes, budget, query);
                if (read.IsCompleted) return read.Buffer;
                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }
        }
        catch (IOException e) when (e is not (BadHttpRequestException or ConnectionResetException) && !request.HttpContext.RequestAborted.IsCancellationRequested)
        {
            // Kestrel tells of a chunk whose size overflows in this way.
            throw WireException.Bad("body", "cannot be read.");
        }
    }

    /// <summary>Refuses a body that is too long or too slow. Gives back what was read first, because the web server reads on until the next request begins.</summary>
    private static void Check(in ReadResult read, PipeReader reader, int maxBytes, BodyBudget budget, Parameters query)
    {
        try
        {
            if (read.IsCanceled) throw WireException.TooSlow();
            if (read.Buffer.Length > maxBytes) throw TooLong(maxBytes);
            budget.Cover(ref query.HeldBytes, read.Buffer.Length);
        }
        catch
        {
            reader.AdvanceTo(read.Buffer.End);
            throw;
        }
    }

    private static WireException TooLong(int maxBytes) => WireException.TooLarge("body", $"is over the limit of {maxBytes} bytes.");
}
