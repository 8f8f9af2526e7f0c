using CComet.Channels;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace CComet.Http;

/// <summary>
/// Tells a client that its connection takes no further request, where the server is about to close it: a request sent behind the answer
/// would be lost without one of its own.
/// </summary>
internal static class LastAnswer
{
    private static readonly StringValues Close = "close";

    /// <summary>While the server drains, makes the answer that is about to begin the connection's last: by <c>Connection: close</c>, or HTTP/2's GOAWAY.</summary>
    public static void AnnounceDrain(HttpContext context, HubContext hub)
    {
        if (!hub.IsDraining || context.Response.HasStarted) return;
        if (HttpProtocol.IsHttp11(context.Request.Protocol)) context.Response.Headers.Connection = Close;
        else CloseWhenDraining(context, hub);
    }

    /// <summary>While the server drains, has the connection closed once its request has ended; for an answer whose head was sent before.</summary>
    public static void CloseWhenDraining(HttpContext context, HubContext hub)
    {
        if (hub.IsDraining) context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
    }

    /// <summary>Does so for a body over the limit, which the web server does not read to its end. HTTP/2 ends only the stream.</summary>
    /// <param name="context">The request, whose answer has not begun.</param>
    /// <param name="maxBytes">The largest body that is read.</param>
    public static void AnnounceOversizedBody(HttpContext context, long maxBytes)
    {
        if (context.Request.ContentLength > maxBytes) AnnounceClose(context);
    }

    /// <summary>Does so for a body of unknown length that is not read, or not to its end.</summary>
    public static void AnnounceChunkedBody(HttpContext context)
    {
        if (context.Request.Headers.TransferEncoding.Count > 0) AnnounceClose(context);
    }

    private static void AnnounceClose(HttpContext context)
    {
        if (HttpProtocol.IsHttp11(context.Request.Protocol)) context.Response.Headers.Connection = Close;
    }
}
