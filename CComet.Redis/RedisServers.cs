using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using StackExchange.Redis;

namespace CComet.Redis;

/// <summary>
/// Runs the scripts, each only on the run of the server that it was made for. A server that was restarted, and one that has
/// taken another's place, does not know them by their names and says so before anything is done; then it is asked for its run,
/// and for the runs whose data it has (see <see cref="RedisLineage"/>).
/// </summary>
internal sealed class RedisServers(IConnectionMultiplexer redis)
{
    private const int Attempts = 4;

    /// <summary>Older servers hand their scripts down to replicas and append-only files, so that a successor would know them.</summary>
    private const int OldestVersion = 7;

    private static readonly string[] Needed = ["run_id", "redis_version", "server_time_usec", "uptime_in_seconds", "aof_enabled", "master_replid2"];

    /// <summary>What answers to a client that may not come in begin with.</summary>
    private static readonly string[] Unauthorized = ["NOAUTH", "WRONGPASS", "NOPERM"];

    /// <summary>How long may go into finding out who the server is.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<EndPoint, Lazy<Task<byte[][]>>> _loaded = new();
    private readonly IDatabase _database = redis.GetDatabase();
    private Tuple<bool, bool>? _kind;
    private volatile bool _isKnown;
    private volatile bool _neverEvicts;

    /// <summary>Whether the channels are spread over several servers.</summary>
    public bool IsCluster => Kind().IsCluster;

    /// <summary>Whether a message can be sent to the nodes of one part of a cluster alone.</summary>
    public bool HasShardedPubSub => Kind().HasShardedPubSub;

    /// <summary>
    /// Whether channels of which nothing is stored share an epoch, so that asking for one leaves nothing in Redis. Not on a cluster, where a
    /// script reaches one slot; nor where Redis drops keys at will, as a log that was dropped could come back under that epoch.
    /// </summary>
    public bool HasUnwritten => _neverEvicts && !IsCluster;

    /// <summary>Whether what the servers are was found out.</summary>
    public bool IsKnown => _isKnown;

    /// <summary>The slot of a key in a cluster.</summary>
    public int SlotOf(RedisKey key) => redis.GetHashSlot(key);

    /// <summary>Runs a script where its keys are.</summary>
    /// <exception cref="StoreUnavailableException">It cannot be run, or it is unknown whether it was.</exception>
    public async Task<RedisResult> RunAsync(RedisScript script, RedisKey[] keys, RedisValue[] arguments)
    {
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                var server = ServerOf(keys[0]);
                var loaded = Loaded(server);
                var names = await NamesAsync(server, loaded);
                try
                {
                    return await _database.ScriptEvaluateAsync(names[(int)script], keys, arguments, CommandFlags.DemandMaster);
                }
                catch (RedisServerException e) when (attempt < Attempts && e.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
                {
                    _loaded.TryRemove(KeyValuePair.Create(server.EndPoint, loaded));
                }
            }
        }
        catch (Exception e) when (IsFailure(e))
        {
            throw Unavailable(e);
        }
    }

    /// <summary>Finds out, unless it is known, whether scripts can be run where a key is.</summary>
    /// <exception cref="StoreUnavailableException">They cannot be run on that server.</exception>
    public async Task PrepareAsync(RedisKey key)
    {
        var server = ServerOf(key);
        await NamesAsync(server, Loaded(server));
    }

    /// <summary>True for what a server, or the way to it, can do to us. InvalidOperationException is how the client says that it has no connection to choose from, or is closed.</summary>
    public static bool IsFailure(Exception exception) => exception is RedisException or RedisCommandException or TimeoutException or InvalidOperationException;

    /// <summary>A failure in words for operators and publishers.</summary>
    public static StoreUnavailableException Unavailable(Exception exception) => new(
        exception switch
        {
            _ when IsUnauthorized(exception) => "Redis refuses the user or the password of the server.",
            TimeoutException => "Redis did not answer in time; what was asked of it may have been done or not. Try again with the same id.",
            RedisConnectionException or InvalidOperationException => "Redis cannot be reached; what was asked of it may have been done or not. Try again with the same id.",
            RedisServerException e when e.Message.StartsWith("OOM", StringComparison.Ordinal) => "Redis is full: it has reached its maxmemory.",
            RedisServerException e => $"Redis refuses: {e.Message.Split(' ')[0]}.",
            _ => "Redis cannot be used.",
        },
        exception);

    /// <summary>A failure in words for operators.</summary>
    public static string Reason(Exception exception) => exception switch
    {
        _ when IsUnauthorized(exception) => "it refuses the user or the password, or wants one",
        StoreUnavailableException { InnerException: { } inner } => Reason(inner),
        TimeoutException => "it does not answer in time",
        RedisConnectionException or InvalidOperationException =>
            Causes(exception).OfType<SocketException>().FirstOrDefault() is { } socket ? $"it cannot be reached: {socket.Message}" : "it cannot be reached",
        _ => exception.Message,
    };

    private static bool IsUnauthorized(Exception exception) => Causes(exception).Any(e =>
        e is RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure }
        || Unauthorized.Any(code => e.Message.StartsWith(code, StringComparison.Ordinal)));

    private static IEnumerable<Exception> Causes(Exception exception) =>
        exception is AggregateException all ? all.InnerExceptions.SelectMany(Causes)
        : exception.InnerException is { } inner ? Causes(inner).Prepend(exception)
        : [exception];

    private IServer ServerOf(RedisKey key) => redis.GetServer(key, flags: CommandFlags.DemandMaster);

    private Lazy<Task<byte[][]>> Loaded(IServer server) =>
        _loaded.GetOrAdd(server.EndPoint, _ => new Lazy<Task<byte[][]>>(() => LoadAsync(server)));

    private async ValueTask<byte[][]> NamesAsync(IServer server, Lazy<Task<byte[][]>> loaded)
    {
        try
        {
            return loaded.Value.IsCompletedSuccessfully ? loaded.Value.Result : await loaded.Value.WaitAsync(Longest);
        }
        catch
        {
            _loaded.TryRemove(KeyValuePair.Create(server.EndPoint, loaded));
            throw;
        }
    }

    /// <summary>What the servers are, which stays as it is once one of them has answered.</summary>
    private (bool IsCluster, bool HasShardedPubSub) Kind()
    {
        if (_kind is { } kind) return (kind.Item1, kind.Item2);
        var server = redis.GetServers().FirstOrDefault(s => s.IsConnected);
        if (server is null) return default;
        var isCluster = server.ServerType == ServerType.Cluster;
        _kind = Tuple.Create(isCluster, isCluster && server.Features.ShardedPubSub);
        return (_kind.Item1, _kind.Item2);
    }

    /// <summary>Asks a server who it is, and gives it the scripts made for it.</summary>
    private async Task<byte[][]> LoadAsync(IServer server)
    {
        while (true)
        {
            var info = await InfoAsync(server);
            var run = info["run_id"];
            var version = info["redis_version"];
            if (int.Parse(version.Split('.')[0], CultureInfo.InvariantCulture) < OldestVersion)
                throw new StoreUnavailableException($"Redis {version} is too old: {OldestVersion} is needed.");

            // Redis counts whole seconds, and both ends of its uptime are rounded: it has been up since this moment at the latest.
            var upSince = ((Number("server_time_usec") / 1_000_000) - Number("uptime_in_seconds") + 1) * 1_000;
            var forgets = info["aof_enabled"] == "0";

            // A promoted replica remembers whose copy it was; a restarted server, even from a file that a replica has written, does not.
            var wasCopy = info["master_replid2"].Any(c => c != '0');
            var line = await RedisLineage.OfAsync(_database, LineageKey(server), run, isBroken: forgets || wasCopy);
            var hashes = new List<byte[]>();
            foreach (var text in RedisScripts.For(run, line, upSince)) hashes.Add(await server.ScriptLoadAsync(text));

            _neverEvicts = info.GetValueOrDefault("maxmemory_policy") == "noeviction";
            _isKnown = true;

            // Another may have taken its place between the questions.
            if ((await InfoAsync(server))["run_id"] == run) return [.. hashes];

            long Number(string name) => long.Parse(info[name], CultureInfo.InvariantCulture);
        }
    }

    /// <summary>The first of the lineage's possible keys that is on this server, which is the same for every node.</summary>
    private RedisKey LineageKey(IServer server)
    {
        for (var i = 0; ; i++)
        {
            var key = RedisLineage.Key(i);
            if (!IsCluster || Equals(ServerOf(key).EndPoint, server.EndPoint)) return key;
            if (i > ushort.MaxValue) throw new StoreUnavailableException("Redis: a server of the cluster has no slots.");
        }
    }

    private static async Task<Dictionary<string, string>> InfoAsync(IServer server)
    {
        var text = await server.InfoRawAsync() ?? "";
        var info = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in text.Split('\n', StringSplitOptions.TrimEntries))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0) info[line[..colon]] = line[(colon + 1)..];
        }

        var missing = Needed.FirstOrDefault(name => !info.ContainsKey(name));
        return missing is null ? info : throw new StoreUnavailableException($"Redis does not tell its {missing}, without which lost messages would go unnoticed.");
    }
}
