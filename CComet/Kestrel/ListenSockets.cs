using System.Net;
using System.Net.Sockets;
using CComet.Interop;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace CComet.Kestrel;

/// <summary>Makes the sockets that listen, and says of one that cannot be made which it is and why.</summary>
internal static class ListenSockets
{
    /// <summary>Makes one. An address that is in use is left to Kestrel to tell.</summary>
    /// <exception cref="StartException">It cannot listen there.</exception>
    public static Socket Create(EndPoint endpoint)
    {
        if (endpoint is UnixDomainSocketEndPoint unix) TakeOver(unix, unix.ToString()!);
        try
        {
            return SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        }
        catch (SocketException e) when (e.SocketErrorCode != SocketError.AddressAlreadyInUse || endpoint is UnixDomainSocketEndPoint)
        {
            throw new StartException($"{endpoint} cannot be listened on: {Reason(e, endpoint)}", e);
        }
    }

    private static string Reason(SocketException e, EndPoint endpoint) => (e.SocketErrorCode, endpoint) switch
    {
        (SocketError.AccessDenied, IPEndPoint { Port: < 1024 }) => "ports below 1024 need the right CAP_NET_BIND_SERVICE; choose another with --urls.",
        (SocketError.AddressNotAvailable, _) => "this machine has no such address; see --urls.",
        (SocketError.AccessDenied, UnixDomainSocketEndPoint) => $"{Unix.User} may not make a file there.",
        _ => $"{e.Message.TrimEnd('.')}.",
    };

    /// <summary>Deletes the file of a socket that a server which was killed has left; binding to its path would fail for ever.</summary>
    private static void TakeOver(UnixDomainSocketEndPoint endpoint, string path)
    {
        var kind = Unix.Look(path).Kind;
        if (kind is FileKind.Missing or FileKind.Unknown) return;
        if (kind != FileKind.Socket) throw new StartException($"{path} is there, and is no socket: choose another path with --urls, or move it away.");
        try
        {
            // Not blocking: that of a busy server would have to be waited for.
            using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
            probe.Connect(endpoint);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
            return;
        }
        catch (SocketException)
        {
            // It answers, or is nothing that can be told.
        }

        throw new StartException($"{path} is served by another process: stop that one, or choose another path with --urls.");
    }
}
