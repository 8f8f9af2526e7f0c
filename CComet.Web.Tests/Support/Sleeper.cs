using System.Net.Sockets;
using System.Text;

namespace CComet.Web.Tests.Support;

/// <summary>A client that asks for a stream and then takes nothing of it.</summary>
public sealed class Sleeper : IDisposable
{
    /// <summary>So narrow that little is under way to it.</summary>
    private const int ReceiveBuffer = 4096;

    private readonly Socket _socket;

    private Sleeper(Socket socket) => _socket = socket;

    public static async Task<Sleeper> AskAsync(int port, string path, string channel)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = ReceiveBuffer, NoDelay = true };
        await socket.ConnectAsync("127.0.0.1", port);
        var headers = path == "/ws" ? string.Join("\r\n", RawSocket.Upgrade) + "\r\n" : "";
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {path}?channel={channel} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n"));
        return new Sleeper(socket);
    }

    /// <summary>Takes what is still under way, up to the end of the connection, which must come.</summary>
    public async Task WakeAsync()
    {
        using var deadline = new CancellationTokenSource(Patience.Limit);
        var buffer = new byte[1 << 16];
        try
        {
            while (await _socket.ReceiveAsync(buffer, deadline.Token) > 0)
            {
                // It is the end that matters.
            }
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset)
        {
            // That is the end of it.
        }
    }

    public void Dispose() => _socket.Dispose();
}
