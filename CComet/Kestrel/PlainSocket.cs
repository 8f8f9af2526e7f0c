using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CComet.Kestrel;

/// <summary>The socket under a request, for a stream that writes to it past the web server.</summary>
internal static class PlainSocket
{
    /// <summary>
    /// What the server holds back of its writes to a socket, in bytes: any more, and a flush would be over before the kernel has all
    /// of it, so that what is written past it could overtake.
    /// </summary>
    public const long WriteBuffer = 1;

    /// <summary>
    /// Returns the socket; null when bytes do not go over it as they are written: by TLS, by HTTP/2, in a test without sockets, or when
    /// a middleware has put a body of its own before the server's, as compression does.
    /// </summary>
    public static Socket? Find(HttpContext context)
    {
        if (!HttpProtocol.IsHttp11(context.Request.Protocol) || context.Features.Get<ITlsHandshakeFeature>() is not null) return null;

        // Kestrel's request is one object that is its body too.
        if (context.Features.Get<IHttpResponseBodyFeature>() is not IHttpRequestFeature) return null;
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
