using System.Diagnostics;
using System.Globalization;

namespace CComet.Web.Tests.Support;

/// <summary>A real redis-server on a free port, with a folder of its own, that can be killed and started again.</summary>
public sealed class RedisServer : IAsyncDisposable
{
    /// <summary>With <c>everysec</c> it acknowledges before it has written when the disk is busy, and being killed then loses that.</summary>
    private static readonly string[] Keeping = ["--appendonly", "yes", "--appendfsync", "always"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ccomet-redis-");
    private readonly string[] _more;
    private RunningProgram? _program;

    private RedisServer(string[] more) => _more = more;

    public int Port { get; } = Ports.Take();

    private static string[] Cluster => [.. Keeping, "--cluster-enabled", "yes", "--cluster-port", $"{Ports.Take()}"];

    /// <summary>As <c>CComet:Store:Redis</c> wants it.</summary>
    public string Address => $"127.0.0.1:{Port}";

    /// <summary>Starts a server that writes an append-only file.</summary>
    public static Task<RedisServer> StartAsync() => StartAsync(Keeping);

    public static async Task<RedisServer> StartAsync(params string[] more)
    {
        var server = new RedisServer(more);
        await server.RunAsync();
        return server;
    }

    /// <summary>Starts a cluster of three primaries that share the slots.</summary>
    public static async Task<IReadOnlyList<RedisServer>> StartClusterAsync()
    {
        var servers = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => StartAsync(Cluster)));
        var answer = servers[0].Ask(["--cluster", "create", .. servers.Select(s => s.Address), "--cluster-yes"]);
        Assert.Contains("All 16384 slots covered", answer, StringComparison.Ordinal);
        foreach (var server in servers) await Eventually.TrueAsync(() => server.Ask("CLUSTER", "INFO").Contains("cluster_state:ok", StringComparison.Ordinal), "The cluster stands");
        return servers;
    }

    /// <summary>Adds a replica to this part of a cluster, and waits until it has everything.</summary>
    public async Task<RedisServer> AddReplicaAsync()
    {
        var replica = await StartAsync(Cluster);
        var answer = Ask("--cluster", "add-node", replica.Address, Address, "--cluster-slave", "--cluster-master-id", Ask("CLUSTER", "MYID"));
        Assert.Contains("New node added correctly", answer, StringComparison.Ordinal);
        await Eventually.TrueAsync(() => replica.Ask("INFO", "replication").Contains("master_link_status:up", StringComparison.Ordinal), "Replicating");
        return replica;
    }

    /// <summary>Starts it again where it was.</summary>
    public async Task RunAsync()
    {
        _program = RunningProgram.Start(
            "redis-server", "redis-server", null, ["--port", $"{Port}", "--bind", "127.0.0.1", "--dir", _folder.FullName, "--save", "", "--enable-debug-command", "yes", .. _more]);
        await Eventually.TrueAsync(() => _program.HasExited || Ask("PING") == "PONG", "Redis listens");
        Assert.False(_program.HasExited, $"redis-server has ended: {string.Join('\n', _program.Lines)}");
    }

    /// <summary>Kills it, as a failing machine does.</summary>
    public async Task KillAsync()
    {
        if (_program is not null) await _program.DisposeAsync();
        _program = null;
    }

    public async Task RestartAsync()
    {
        await KillAsync();
        await RunAsync();
    }

    /// <summary>What redis-cli answers to a command.</summary>
    public string Ask(params string[] command)
    {
        using var cli = Process.Start(new ProcessStartInfo("redis-cli", ["-p", $"{Port}", .. command]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var answer = cli.StandardOutput.ReadToEnd();
        cli.WaitForExit();
        return answer.Trim();
    }

    public long AskNumber(params string[] command) => long.Parse(Ask(command), CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _folder.Delete(recursive: true);
    }
}
