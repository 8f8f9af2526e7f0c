using System.Collections.Concurrent;
using CComet.Web.Hub;
using StackExchange.Redis;

namespace CComet.Web.Stores.Redis;

/// <summary>
/// The channels that this node follows, and the wake-ups it gets of them. A wake-up is a hint that may get lost: a canary goes
/// the same way every two seconds, and while it does not come back, and whenever a connection was made anew, every channel is
/// looked at. Each is looked at once a minute in any case.
/// </summary>
internal sealed class RedisFollowers : IAsyncDisposable
{
    private const int TicksARound = 30;
    private const int DoubtsAfterRestore = 2;

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, RedisFollower> _followers = new(StringComparer.Ordinal);
    private readonly ISubscriber _subscriber;
    private readonly RedisServers _servers;
    private readonly CancellationTokenSource _closing = new();
    private readonly RedisChannel _canaries = RedisChannel.Literal($"ccomet:canary:{Guid.NewGuid():N}");
    private readonly Task _watching;
    private volatile bool _canaryIsOut = true;
    private volatile int _doubts;
    private Task? _listening;

    public RedisFollowers(IConnectionMultiplexer redis, RedisServers servers, TimeProvider time)
    {
        _subscriber = redis.GetSubscriber();
        _servers = servers;
        redis.ConnectionRestored += (_, _) =>
        {
            // It is told before the subscriptions have been made again: what is missed until then is found a moment later.
            _doubts = DoubtsAfterRestore;
            WakeAll();
        };
        _watching = Task.Run(() => WatchAsync(time));
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
                if (follower.TryAdd(listener, await read())) return;
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

    public async ValueTask DisposeAsync()
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

    private void WakeAll()
    {
        foreach (var follower in _followers.Values) follower.Wake();
    }

    private async Task WatchAsync(TimeProvider time)
    {
        using var timer = new PeriodicTimer(Tick, time);
        var tick = 0;
        try
        {
            while (await timer.WaitForNextTickAsync(_closing.Token))
            {
                tick = (tick + 1) % TicksARound;
                var isDoubtful = _canaryIsOut || _doubts > 0;
                if (_doubts > 0) _doubts--;
                foreach (var follower in _followers.Values)
                {
                    if (isDoubtful || follower.IsDoubtful || (uint)follower.Channel.GetHashCode(StringComparison.Ordinal) % TicksARound == tick) follower.Wake();
                }

                await SendCanaryAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // The store is closed.
        }
    }

    private async Task SendCanaryAsync()
    {
        try
        {
            // On a cluster each part has a way of its own, which one canary says nothing about.
            _canaryIsOut = true;
            if (_servers.HasShardedPubSub) return;
            if (_listening is not { IsCompletedSuccessfully: true }) await (_listening = _subscriber.SubscribeAsync(_canaries, (_, _) => _canaryIsOut = false));
            await _subscriber.PublishAsync(_canaries, "");
        }
        catch (Exception e) when (RedisServers.IsFailure(e))
        {
            // It stays out.
        }
    }
}
