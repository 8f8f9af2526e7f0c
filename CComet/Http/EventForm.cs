using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Messages;
using CComet.Transports;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary>How a refusal is told to an EventSource, which reads no status and no body, and on a refusal by status closes for good.</summary>
internal static class EventForm
{
    /// <summary>Of the native dialect.</summary>
    public static readonly RequestForm Native = RequestForm.Native with { WriteErrorAsync = WriteErrorAsync };

    /// <summary>Of the native dialect's long poll, which is a stream of events when its Accept header asks for one.</summary>
    public static readonly RequestForm NativePoll = RequestForm.NativePoll with { WriteErrorAsync = WriteErrorAsync };

    /// <summary>Answers with an event when the client came by a ticket, so that it waits and resumes from its cursor with a new one; else as for any client.</summary>
    private static Task WriteErrorAsync(HttpResponse response, string? callback, WireException error)
    {
        var request = response.HttpContext.Request;
        var isRefused = error.Status is StatusCodes.Status401Unauthorized or StatusCodes.Status403Forbidden;
        var wantsEvents = callback is null && (request.Path.Value?.EndsWith("/sse", StringComparison.Ordinal) == true || StreamEndpoints.WantsEventStream(request));
        if (!isRefused || !wantsEvents || !request.Query.ContainsKey(ParameterNames.Ticket)) return ResponseWriter.WriteErrorAsync(response, callback, error);
        response.ContentType = EventStream.ContentType;
        response.Headers.CacheControl = "no-cache, no-transform";
        response.Headers.XContentTypeOptions = "nosniff";
        EventStream.WriteRefusal(response.BodyWriter, CursorOf(request), ErrorJson.EncodeEvent(error.Status, error.Message));
        return response.BodyWriter.FlushAsync().AsTask();
    }

    /// <summary>The cursor that the request gives, where it is one: what the client sends again must be what it had.</summary>
    private static string? CursorOf(HttpRequest request)
    {
        string?[] given = [request.Headers["Last-Event-ID"], request.Query["lastEventId"], request.Query["cursor"]];
        return Array.Find(given, text => text?.Length > 0 && text.Split(',').All(part => Cursor.TryParse(part.Split('=')[^1], out _)) && !text.Any(char.IsControl));
    }
}
