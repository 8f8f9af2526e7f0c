using System.Collections.Concurrent;
using CComet.Storage;
using StackExchange.Redis;

namespace CComet.Redis;

/// <summary>
/// Keeps the channels that this node listens to and receives their wake-ups, which are hints that may get lost. What is lost with
/// a connection is read again once the connection is back. What is lost without a sign is found by comparing: every two seconds
/// the ends of some logs are compared with the last ones reported, and those of many more logs while delivery is in doubt.
/// A canary published on the path of the wake-ups tests it; a cluster has many paths, so it is always in doubt. Every log is read
/// once a minute in any case, which also keeps a log that was never written to.
/// </summary>
internal sealed class RedisFollowers : IAsyncDisposable
{
    private const int TicksARound = 30;
    private const int RoundsAfterRestore = 2;

    /// <summary>How many are compared in one tick.</summary>
    private const int Compared = 500;

    /// <summary>How many are compared in one tick while there is doubt.</summary>
    private const int ComparedInDoubt = 4_000;

    /// <summary>How many are asked for, or read, at a time.</summary>
    private const int AtATime = 500;

    /// <summary>Within this time every channel that is followed is read at least once.</summary>
    public static readonly TimeSpan LookInterval = TimeSpan.FromMinutes(3);

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(50);
    private static readonly RedisValue[] Place = ["epoch", "next"];

    private readonly ConcurrentDictionary<string, RedisFollower> _followers = new(StringComparer.Ordinal);
    private readonly ISubscriber _subscriber;
    private readonly IDatabase _database;
    private readonly RedisServers _servers;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _closing = new();
    private readonly RedisChannel _canaries = RedisChannel.Literal($"ccomet:canary:{Guid.NewGuid():N}");
    private readonly SemaphoreSlim _restored = new(0);
    private readonly Task _watching;
    private readonly Lazy<Task> _ending;
    private volatile bool _canaryIsOut;
    private int _roundsToRead;
    private Task? _listening;
    private RedisFollower[] _round = [];
    private int _compared;

    public RedisFollowers(IConnectionMultiplexer redis, RedisServers servers, TimeProvider time)
    {
        _subscriber = redis.GetSubscriber();
        _database = redis.GetDatabase();
        _servers = servers;
        _time = time;
        redis.ConnectionRestored += (_, _) =>
        {
            // It is told before the subscriptions have been made again: what is missed until then is found a tick later.
            Volatile.Write(ref _roundsToRead, RoundsAfterRestore);
            _restored.Release();
        };
        _watching = Task.Run(WatchAsync);
        _ending = new Lazy<Task>(EndAsync);
    }

    public RedisFollower? Find(string channel) => _followers.GetValueOrDefault(channel);

    /// <summary>Follows a channel: listens for its wake-ups first, then reads where it stands, so that nothing falls between.</summary>
    public async Task FollowAsync(string channel, ILogListener listener, Func<Task<LogHead>> read)
    {
        while (true)
        {
            if (!_followers.TryGetValue(channel, out var follower)) follower = _followers.GetOrAdd(channel, new RedisFollower(channel));
            try
            {
                await follower.SubscribeOnceAsync(() => _subscriber.SubscribeAsync(WakeOf(channel), follower.OnHint));
                var wakes = follower.Wakes;
                if (follower.TryAdd(listener, await read(), wakes)) return;
            }
            catch (Exception e)
            {
                if (follower.Remove(null)) GiveUp(follower);
                if (RedisServers.IsFailure(e)) throw RedisServers.Unavailable(e);
                throw;
            }

            GiveUp(follower);
        }
    }

    public void Unfollow(string channel, ILogListener listener)
    {
        if (Find(channel) is { } follower && follower.Remove(listener)) GiveUp(follower);
    }

    public ValueTask DisposeAsync() => new(_ending.Value);

    private async Task EndAsync()
    {
        await _closing.CancelAsync();
        await _watching;
        _closing.Dispose();
    }

    private RedisChannel WakeOf(string channel)
    {
        var name = new RedisKeys(channel).Wake;
        return _servers.HasShardedPubSub ? RedisChannel.Sharded(name) : RedisChannel.Literal(name);
    }

    private void GiveUp(RedisFollower follower)
    {
        if (_followers.TryRemove(KeyValuePair.Create(follower.Channel, follower)))
            _subscriber.Unsubscribe(WakeOf(follower.Channel), follower.OnHint, CommandFlags.FireAndForget);
    }

    private async Task WatchAsync()
    {
        try
        {
            for (var tick = 0; ; tick = (tick + 1) % TicksARound)
            {
                await TickOrRestoreAsync();
                if (Volatile.Read(ref _roundsToRead) > 0)
                {
                    Interlocked.Decrement(ref _roundsToRead);
                    await ReadAsync(_followers.Values);
                }
                else
                {
                    await ReadAsync(_followers.Values.Where(f => f.IsDoubtful || (uint)f.Channel.GetHashCode(StringComparison.Ordinal) % TicksARound == tick));
                    await CompareAsync(_canaryIsOut || _servers.IsCluster ? ComparedInDoubt : Compared);
                }

                await SendCanaryAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // The store is closed.
        }
    }

    private async Task TickOrRestoreAsync()
    {
        using var first = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
        var restored = _restored.WaitAsync(first.Token);
        await Task.WhenAny(restored, Task.Delay(Tick, _time, first.Token));
        await first.CancelAsync();

        // Both connections are restored at about the same time: one reading does for both, and the next one is a tick later.
        while (_restored.Wait(0)) { }
        _closing.Token.ThrowIfCancellationRequested();
    }

    /// <summary>Lets the listeners of these channels read, not all of them at once: all channels of a node may be among them.</summary>
    private async Task ReadAsync(IEnumerable<RedisFollower> followers)
    {
        foreach (var some in followers.Chunk(AtATime))
        {
            foreach (var follower in some) follower.Wake();
            if (some.Length == AtATime) await Task.Delay(Breath, _time, _closing.Token);
        }
    }

    /// <summary>Compares the next ones, going round.</summary>
    private async Task CompareAsync(int most)
    {
        if (_compared >= _round.Length) (_round, _compared) = ([.. _followers.Values], 0);
        var some = _round.AsMemory(_compared, Math.Min(most, _round.Length - _compared));
        _compared += some.Length;
        for (; some.Length > 0; some = some[Math.Min(AtATime, some.Length)..])
        {
            _closing.Token.ThrowIfCancellationRequested();
            await Task.WhenAll(some[..Math.Min(AtATime, some.Length)].ToArray().Select(CompareAsync));
        }
    }

    private async Task CompareAsync(RedisFollower follower)
    {
        try
        {
            var place = await _database.HashGetAsync(follower.Keys[0], Place, CommandFlags.DemandMaster);
            follower.Compare(place[0], place[1].TryParse(out long end) ? end : -1);
        }
        catch (Exception e) when (RedisServers.IsFailure(e))
        {
            follower.IsDoubtful = true;
        }
    }

    private async Task SendCanaryAsync()
    {
        try
        {
            _canaryIsOut = true;
            if (_servers.IsCluster) return;
            if (_listening is not { IsCompletedSuccessfully: true }) await (_listening = _subscriber.SubscribeAsync(_canaries, (_, _) => _canaryIsOut = false));
            await _subscriber.PublishAsync(_canaries, "");
        }
        catch (Exception e) when (RedisServers.IsFailure(e))
        {
            // It stays out.
        }
    }
}
