using System.Globalization;
using CComet.Dialects.Native;
using CComet.Http.Credentials;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary>Writes answers and refusals, as JSON or as JSONP.</summary>
/// <remarks>None of them asks whether the client has gone, which would cost each request a token: a write to a client that has gone ends by itself.</remarks>
internal static class ResponseWriter
{
    /// <summary>The header with the cursor behind an answer.</summary>
    public const string CursorHeader = "CComet-Cursor";

    /// <summary>The header of a poll that the server ended because it stops: after how many milliseconds to ask again.</summary>
    public const string RetryHeader = "CComet-Retry";

    /// <summary>Answers with an array of ready elements.</summary>
    public static Task WriteArrayAsync(HttpResponse response, in ResponseHead head, string? callback, IReadOnlyList<ReadOnlyMemory<byte>> elements) =>
        WriteArrayAsync(new HttpOutput(response), head, callback, elements);

    /// <inheritdoc cref="WriteArrayAsync(HttpResponse, in ResponseHead, string?, IReadOnlyList{ReadOnlyMemory{byte}})"/>
    public static Task WriteArrayAsync<T>(T output, in ResponseHead head, string? callback, IReadOnlyList<ReadOnlyMemory<byte>> elements)
        where T : IResponseOutput
    {
        if (callback is not null) return WriteCallAsync(output, head, callback, elements);
        var length = JsonArray.Length(elements);
        if (length <= JsonArray.FlushBytes) return WriteAsync(output, head, JsonArray.LineOf(elements));
        output.Begin(head, length);
        return JsonArray.WriteAsync(output.Body, elements).AsTask();
    }

    /// <summary>Answers with a ready array of any length, a newline behind it.</summary>
    public static Task WriteArrayAsync(HttpResponse response, in ResponseHead head, string? callback, ReadOnlyMemory<byte> array) =>
        WriteArrayAsync(new HttpOutput(response), head, callback, array);

    /// <inheritdoc cref="WriteArrayAsync(HttpResponse, in ResponseHead, string?, ReadOnlyMemory{byte})"/>
    public static Task WriteArrayAsync<T>(T output, in ResponseHead head, string? callback, ReadOnlyMemory<byte> array)
        where T : IResponseOutput
    {
        if (callback is null && array.Length <= JsonArray.FlushBytes) return WriteAsync(output, head, array);

        // What is between the brackets is an element, or several.
        return WriteArrayAsync(output, head, callback, [array[1..^JsonArray.LineEnd.Length]]);
    }

    /// <summary>Answers with a refusal.</summary>
    public static Task WriteErrorAsync(HttpResponse response, string? callback, WireException error) => WriteErrorAsync(new HttpOutput(response), callback, error);

    /// <inheritdoc cref="WriteErrorAsync(HttpResponse, string?, WireException)"/>
    public static Task WriteErrorAsync<T>(T output, string? callback, WireException error)
        where T : IResponseOutput
    {
        if (callback is not null) return WriteArrayAsync(output, ResponseHead.Array with { RetryAfter = error.RetryAfter }, callback, [ErrorJson.EncodeElement(error)]);
        var head = new ResponseHead(error.Status, ErrorJson.ProblemType) { RetryAfter = error.RetryAfter, Challenge = BearerChallenge.Create(error) };
        return WriteAsync(output, head, ErrorJson.EncodeProblemLine(error));
    }

    /// <summary>Answers with a body that is written whole, head and all at once.</summary>
    public static Task WriteAsync(HttpResponse response, in ResponseHead head, ReadOnlyMemory<byte> body) => WriteAsync(new HttpOutput(response), head, body);

    /// <inheritdoc cref="WriteAsync(HttpResponse, in ResponseHead, ReadOnlyMemory{byte})"/>
    public static Task WriteAsync<T>(T output, in ResponseHead head, ReadOnlyMemory<byte> body)
        where T : IResponseOutput
    {
        output.Begin(head, body.Length);
        var written = output.Body.WriteAsync(body);
        if (!written.IsCompletedSuccessfully) return written.AsTask();

        // Taken, so that the source can be used again.
        _ = written.Result;
        return Task.CompletedTask;
    }

    /// <summary>Sets the headers. No answer may be kept by a cache, or be taken for another type than it says.</summary>
    public static void WriteHead(HttpResponse response, in ResponseHead head)
    {
        if (head.Status != StatusCodes.Status200OK) response.StatusCode = head.Status;
        var headers = response.Headers;
        headers.CacheControl = "no-store";
        if (head.ContentType is null) return;
        response.ContentType = head.ContentType;
        if (head.Cursor is not null) headers[CursorHeader] = head.Cursor;
        if (head.Retry is { } retry) headers[RetryHeader] = MillisecondsOf(retry);
        headers.XContentTypeOptions = "nosniff";
        if (head.RetryAfter is { } after) headers.RetryAfter = SecondsOf(after);
        if (head.Challenge is not null) headers.WWWAuthenticate = head.Challenge;
        if (head.IsScript) headers[ResponseHead.ScriptHeader] = ResponseHead.ScriptValue;
    }

    /// <summary>The value of <see cref="RetryHeader"/>.</summary>
    public static string MillisecondsOf(TimeSpan time) => ((long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);

    /// <summary>The value of <c>Retry-After</c>.</summary>
    public static string SecondsOf(TimeSpan time) => Math.Ceiling(time.TotalSeconds).ToString(CultureInfo.InvariantCulture);

    private static async Task WriteCallAsync<T>(T output, ResponseHead head, string callback, IReadOnlyList<ReadOnlyMemory<byte>> elements)
        where T : IResponseOutput
    {
        output.Begin(head with { ContentType = Jsonp.ContentType, IsScript = true }, length: null);
        await Jsonp.WriteAsync(output.Body, callback, elements);
    }
}
