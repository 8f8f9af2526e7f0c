using System.Net;
using System.Net.Sockets;

namespace CComet.Web.Tests.Contract.Faults;

/// <summary>What may happen to one connection on its way.</summary>
public enum Fault
{
    /// <summary>Everything passes.</summary>
    None,

    /// <summary>Both sides are reset.</summary>
    Cut,

    /// <summary>The client sees the end of the stream; the server still writes.</summary>
    HalfCloseToClient,

    /// <summary>The server sees the end of the stream; the client still reads.</summary>
    HalfCloseToServer,

    /// <summary>Nothing passes any more, and nobody is told.</summary>
    Stall,

    /// <summary>What passes until the cut passes a few bytes at a time.</summary>
    Trickle,

    /// <summary>What passes until the cut is held up for a moment each time.</summary>
    Delay,

    /// <summary>The server is asked twice; until the cut the client hears one of the answers.</summary>
    Duplicate,
}

/// <summary>
/// A TCP proxy that does to each connection what a seeded random number generator says, at any byte of what comes from the
/// server. After enough faults it lets everything through, so that a run can end.
/// </summary>
public sealed class FaultProxy : IAsyncDisposable
{
    private const int MostStalls = 2;

    private static readonly TimeSpan HoldUp = TimeSpan.FromMilliseconds(20);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closing = new();
    private readonly Func<Random, int> _serverPort;
    private readonly Random _random;
    private readonly Task _accepting;
    private readonly List<Task> _relays = [];
    private int _faults;
    private int _stalls;

    public FaultProxy(Func<Random, int> serverPort, Random random)
    {
        _serverPort = serverPort;
        _random = random;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Connections { get; private set; }

    /// <summary>After how many faults it lets everything through.</summary>
    public int MostFaults { get; init; } = 20;

    public async ValueTask DisposeAsync()
    {
        if (_closing.IsCancellationRequested) return;
        await _closing.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_relays);
        _closing.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                var client = await _listener.AcceptSocketAsync(_closing.Token);
                Connections++;
                var (fault, after) = Plan();
                var port = _serverPort(_random);
                _relays.Add(Task.Run(() => RelayAsync(client, port, fault, after)));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
                return;
            }
        }
    }

    private (Fault Fault, int After) Plan()
    {
        var fault = (Fault)_random.Next(1, 8);

        // Offsets of every size: in the head of an answer, in its first messages, far into the stream.
        var after = _random.Next(3) switch { 0 => _random.Next(400), 1 => _random.Next(2_000), _ => _random.Next(10_000) };
        if (fault == Fault.Stall && _stalls++ >= MostStalls) fault = Fault.Cut;
        return _faults++ < MostFaults ? (fault, after) : (Fault.None, 0);
    }

    private async Task RelayAsync(Socket client, int serverPort, Fault fault, int after)
    {
        using var _ = client;
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var twin = fault == Fault.Duplicate ? new Socket(SocketType.Stream, ProtocolType.Tcp) : null;
        client.NoDelay = true;
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, serverPort, _closing.Token);
            if (twin is not null) await twin.ConnectAsync(IPAddress.Loopback, serverPort, _closing.Token);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
            var up = UpAsync(client, server, twin, ended);
            var down = DownAsync(server, client, fault, after, ended);
            var drain = twin is null ? Task.CompletedTask : DrainAsync(twin, ended.Token);
            await Task.WhenAll(up, down, drain);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // The server is away, or the run is over: the client sees its connection end.
        }
    }

    private static async Task UpAsync(Socket client, Socket server, Socket? twin, CancellationTokenSource ended)
    {
        var buffer = new byte[4096];
        try
        {
            while (true)
            {
                var read = await client.ReceiveAsync(buffer, ended.Token);
                if (read == 0) break;
                await server.SendAsync(buffer.AsMemory(0, read), ended.Token);
                if (twin is not null) await twin.SendAsync(buffer.AsMemory(0, read), ended.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Told to the other direction below.
        }

        await ended.CancelAsync();
    }

    private static async Task DownAsync(Socket server, Socket client, Fault fault, int after, CancellationTokenSource ended)
    {
        var buffer = new byte[4096];
        var passed = 0;
        try
        {
            while (true)
            {
                var most = fault == Fault.Trickle ? 7 : buffer.Length;
                if (fault != Fault.None) most = Math.Min(most, after - passed);
                if (most == 0)
                {
                    await StrikeAsync(server, client, fault, ended.Token);
                    break;
                }

                var read = await server.ReceiveAsync(buffer.AsMemory(0, most), ended.Token);
                if (read == 0) break;
                if (fault == Fault.Delay) await Task.Delay(HoldUp, ended.Token);
                await client.SendAsync(buffer.AsMemory(0, read), ended.Token);
                passed += read;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Told to the other direction below.
        }

        await ended.CancelAsync();
    }

    private static async Task StrikeAsync(Socket server, Socket client, Fault fault, CancellationToken ended)
    {
        switch (fault)
        {
            case Fault.Cut or Fault.Trickle or Fault.Delay or Fault.Duplicate:
                server.LingerState = client.LingerState = new LingerOption(enable: true, seconds: 0);
                break;
            case Fault.HalfCloseToClient:
                client.Shutdown(SocketShutdown.Send);
                await DrainAsync(server, ended);
                break;
            case Fault.HalfCloseToServer:
                server.Shutdown(SocketShutdown.Send);
                var rest = new byte[4096];
                for (int read; (read = await server.ReceiveAsync(rest, ended)) > 0;) await client.SendAsync(rest.AsMemory(0, read), ended);
                break;
            case Fault.Stall:
                await Task.Delay(Timeout.Infinite, ended);
                break;
            default:
                break;
        }
    }

    private static async Task DrainAsync(Socket socket, CancellationToken ended)
    {
        try
        {
            var buffer = new byte[4096];
            while (await socket.ReceiveAsync(buffer, ended) > 0) { }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Its answers were to be thrown away.
        }
    }
}
