using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace CComet.Web.Tests.Support;

/// <summary>
/// Stands between a client and the server and breaks connections: each of the first answers is cut off after a number of
/// bytes, and all that follow pass whole.
/// </summary>
public sealed class Relay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closing = new();
    private readonly ConcurrentBag<Task> _relaying = [];
    private readonly ConcurrentQueue<int> _allowed;
    private readonly int _serverPort;
    private readonly Task _accepting;
    private int _cuts;

    /// <summary>Begins to accept.</summary>
    /// <param name="serverPort">Where the server is.</param>
    /// <param name="allowed">How many bytes of each of the first answers pass.</param>
    public Relay(int serverPort, IEnumerable<int> allowed)
    {
        _serverPort = serverPort;
        _allowed = new ConcurrentQueue<int>(allowed);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>How many answers were cut off so far.</summary>
    public int Cuts => Volatile.Read(ref _cuts);

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_relaying);
        _closing.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _relaying.Add(RelayAsync(await _listener.AcceptSocketAsync(_closing.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // The test is over.
        }
    }

    private async Task RelayAsync(Socket client)
    {
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _serverPort, over.Token);
            var asking = CopyAsync(client, server, long.MaxValue, over);
            await AnswerAsync(server, client, over);
            await over.CancelAsync();
            await asking;
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // One of the two has gone; so goes the other.
        }
        finally
        {
            client.Dispose();
        }
    }

    private async Task AnswerAsync(Socket server, Socket client, CancellationTokenSource over)
    {
        // Browsers open connections that they do not use: only one that is answered counts.
        await server.ReceiveAsync(Memory<byte>.Empty, over.Token);
        var isToBeCut = _allowed.TryDequeue(out var bytes);
        if (!await CopyAsync(server, client, isToBeCut ? bytes : long.MaxValue, over)) return;

        // A reset, so that the client cannot take the end for a good one.
        client.LingerState = new LingerOption(true, 0);
        client.Close();
        Interlocked.Increment(ref _cuts);
    }

    /// <summary>Copies until one side ends; true when the bytes allowed have passed.</summary>
    private static async Task<bool> CopyAsync(Socket from, Socket to, long allowed, CancellationTokenSource over)
    {
        var buffer = new byte[4096];
        try
        {
            while (allowed > 0)
            {
                var read = await from.ReceiveAsync(buffer.AsMemory(0, (int)Math.Min(allowed, buffer.Length)), over.Token);
                if (read == 0) break;
                await to.SendAsync(buffer.AsMemory(0, read), over.Token);
                allowed -= read;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over, or one side has gone.
        }

        if (allowed > 0) await over.CancelAsync();
        return allowed == 0;
    }
}
