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

    public int Port { get; private set; }

    public async Task StartAsync()
    {
        _server = await LiveServer.StartAsync(Port, settings);
        Port = _server.Port;
    }

    public int AnyPort(Random random) => Port;

    public async Task DisturbAsync(Random random)
    {
        await _server!.StopAsync();
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.StopAsync();
    }
}

/// <summary>Two nodes on one Redis. Each of the three may end and come back.</summary>
public sealed class TwoNodes : IRig, IAsyncDisposable
{
    private readonly Restartable[] _nodes;

    private TwoNodes(RedisServer redis, string[] settings)
    {
        Redis = redis;
        string[] all = [.. settings, "CComet:Store:Kind=Redis", $"CComet:Store:Redis={redis.Address}"];
        _nodes = [new Restartable(all), new Restartable(all)];
    }

    public RedisServer Redis { get; }

    /// <summary>How often which of the three was restarted: the nodes, then Redis.</summary>
    public int[] Restarts { get; } = new int[3];

    public static async Task<TwoNodes> StartAsync(params string[] settings)
    {
        var nodes = new TwoNodes(await RedisServer.StartAsync(), settings);
        foreach (var node in nodes._nodes) await node.StartAsync();
        return nodes;
    }

    public int AnyPort(Random random) => _nodes[random.Next(_nodes.Length)].Port;

    public int PortOf(int node) => _nodes[node].Port;

    public async Task DisturbAsync(Random random)
    {
        var which = random.Next(3);
        Restarts[which]++;
        if (which == 2) await Redis.RestartAsync();
        else await _nodes[which].DisturbAsync(random);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes) await node.DisposeAsync();
        await Redis.DisposeAsync();
    }
}
