using System.Net;
using System.Net.Sockets;

namespace CComet.Web.Tests.Support;

/// <summary>
/// Ports of 127.0.0.1 for servers that must be told theirs, or that come back on it. They lie below the ephemeral
/// ports: otherwise a client's end of a connection, or another test's server, could take the port in between.
/// </summary>
public static class Ports
{
    private const int First = 10_000;
    private const int Count = 22_000;

    private static int _last = Random.Shared.Next(Count);

    /// <summary>One that nobody has, and that no test of this run is given again.</summary>
    public static int Take()
    {
        while (true)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref _last) % Count);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // The next one.
            }
        }
    }

    /// <summary>Whether a server can be reached on a port.</summary>
    public static bool Listens(int port)
    {
        try
        {
            using var client = new TcpClient("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
