using CComet.Channels;
using CComet.Subscriptions;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace CComet.Kestrel;

/// <summary>Tells a subscriber when its client has gone.</summary>
internal static class ClientGone
{
    /// <summary>
    /// Until what is returned is disposed of. Where a connection carries one request at a time its own end says so, at an
    /// eighth of the memory that a request's token costs while it waits; a stream of HTTP/2 may end by itself.
    /// </summary>
    public static CancellationTokenRegistration Tell(HttpContext context, Subscriber subscriber)
    {
        var gone = HttpProtocol.IsHttp11(context.Request.Protocol) && context.Features.Get<IConnectionLifetimeFeature>() is { } connection
            ? connection.ConnectionClosed
            : context.RequestAborted;
        return gone.UnsafeRegister(static s => ((Subscriber)s!).Signal(WakeReason.Gone), subscriber);
    }
}
