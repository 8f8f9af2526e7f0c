using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Contract.Faults;

/// <summary>The servers of a run, and what may befall them while everybody goes on.</summary>
public interface IRig
{
    /// <summary>The port of one of the servers, as a balancer without stickiness would choose it.</summary>
    int AnyPort(Random random);

    /// <summary>Lets something happen to the servers, and waits until it is over.</summary>
    Task DisturbAsync(Random random);
}

/// <summary>A server that can be replaced by a new one on the same port.</summary>
public sealed class Restartable(params string[] settings) : IRig, IAsyncDisposable
{
    private LiveServer? _server;

    /// <summary>The clock of every server on the port; null for the system's.</summary>
    public TimeProvider? Time { get; init; }

    public int Port { get; private set; }

    public async Task StartAsync()
    {
        _server = await LiveServer.StartAsync(Port, Time is null ? new CCometFactory(settings) : new CCometFactory(Time, settings));
        Port = _server.Port;
    }

    public int AnyPort(Random random) => Port;

    public async Task DisturbAsync(Random random)
    {
        // A run that fails meanwhile ends with its own failure: there is no server to wait for.
        var server = _server!;
        _server = null;
        await server.StopAsync();
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not { } server) return;
        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 0, "Leaving of every subscriber, however its connection failed");
        await server.StopAsync();
    }
}

/// <summary>A server in a process of its own, which is killed and started again.</summary>
public sealed class Killable(params string[] settings) : IAsyncDisposable
{
    private ServerProgram? _process;

    public int Port { get; } = Ports.Take();

    public async Task StartAsync()
    {
        _process = await ServerProgram.StartAsync("http", [$"--urls=http://127.0.0.1:{Port}", .. settings]);
    }

    /// <summary>Without a word to anybody, as a machine fails.</summary>
    public async Task RestartAsync()
    {
        await _process!.DisposeAsync();
        await StartAsync();
    }

    /// <summary>Kills it for good.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        _process = null;
    }
}

/// <summary>Two nodes on one Redis. Each of the three may be killed, and comes back.</summary>
public sealed class TwoNodes : IRig, IAsyncDisposable
{
    private readonly Killable[] _nodes;

    private TwoNodes(RedisServer redis, string[] settings)
    {
        Redis = redis;
        string[] all = [.. settings.Select(s => $"--{s}"), "--CComet:Store:Kind=Redis", $"--CComet:Store:Redis={redis.Address}"];
        _nodes = [new Killable(all), new Killable(all)];
    }

    public RedisServer Redis { get; }

    /// <summary>How often which of the three was killed: the nodes, then Redis.</summary>
    public int[] Kills { get; } = new int[3];

    public static async Task<TwoNodes> StartAsync(params string[] settings)
    {
        var nodes = new TwoNodes(await RedisServer.StartAsync(), settings);
        await Task.WhenAll(nodes._nodes.Select(node => node.StartAsync()));
        return nodes;
    }

    public int AnyPort(Random random) => _nodes[random.Next(_nodes.Length)].Port;

    public int PortOf(int node) => _nodes[node].Port;

    public async Task DisturbAsync(Random random)
    {
        var which = random.Next(3);
        Kills[which]++;
        if (which == 2) await Redis.RestartAsync();
        else await _nodes[which].RestartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes) await node.DisposeAsync();
        await Redis.DisposeAsync();
    }
}
