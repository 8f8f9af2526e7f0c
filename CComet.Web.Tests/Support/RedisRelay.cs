using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CComet.Web.Tests.Support;

/// <summary>
/// Relays between the nodes and Redis, as a network does: it can lose what Redis sends to its subscribers without a sign, and lead
/// new connections to another server. It can also replace what Redis answers.
/// </summary>
public sealed class RedisRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closing = new();
    private readonly ConcurrentBag<Task> _relaying = [];
    private readonly Task _accepting;
    private volatile int _port;
    private volatile bool _swallows;
    private (byte[] From, byte[] To)? _instead;
    private int _swallowed;

    /// <summary>Begins to accept.</summary>
    /// <param name="port">Where Redis is.</param>
    public RedisRelay(int port)
    {
        _port = port;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>As <c>CComet:Store:Redis</c> wants it.</summary>
    public string Address => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>While true, nothing reaches a connection on which somebody has subscribed; it stays open.</summary>
    public bool SwallowsWhatSubscribersAreTold
    {
        get => _swallows;
        set => _swallows = value;
    }

    /// <summary>How many bytes were swallowed.</summary>
    public int Swallowed => Volatile.Read(ref _swallowed);

    /// <summary>Leads new connections to another server from now on.</summary>
    public void LeadTo(int port) => _port = port;

    /// <summary>Lets Redis say something of the same length in place of something, from now on.</summary>
    public void SayInstead(string from, string to)
    {
        Assert.Equal(from.Length, to.Length);
        _instead = (Encoding.ASCII.GetBytes(from), Encoding.ASCII.GetBytes(to));
    }

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
        var connection = new Connection();
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _port, over.Token);
            await Task.WhenAny(CopyAsync(client, server, connection, isAnswer: false, over.Token), CopyAsync(server, client, connection, isAnswer: true, over.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // Redis is away, or the test is over.
        }

        await over.CancelAsync();
        client.Dispose();
    }

    private async Task CopyAsync(Socket from, Socket to, Connection connection, bool isAnswer, CancellationToken over)
    {
        var buffer = new byte[16 << 10];
        try
        {
            while (await from.ReceiveAsync(buffer, over) is > 0 and var read)
            {
                if (!isAnswer && buffer.AsSpan(0, read).IndexOf("SUBSCRIBE"u8) >= 0) connection.IsSubscriber = true;
                if (isAnswer && _instead is { } said && buffer.AsSpan(0, read).IndexOf(said.From) is >= 0 and var at) said.To.CopyTo(buffer, at);
                if (isAnswer && _swallows && connection.IsSubscriber) Interlocked.Add(ref _swallowed, read);
                else await to.SendAsync(buffer.AsMemory(0, read), over);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // One of the two has gone; so goes the other.
        }
    }

    private sealed class Connection
    {
        public volatile bool IsSubscriber;
    }
}
