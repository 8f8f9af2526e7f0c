using System.Net;
using System.Net.Sockets;

namespace CComet.Conformance.Server;

/// <summary>Listens on a port of the loopback that stays its own while it does not listen, so that a client that comes then is refused, and by nobody else answered.</summary>
internal sealed class Listener : IDisposable
{
    private readonly Socket _holder;
    private Socket? _socket;

    public Listener()
    {
        _holder = NewSocket();
        _holder.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Port = ((IPEndPoint)_holder.LocalEndPoint!).Port;
    }

    public int Port { get; }

    /// <summary>Begins to listen.</summary>
    public Socket Open()
    {
        _socket = NewSocket();
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, Port));
        _socket.Listen(512);
        return _socket;
    }

    /// <summary>From now on clients are refused.</summary>
    public void Close() => _socket?.Dispose();

    public void Dispose()
    {
        Close();
        _holder.Dispose();
    }

    /// <summary>A socket that shares its port with others of this process: SO_REUSEPORT, which .NET has no name for.</summary>
    private static Socket NewSocket()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var (level, option) = OperatingSystem.IsLinux() ? (1, 15) : (0xFFFF, 0x200);
        if (!OperatingSystem.IsWindows()) socket.SetRawSocketOption(level, option, BitConverter.GetBytes(1));
        return socket;
    }
}
