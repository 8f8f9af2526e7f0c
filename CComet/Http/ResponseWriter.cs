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
    public static Task WriteArrayAsync(HttpResponse response, in ResponseHead head, string? callback, IReadOnlyList<ReadOnlyMemory<byte>> elements)
    {
        if (callback is not null) return WriteCallAsync(response, head, callback, elements);
        var length = JsonArray.Length(elements);
        if (length <= JsonArray.FlushBytes) return WriteAsync(response, head, JsonArray.LineOf(elements));
        WriteHead(response, head);
        response.ContentLength = length;
        return JsonArray.WriteAsync(response.BodyWriter, elements).AsTask();
    }

    /// <summary>Answers with a ready array of any length, a newline behind it.</summary>
    public static Task WriteArrayAsync(HttpResponse response, in ResponseHead head, string? callback, ReadOnlyMemory<byte> array)
    {
        if (callback is null && array.Length <= JsonArray.FlushBytes) return WriteAsync(response, head, array);

        // What is between the brackets is an element, or several.
        return WriteArrayAsync(response, head, callback, [array[1..^JsonArray.LineEnd.Length]]);
    }

    /// <summary>Answers with a refusal.</summary>
    public static Task WriteErrorAsync(HttpResponse response, string? callback, WireException error)
    {
        if (callback is not null) return WriteArrayAsync(response, ResponseHead.Array with { RetryAfter = error.RetryAfter }, callback, [ErrorJson.EncodeElement(error)]);
        if (BearerChallenge.Create(error) is { } challenge) response.Headers.WWWAuthenticate = challenge;
        return WriteAsync(response, new ResponseHead(error.Status, ErrorJson.ProblemType) { RetryAfter = error.RetryAfter }, ErrorJson.EncodeProblemLine(error));
    }

    /// <summary>Answers with a body that is written whole, head and all at once.</summary>
    public static Task WriteAsync(HttpResponse response, in ResponseHead head, ReadOnlyMemory<byte> body)
    {
        WriteHead(response, head);
        response.ContentLength = body.Length;
        var written = response.BodyWriter.WriteAsync(body);
        if (!written.IsCompletedSuccessfully) return written.AsTask();

        // Taken, so that the source can be used again.
        _ = written.Result;
        return Task.CompletedTask;
    }

    /// <summary>Sets the headers. No answer may be kept by a cache, or be taken for another type than it says.</summary>
    public static void WriteHead(HttpResponse response, in ResponseHead head)
    {
        if (head.Status != StatusCodes.Status200OK) response.StatusCode = head.Status;
        response.ContentType = head.ContentType;
        var headers = response.Headers;
        if (head.Cursor is not null) headers[CursorHeader] = head.Cursor;
        if (head.Retry is { } retry) headers[RetryHeader] = ((long)retry.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        if (head.RetryAfter is { } after) headers.RetryAfter = Math.Ceiling(after.TotalSeconds).ToString(CultureInfo.InvariantCulture);
    }

    private static async Task WriteCallAsync(HttpResponse response, ResponseHead head, string callback, IReadOnlyList<ReadOnlyMemory<byte>> elements)
    {
        WriteHead(response, head with { ContentType = Jsonp.ContentType });

        // A script like any other: a page that is cross-origin isolated loads it only with this.
        response.Headers["Cross-Origin-Resource-Policy"] = "cross-origin";
        await Jsonp.WriteAsync(response.BodyWriter, callback, elements);
    }
}
