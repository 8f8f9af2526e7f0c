using CComet.Channels;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace CComet.Http;

/// <summary>
/// Tells clients of a draining server that a connection takes no further request, so that none is sent into a connection that
/// is being closed, where it would be lost without an answer.
/// </summary>
internal static class DrainNotice
{
    private static readonly StringValues Close = "close";

    /// <summary>Makes the answer that is about to begin the connection's last: by <c>Connection: close</c>, or HTTP/2's GOAWAY.</summary>
    public static void Announce(HttpContext context, HubContext hub)
    {
        if (!hub.IsDraining || context.Response.HasStarted) return;
        if (HttpProtocol.IsHttp2(context.Request.Protocol) || HttpProtocol.IsHttp3(context.Request.Protocol)) CloseAfterwards(context, hub);
        else context.Response.Headers.Connection = Close;
    }

    /// <summary>Has the connection closed once its request has ended; for an answer whose head was sent before.</summary>
    public static void CloseAfterwards(HttpContext context, HubContext hub)
    {
        if (hub.IsDraining) context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
    }
}
