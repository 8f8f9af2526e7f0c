using System.Net;
using System.Net.Sockets;

namespace CComet.Simulator.Wire;

/// <summary>Whom the bytes of a connection are told to.</summary>
internal interface ILinkReceiver
{
    /// <summary>Bytes came; good during the call only.</summary>
    void Receive(ReadOnlySpan<byte> bytes);
}

/// <summary>
/// One TCP connection. It waits by a receive of no bytes, which holds no buffer, and reads what has come into one that belongs to
/// the thread: ten thousand silent connections hold not one buffer.
/// </summary>
internal sealed class Link : IDisposable
{
    private const int BufferBytes = 64 * 1024;

    private static readonly TimeSpan SendPatience = TimeSpan.FromSeconds(1);

    [ThreadStatic]
    private static byte[]? _buffer;

    private readonly Socket _socket;

    private Link(Socket socket) => _socket = socket;

    /// <summary>Connects, from the given source address if there is one.</summary>
    public static async Task<Link> ConnectAsync(IPEndPoint target, IPAddress? source, CancellationToken cancel)
    {
        var socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (source is not null) socket.Bind(new IPEndPoint(source, 0));

            // Closed by a reset: tens of thousands of connections in TIME_WAIT would leave no port to come back from.
            socket.LingerState = new LingerOption(true, 0);
            await socket.ConnectAsync(target, cancel);
            socket.Blocking = false;
            return new Link(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Sends a request; requests are small, so the socket's own buffer takes them at once but for the rarest case.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var count = _socket.Send(bytes, SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock) _socket.Poll(SendPatience, SelectMode.SelectWrite);
            else if (error != SocketError.Success) throw new SocketException((int)error);
            else bytes = bytes[count..];
        }
    }

    /// <summary>Tells the receiver all that comes, until the other side ends or this side is closed.</summary>
    public async Task PumpAsync(ILinkReceiver receiver)
    {
        while (true)
        {
            await _socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None);
            if (!ReadOnce(receiver)) return;
        }
    }

    /// <summary>Drops the connection without a farewell.</summary>
    public void Dispose() => _socket.Dispose();

    private bool ReadOnce(ILinkReceiver receiver)
    {
        var buffer = _buffer ??= GC.AllocateUninitializedArray<byte>(BufferBytes);

        // A receive of no bytes also ends when it hears of something that was read before: then there is nothing, and it must not
        // wait for more, as the thread is not its own.
        var count = _socket.Receive(buffer, SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock) return true;
        if (error != SocketError.Success) throw new SocketException((int)error);
        if (count == 0) return false;
        receiver.Receive(buffer.AsSpan(0, count));
        return true;
    }
}
