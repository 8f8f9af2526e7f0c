using CComet.Dialects.Native;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace CComet.Kestrel;

/// <summary>Bounds what a connection can make the web server and the kernel hold for it.</summary>
internal static class ConnectionLimits
{
    /// <summary>
    /// How much is read of a connection ahead of what is being looked at, in bytes: what a request that waits holds of all that its client
    /// sends on. A request line or a header of any length is read all the same, because what the parser has looked at no longer counts.
    /// </summary>
    public const int ReadAhead = 16 << 10;

    /// <summary>What the request line may hold beside one message whose every byte is percent-encoded, in bytes.</summary>
    private const int RequestLineRest = 16 << 10;

    /// <summary>
    /// The longest cursor of several channels, in bytes: the names percent-encoded, and an epoch and a number for each. Written without
    /// names, as the server writes it, it is of some two thousand.
    /// </summary>
    private const int MaxEventIdBytes = (3 * WireLimits.MaxNamesBytes) + (64 * WireLimits.MaxChannels);

    private const int HeadersRest = 32 << 10;

    /// <summary>How long the head of a request may take, from its first byte until it is whole.</summary>
    private static readonly TimeSpan HeadTimeout = TimeSpan.FromSeconds(30);

    /// <summary>How much a client of HTTP/2 may send ahead on one stream, in bytes: the least that RFC 9113 allows.</summary>
    private const int StreamWindow = (64 << 10) - 1;

    /// <summary>The same for all streams of its connection together, so that one that is not read does not hold up the others.</summary>
    private const int ConnectionWindow = 256 << 10;

    /// <summary>How many connections may wait to be accepted; the kernel's <c>net.core.somaxconn</c> bounds it too.</summary>
    private const int Backlog = 4096;

    /// <summary>Sets how connections are read from and written to.</summary>
    public static void Apply(SocketTransportOptions sockets, StreamOptions stream)
    {
        // What goes on after reading or writing goes on where it is: no handler here blocks, and every thread not woken is won.
        sockets.UnsafePreferInlineScheduling = true;

        // A crowd that comes back at once is taken in, not asked to try again in a second.
        sockets.Backlog = Backlog;

        // When a flush is over, the kernel has it.
        sockets.MaxWriteBufferSize = PlainSocket.WriteBuffer;
        sockets.MaxReadBufferSize = ReadAhead;

        // Inherited by every connection that is accepted, at no cost for each. The kernel's own sizes grow to megabytes.
        sockets.CreateBoundListenSocket = endpoint =>
        {
            var socket = ListenSockets.Create(endpoint);
            socket.SendBufferSize = stream.SendBufferBytes;
            socket.ReceiveBufferSize = stream.ReceiveBufferBytes;
            return socket;
        };
    }

    /// <summary>Sets how much of a request is taken.</summary>
    public static void Apply(KestrelServerLimits kestrel, LimitOptions limits)
    {
        kestrel.KeepAliveTimeout = limits.IdleConnection;
        kestrel.RequestHeadersTimeout = HeadTimeout;
        kestrel.MaxRequestBodySize = WireLimits.MaxBodyBytes(limits) + 1L;

        // JSONP can publish by GET alone, so that a message at its limit must fit in a request line.
        kestrel.MaxRequestLineSize = (3 * limits.MessageBytes) + RequestLineRest;

        // A browser sends the place in all its channels back as one header.
        kestrel.MaxRequestHeadersTotalSize = MaxEventIdBytes + HeadersRest;
        kestrel.MaxRequestBufferSize = Math.Max(kestrel.MaxRequestLineSize, kestrel.MaxRequestHeadersTotalSize);
        kestrel.Http2.InitialStreamWindowSize = StreamWindow;
        kestrel.Http2.InitialConnectionWindowSize = ConnectionWindow;
    }
}
