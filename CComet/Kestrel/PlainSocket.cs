using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace CComet.Kestrel;

/// <summary>The socket under a request, for a stream that writes to it past the web server.</summary>
internal static class PlainSocket
{
    /// <summary>
    /// What the server holds back of its writes to a socket, in bytes: any more, and a flush would be over before the kernel has all
    /// of it, so that what is written past it could overtake.
    /// </summary>
    public const long WriteBuffer = 1;

    /// <summary>The socket; null when bytes do not go over it as they are written: by TLS, by HTTP/2, or in a test without sockets.</summary>
    public static Socket? Of(HttpContext context)
    {
        if (!HttpProtocol.IsHttp11(context.Request.Protocol) || context.Features.Get<ITlsHandshakeFeature>() is not null) return null;
        if (context.Features.Get<IConnectionSocketFeature>()?.Socket is not { } socket) return null;
        try
        {
            socket.Blocking = false;
            return socket;
        }
        catch (ObjectDisposedException)
        {
            // The client has gone already; the stream will find out as any other does.
            return null;
        }
    }
}
