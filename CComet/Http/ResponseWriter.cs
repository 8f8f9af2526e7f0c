using System.Globalization;
using System.Text.Json;
using CComet.Dialects.Native;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary>
/// Writes answers and refusals, as JSON or as JSONP. None of them asks whether the client has gone, which would cost each request
/// a token: a write to one who has gone ends by itself.
/// </summary>
internal static class ResponseWriter
{
    /// <summary>The header with the cursor behind an answer.</summary>
    public const string CursorHeader = "CComet-Cursor";

    /// <summary>The header of a poll that the server ended because it stops: after how many milliseconds to ask again.</summary>
    public const string RetryHeader = "CComet-Retry";

    /// <summary>Answers with an array of ready elements.</summary>
    public static Task WriteArrayAsync(HttpContext context, string? callback, IReadOnlyList<ReadOnlyMemory<byte>> elements)
    {
        if (callback is not null) return WriteCallAsync(context.Response, callback, elements);
        var length = JsonArray.Length(elements);
        return length <= JsonArray.FlushBytes ? WriteArrayAsync(context.Response, JsonArray.LineOf(elements)) : WriteInStepsAsync(context.Response, elements, length);
    }

    /// <summary>Answers with a ready array of any length, a newline behind it.</summary>
    public static Task WriteArrayAsync(HttpContext context, string? callback, ReadOnlyMemory<byte> array)
    {
        if (callback is null && array.Length <= JsonArray.FlushBytes) return WriteArrayAsync(context.Response, array);

        // What stands between the brackets is an element, or several.
        return WriteArrayAsync(context, callback, [array[1..^JsonArray.LineEnd.Length]]);
    }

    /// <summary>Answers with a ready array, a newline behind it, that is written at once.</summary>
    public static Task WriteArrayAsync(HttpResponse response, ReadOnlyMemory<byte> array)
    {
        SetCommonHeaders(response);
        response.ContentType = JsonArray.ContentType;
        return WriteBodyAsync(response, array);
    }

    /// <summary>Answers with a refusal.</summary>
    public static async Task WriteErrorAsync(HttpContext context, string? callback, WireException error)
    {
        var response = context.Response;
        if (error.RetryAfter is { } after) response.Headers.RetryAfter = Math.Ceiling(after.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        if (callback is not null)
        {
            await WriteArrayAsync(context, callback, [NativeJson.EncodeObject(json => WriteDialectError(json, error))]);
            return;
        }

        SetCommonHeaders(response);
        response.StatusCode = error.Status;
        response.ContentType = "application/problem+json; charset=utf-8";
        await WriteBodyAsync(response, NativeJson.EncodeObjectLine(json =>
        {
            json.WriteString("type", $"urn:ccomet:error:{error.Code}");
            json.WriteString("title", error.Title);
            json.WriteNumber("status", error.Status);
            json.WriteString("detail", error.Message);
            json.WriteString("code", error.Code);
            if (error.Parameter is not null) json.WriteString("parameter", error.Parameter);
        }));
    }

    /// <summary>A refusal in the dialect of 2014, where there is no HTTP status to tell it by.</summary>
    public static void WriteDialectError(Utf8JsonWriter json, WireException error)
    {
        json.WriteString("type", error.Code);
        json.WriteString("reason", error.Message);
    }

    /// <summary>Writes a whole body of known length, head and all at once.</summary>
    public static Task WriteBodyAsync(HttpResponse response, ReadOnlyMemory<byte> body)
    {
        response.ContentLength = body.Length;
        var written = response.BodyWriter.WriteAsync(body);
        if (!written.IsCompletedSuccessfully) return written.AsTask();

        // Taken, so that the source can be used again.
        _ = written.Result;
        return Task.CompletedTask;
    }

    /// <summary>No answer of the wire may be kept by a cache, or be taken for another type than it says.</summary>
    public static void SetCommonHeaders(HttpResponse response)
    {
        var headers = response.Headers;
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
    }

    private static async Task WriteInStepsAsync(HttpResponse response, IReadOnlyList<ReadOnlyMemory<byte>> elements, long length)
    {
        SetCommonHeaders(response);
        response.ContentType = JsonArray.ContentType;
        response.ContentLength = length;
        await JsonArray.WriteAsync(response.BodyWriter, elements);
    }

    private static async Task WriteCallAsync(HttpResponse response, string callback, IReadOnlyList<ReadOnlyMemory<byte>> elements)
    {
        SetCommonHeaders(response);

        // A script like any other: a page that is cross-origin isolated loads it only with this.
        response.Headers["Cross-Origin-Resource-Policy"] = "cross-origin";
        response.ContentType = Jsonp.ContentType;
        await Jsonp.WriteAsync(response.BodyWriter, callback, elements);
    }
}
