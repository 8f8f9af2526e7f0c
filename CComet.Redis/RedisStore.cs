using CComet.Messages;
using CComet.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace CComet.Redis;

/// <summary>
/// Keeps the logs in a Redis server that several nodes share: one script appends, so that there is one order for all; what is
/// told between the nodes is only that there is something to read. What was acknowledged outlives every node, and Redis as far
/// as Redis keeps it; where it may not have, the logs begin new epochs.
/// </summary>
/// <remarks>
/// A message is acknowledged when the primary has it. Each run of a server is told from the others by its run_id: a run that
/// keeps no append-only file, and one that was a replica before, may lack what was acknowledged, and all its logs begin new
/// epochs. What is not noticed, unless a node that follows the channel has seen more: what a crash takes from the end of an
/// append-only file (<c>appendfsync always</c> where that matters: with <c>everysec</c> it may be two seconds, even without a
/// power failure), an old copy of the data put in place by hand (delete <c>ccomet:lineage:*</c> there), and a server that was
/// demoted and promoted again without a restart. A reset that was not needed is possible, a silence is what is to be avoided.
/// The channels are not counted, so that <c>CComet:Limits:Channels</c> bounds only those a node has open.
/// </remarks>
public sealed partial class RedisStore : IMessageStore, IClearingStore, IListingStore, IRecordStore, IPresenceStore, ICursorStore, IAsyncDisposable
{
    /// <summary>What holds unless the configuration string says otherwise: a server that is away is told at once.</summary>
    private const string Defaults = "abortConnect=false,connectTimeout=3000,asyncTimeout=4000,syncTimeout=4000,keepAlive=5,configCheckSeconds=5,name=ccomet,";

    /// <summary>Beyond every seqid, and exact as a number of Lua.</summary>
    private const long End = 1L << 52;

    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan HeadSlack = TimeSpan.FromHours(1);
    private static readonly TimeSpan CanaryLife = TimeSpan.FromSeconds(10);

    private readonly ConnectionMultiplexer _redis;
    private readonly RedisServers _servers;
    private readonly RedisFollowers _followers;
    private readonly RedisRecords _records;
    private readonly RedisNames _names;
    private readonly RedisMembers _members;
    private readonly RedisCursors _cursors;
    private readonly HubOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly RedisValue[] _appendSettings;
    private readonly string _channelPrefix;
    private readonly long _headLife;
    private readonly long _unwrittenLife;
    private readonly long _idle;
    private int _waiting;

    /// <summary>Connects, or begins to try: a server that is away is told by every call, not here.</summary>
    /// <param name="store">The server, and how long it remembers, read once.</param>
    /// <param name="hub">The bounds of the logs and of the ids, read once.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Is told when Redis is lost, and when it is back.</param>
    /// <exception cref="ArgumentException">The configuration is no configuration string.</exception>
    public RedisStore(IOptions<RedisStoreOptions> store, IOptions<HubOptions> hub, TimeProvider time, ILogger<RedisStore> logger)
    {
        _options = hub.Value;
        _time = time;
        _logger = logger;
        var configuration = Parse(store.Value.Configuration);
        configuration.BacklogPolicy = BacklogPolicy.FailFast;

        // Back as soon as Redis is: the client looks this often, and tries again after as long.
        configuration.HeartbeatInterval = RetryInterval;
        configuration.ReconnectRetryPolicy = new LinearRetry((int)RetryInterval.TotalMilliseconds);

        // INFO counts as an administrator's command.
        configuration.AllowAdmin = true;
        _channelPrefix = configuration.ChannelPrefix.IsNullOrEmpty ? "" : configuration.ChannelPrefix.ToString();
        _redis = ConnectionMultiplexer.Connect(configuration);
        _redis.ConnectionFailed += (_, e) =>
        {
            LogLost(_logger, e.ConnectionType, e.FailureType);
            if (e.Exception is not null) LogFailure(_logger, e.Exception);
        };
        _redis.ConnectionRestored += (_, e) => LogRestored(_logger, e.ConnectionType);
        _servers = new RedisServers(_redis);
        _followers = new RedisFollowers(_redis, _servers, time);
        _records = new RedisRecords(Database, _servers, time);
        _names = new RedisNames(Database, time, hub.Value.History.MaxAge);
        _members = new RedisMembers(Database, _servers);
        _cursors = new RedisCursors(_servers);
        _ = TellWhetherUsableAsync(string.Join(", ", configuration.EndPoints));

        var history = _options.History;
        var headLife = store.Value.Remember > history.MaxAge + HeadSlack ? store.Value.Remember : history.MaxAge + HeadSlack;
        _headLife = Milliseconds(headLife);
        _appendSettings =
        [
            history.MaxMessages, history.MaxBytes, Milliseconds(history.MaxAge), Milliseconds(StoreBounds.IdLifetime), _options.Limits.IdsPerChannel,
            _headLife, Milliseconds(history.MaxAge + HeadSlack),
        ];

        // Well before any head that was made under it: see RedisScripts.
        _unwrittenLife = Milliseconds(headLife / 4);
        _idle = Milliseconds(_options.Limits.IdleChannel > RedisFollowers.LookInterval ? _options.Limits.IdleChannel : RedisFollowers.LookInterval);
    }

    /// <summary>The database, by the connections of the store.</summary>
    internal IDatabase Database => _redis.GetDatabase();

    /// <summary>Reads a configuration string.</summary>
    /// <exception cref="ArgumentException">It is not one.</exception>
    internal static ConfigurationOptions Parse(string text) => ConfigurationOptions.Parse(Defaults + text);

    /// <summary>Tells whether a text is a configuration string that names a server.</summary>
    internal static bool IsConfiguration(string text)
    {
        try
        {
            return Parse(text).EndPoints.Count > 0;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<Receipt>> AppendAsync(IReadOnlyList<NewMessage> messages, CancellationToken cancellation = default)
    {
        if (Interlocked.Increment(ref _waiting) > _options.Limits.WaitingWrites)
        {
            Interlocked.Decrement(ref _waiting);
            throw new StoreUnavailableException("Redis cannot store as fast as it is asked to; try again in a moment.");
        }

        try
        {
            return await AppendAllAsync(messages);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<LogSlice> ReadAsync(string channel, long from, long maxBytes, CancellationToken cancellation = default)
    {
        var follower = _followers.Find(channel);
        try
        {
            var slice = await ReadOnceAsync(channel, from, maxBytes);
            if (follower is null || follower.Saw(slice.Head, out var end)) return slice;

            // Redis has lost what this node has seen, and nothing else has told so.
            await _servers.RunAsync(RedisScript.Renew, KeysOf(channel), [slice.Head.Epoch, end, Epoch.New(), _idle]);
            slice = await ReadOnceAsync(channel, from, maxBytes);
            follower.Saw(slice.Head, out _);
            return slice;
        }
        catch (StoreUnavailableException)
        {
            if (follower is not null) follower.IsDoubtful = true;
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<LogHead?> ClearAsync(string channel, CancellationToken cancellation = default)
    {
        if (!_servers.IsKnown) await PrepareAsync(channel);
        RedisValue[] arguments =
        [
            _time.GetUtcNow().ToUnixTimeMilliseconds(), Epoch.New(), Milliseconds(_options.History.MaxAge), _headLife, PublishCommand, _channelPrefix,
        ];
        var answer = (RedisResult[])(await _servers.RunAsync(RedisScript.Clear, KeysOf(channel)[..RedisKeys.Own], arguments))!;
        return answer.Length == 0 ? null : new LogHead((string)answer[0]!, (long)answer[1], (long)answer[2]);
    }

    /// <inheritdoc/>
    public async ValueTask<LogPage> ListAsync(string prefix, string? after, int limit, CancellationToken cancellation = default)
    {
        try
        {
            return await _names.ListAsync(prefix, after, limit);
        }
        catch (Exception e) when (RedisServers.IsFailure(e))
        {
            throw RedisServers.Unavailable(e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask FollowAsync(string channel, ILogListener listener, CancellationToken cancellation = default) =>
        await _followers.FollowAsync(channel, listener, async () => (await ReadAsync(channel, End, 0, cancellation)).Head);

    /// <inheritdoc/>
    public void Unfollow(string channel, ILogListener listener) => _followers.Unfollow(channel, listener);

    /// <summary>Forgets the names of some logs that are gone: Redis itself forgets what has been given a time to live.</summary>
    public async ValueTask SweepAsync(CancellationToken cancellation = default)
    {
        try
        {
            await _names.SweepAsync();
        }
        catch (Exception e) when (RedisServers.IsFailure(e))
        {
            throw RedisServers.Unavailable(e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask CheckAsync(CancellationToken cancellation = default)
    {
        RedisKey key = $"ccomet:canary:{Guid.NewGuid():N}";
        try
        {
            await _servers.PrepareAsync(key);
            var database = _redis.GetDatabase();
            await database.StringSetAsync(key, "alive", CanaryLife);
            if (await database.StringGetAsync(key) != "alive") throw new StoreUnavailableException("Redis has not kept what was written to it.");
        }
        catch (Exception e) when (RedisServers.IsFailure(e))
        {
            throw RedisServers.Unavailable(e);
        }
    }

    /// <inheritdoc/>
    public ValueTask PutRecordAsync(string kind, string name, ReadOnlyMemory<byte> value, DateTimeOffset? expires, CancellationToken cancellation = default) =>
        _records.PutAsync(kind, name, value, expires);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyDictionary<string, byte[]>> ReadRecordsAsync(string kind, CancellationToken cancellation = default) => _records.ReadAsync(kind);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<int>> ChangeMembersAsync(string log, string holder, IReadOnlyList<MemberChange> changes, int maxMembers, CancellationToken cancellation = default)
    {
        if (!_servers.IsKnown) await PrepareAsync(log);
        return await _members.ChangeAsync(log, AppendArguments(), holder, changes, maxMembers);
    }

    /// <inheritdoc/>
    public async ValueTask<MemberList> ReadMembersAsync(string log, bool withMembers, CancellationToken cancellation = default)
    {
        if (!_servers.IsKnown) await PrepareAsync(log);
        return await _members.ReadAsync(log, [_time.GetUtcNow().ToUnixTimeMilliseconds(), Epoch.New(), Milliseconds(_options.History.MaxAge), _idle, _unwrittenLife], withMembers);
    }

    /// <inheritdoc/>
    public ValueTask<bool> RenewLeaseAsync(string holder, TimeSpan life, bool isNew, CancellationToken cancellation = default) => _members.RenewAsync(holder, life, isNew);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<string>> ReadLapsedAsync(CancellationToken cancellation = default) => _members.ReadLapsedAsync();

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<(string Log, string Member)>> ReadHeldAsync(string holder, int most, CancellationToken cancellation = default) => _members.ReadHeldAsync(holder, most);

    /// <inheritdoc/>
    public ValueTask ForgetHolderAsync(string holder, CancellationToken cancellation = default) => _members.ForgetAsync(holder);

    /// <inheritdoc/>
    public ValueTask<long?> LeaseReaderAsync(string reader, string holder, TimeSpan life, CancellationToken cancellation = default) => _cursors.LeaseAsync(reader, holder, life);

    /// <inheritdoc/>
    public ValueTask ReleaseReaderAsync(string reader, string holder, CancellationToken cancellation = default) => _cursors.ReleaseAsync(reader, holder);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<LogCursor>> ReadCursorsAsync(string reader, CancellationToken cancellation = default) => _cursors.ReadAsync(reader);

    /// <inheritdoc/>
    public ValueTask<bool> SaveCursorsAsync(string reader, long generation, IReadOnlyList<LogCursor> cursors, CancellationToken cancellation = default) =>
        _cursors.SaveAsync(reader, generation, cursors);

    /// <summary>Ends following the channels, and closes the connections.</summary>
    public async ValueTask DisposeAsync()
    {
        await _followers.DisposeAsync();

        // No operation waits for an answer any more. QUIT would be of no use, and the client library throws on it when a server is found or lost meanwhile.
        await _redis.CloseAsync(allowCommandsToComplete: false);
        await _redis.DisposeAsync();
    }

    /// <summary>Logs at once when Redis cannot be used from the start: the events of the client tell only what happens later.</summary>
    private async Task TellWhetherUsableAsync(string servers)
    {
        try
        {
            await CheckAsync();
        }
        catch (StoreUnavailableException e)
        {
            LogUnusable(_logger, servers, RedisServers.Reason(e));
            LogFailure(_logger, e);
        }
    }

    private RedisValue PublishCommand => _servers.HasShardedPubSub ? "SPUBLISH" : "PUBLISH";

    /// <summary>What a script that appends is given before what it appends.</summary>
    private IEnumerable<RedisValue> AppendArguments() => [_time.GetUtcNow().ToUnixTimeMilliseconds(), Epoch.New(), .. _appendSettings, PublishCommand, _channelPrefix, _unwrittenLife];

    private static long Milliseconds(TimeSpan span) => (long)span.TotalMilliseconds;

    private RedisKey[] KeysOf(string channel)
    {
        var keys = _followers.Find(channel)?.Keys ?? new RedisKeys(channel).All;
        return _servers.HasUnwritten ? keys : keys[..RedisKeys.Own];
    }

    private RedisKey[] KeysOf(IEnumerable<string> channels)
    {
        var keys = channels.SelectMany(c => KeysOf(c).Take(RedisKeys.Own));
        return _servers.HasUnwritten ? [.. keys, RedisKeys.Unwritten] : [.. keys];
    }

    private async Task PrepareAsync(string channel)
    {
        try
        {
            await _servers.PrepareAsync(new RedisKeys(channel).All[0]);
        }
        catch (Exception e) when (RedisServers.IsFailure(e))
        {
            throw RedisServers.Unavailable(e);
        }
    }

    private async Task<IReadOnlyList<Receipt>> AppendAllAsync(IReadOnlyList<NewMessage> messages)
    {
        var channels = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var message in messages) channels.TryAdd(message.Channel, channels.Count);
        if (!_servers.IsKnown) await PrepareAsync(messages[0].Channel);
        var keys = channels.Count == 1 ? KeysOf(messages[0].Channel) : KeysOf(channels.Keys);
        if (channels.Count > 1 && _servers.IsCluster && keys.Select(_servers.SlotOf).Distinct().Count() > 1)
            throw new RefusedException("channel", "channel: on this server the messages of one array must be of one channel.");

        var openings = new byte[messages.Count][];
        var arguments = new List<RedisValue>(12 + (3 * messages.Count));
        arguments.AddRange(AppendArguments());
        for (var i = 0; i < openings.Length; i++)
        {
            openings[i] = MessageRecord.EncodeOpening(messages[i]);
            arguments.Add(channels[messages[i].Channel] + 1);
            arguments.Add(messages[i].Id ?? "");
            arguments.Add(openings[i]);
        }

        var answer = (RedisResult[])(await _servers.RunAsync(RedisScript.Append, keys, [.. arguments]))!;
        if ((string?)answer[0] == "ids")
        {
            var full = channels.Single(c => c.Value == (int)answer[1] - 1).Key;
            var retry = TimeSpan.FromMilliseconds(Math.Max(1_000, (long)answer[2] - _time.GetUtcNow().ToUnixTimeMilliseconds()));
            throw new LimitException("id", $"id: channel '{full}' remembers its {_options.Limits.IdsPerChannel} ids already.", retry, "Limits:IdsPerChannel");
        }

        var receipts = new Receipt[messages.Count];
        for (var i = 0; i < receipts.Length; i++)
        {
            var place = answer.AsSpan(1 + (4 * i), 4);
            var (epoch, seqid, isDuplicate) = ((string)place[0]!, (long)place[1], (int)place[3] == 1);
            receipts[i] = new Receipt(messages[i].Channel, epoch, seqid, isDuplicate ? null : Message.Complete(openings[i], seqid, (long)place[2]));
            if (!isDuplicate) _names.Add(messages[i].Channel, isFirst: seqid == 0);
        }

        return receipts;
    }

    private async Task<LogSlice> ReadOnceAsync(string channel, long from, long maxBytes)
    {
        if (!_servers.IsKnown) await PrepareAsync(channel);
        RedisValue[] arguments =
        [
            _time.GetUtcNow().ToUnixTimeMilliseconds(), Epoch.New(), Milliseconds(_options.History.MaxAge), from, Math.Min(maxBytes, End),
            _idle, _unwrittenLife,
        ];
        var answer = (RedisResult[])(await _servers.RunAsync(RedisScript.Read, KeysOf(channel), arguments))!;
        var messages = new Message[(answer.Length - 3) / 3];
        for (var i = 0; i < messages.Length; i++)
        {
            var entry = answer.AsSpan(3 + (3 * i), 3);
            messages[i] = Message.Complete((byte[])entry[2]!, (long)entry[0], (long)entry[1]);
        }

        return new LogSlice(new LogHead((string)answer[0]!, (long)answer[1], (long)answer[2]), messages);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Redis is lost ({Connection}: {Failure}); publishes are refused, and subscribers wait, until it is back")]
    private static partial void LogLost(ILogger logger, ConnectionType connection, ConnectionFailureType failure);

    [LoggerMessage(Level = LogLevel.Error, Message = "Redis at {Servers} cannot be used: {Reason}. Publishes are refused, and subscribers wait, until it can; see CComet:Store:Redis")]
    private static partial void LogUnusable(ILogger logger, string servers, string reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "How Redis failed")]
    private static partial void LogFailure(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "Redis is back ({Connection})")]
    private static partial void LogRestored(ILogger logger, ConnectionType connection);
}
