using CComet.Access;
using CComet.Messages;
using CComet.Subscriptions;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Redis;

/// <summary>What may happen to Redis, and to the way there: a lost wake-up costs a moment, lost data is told.</summary>
public sealed class RedisFailureTests : IAsyncLifetime
{
    private readonly RedisNodes _nodes = new();
    private RedisServer _redis = null!;

    public async Task InitializeAsync() => _redis = await RedisServer.StartAsync();

    public async Task DisposeAsync()
    {
        await _nodes.CloseAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task Append_on_one_node_wakes_subscribers_parked_on_another()
    {
        var (a, b) = (NewNode(), NewNode());
        using var reader = await WaitingAsync(b);
        await a.PublishAsync("c", "0");
        await b.PublishAsync("c", "1");
        Assert.Equal(["0", "1"], await ReadAsync(reader, 2));
    }

    [Fact]
    public async Task Node_listens_only_for_channels_that_have_listeners()
    {
        var node = NewNode();
        await node.PublishAsync("published", "0");
        using (await node.SubscribeAsync("followed"))
        {
            Assert.Equal("ccomet:{followed}:wake", _redis.Ask("PUBSUB", "CHANNELS", "ccomet:{*"));
        }

        // The channel stays open for a while, for clients that ask again.
        node.Time.Advance(node.Options.Limits.IdleChannel + TimeSpan.FromSeconds(1));
        await node.Hub.SweepAsync();
        await Eventually.TrueAsync(() => _redis.Ask("PUBSUB", "CHANNELS", "ccomet:{*").Length == 0, "Listening no more");
    }

    [Fact]
    public async Task Killed_listeners_come_back_and_find_what_they_missed()
    {
        var (a, b) = (NewNode(), NewNode());
        using var reader = await WaitingAsync(b);
        for (var i = 0; i < 5; i++)
        {
            await Eventually.TrueAsync(() => _redis.Ask("CLIENT", "KILL", "TYPE", "pubsub") != "0", "Listening");
            await a.PublishAsync("c", $"{i}");
        }

        Assert.Equal(["0", "1", "2", "3", "4"], await ReadAsync(reader, 5));
    }

    [Fact]
    public async Task Wake_ups_that_are_lost_without_a_sign_are_made_good_by_looking()
    {
        var (a, b) = (NewNode(), NewNode());
        using var reader = await WaitingAsync(b);
        await a.PublishAsync("c", "heard");
        Assert.Equal(["heard"], await ReadAsync(reader, 1));
        Assert.Empty(await reader.ReadAsync(park: true));

        // What a script does without its last line: the message is there, and nobody is told.
        _redis.Ask("XADD", "ccomet:{c}:log", "1-1", "o", """{"type":"MSG","channel":"c","msg":"unheard","seqid":""", "t", "1");
        _redis.Ask("HSET", "ccomet:{c}:head", "next", "2");
        Assert.Equal(["unheard"], await ReadAsync(reader, 1));
    }

    [Fact]
    public async Task Subscription_that_has_died_without_a_sign_costs_a_moment()
    {
        await using var relay = new RedisRelay(_redis.Port);
        var (a, b) = (NewNode(), NewNode(relay.Address));
        using var reader = await WaitingAsync(b);

        // Nothing is being read at this moment, which would come upon the message by itself.
        relay.SwallowsWhatSubscribersAreTold = true;
        await a.PublishAsync("c", "unheard");
        Assert.Equal(["unheard"], await ReadAsync(reader, 1));
        await Eventually.TrueAsync(() => relay.Swallowed > 0, "Swallowing of the wake-up");
    }

    [Theory]
    [InlineData("CLIENT", "PAUSE", "3000", "ALL")]
    [InlineData("DEBUG", "SLEEP", "3")]
    public async Task Redis_that_stalls_delays_messages_and_loses_none(params string[] command)
    {
        var (a, b) = (NewNode(), NewNode());
        using var reader = await WaitingAsync(b);
        var asking = Task.Run(() => _redis.Ask(command));
        var published = 0;
        for (var i = 0; i < 20; i++)
        {
            try
            {
                await a.PublishAsync("c", $"{i}", $"id{i}");
                published++;
            }
            catch (StoreUnavailableException)
            {
                // It may have been stored: the same id again tells.
                i--;
            }
        }

        await asking;
        Assert.Equal(20, published);
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"{i}"), await ReadAsync(reader, 20));
    }

    [Fact]
    public async Task Publishes_are_refused_and_subscribers_wait_while_redis_is_gone_and_all_resume_when_it_is_back()
    {
        var node = NewNode();
        var before = await node.PublishAsync("c", "0");
        using var reader = await WaitingAsync(node);
        await _redis.KillAsync();
        var refusal = await Assert.ThrowsAsync<StoreUnavailableException>(() => node.PublishAsync("c", "refused"));
        Assert.Contains("Redis cannot be reached", refusal.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await node.Store.CheckAsync());
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await node.SubscribeAsync("other"));
        Assert.Equal(1, node.Hub.SubscriberCount);

        await _redis.RunAsync();
        var after = await PublishedAsync(node, "1");
        Assert.Equal((before.Epoch, 1L), (after.Epoch, after.Seqid));
        Assert.Equal(["1"], await ReadAsync(reader, 1));
        await node.Store.CheckAsync();
        (await node.SubscribeAsync("other")).Dispose();
    }

    [Fact]
    public async Task Restart_that_forgets_is_a_reset_for_parked_and_for_later_subscribers()
    {
        await _redis.KillAsync();
        await using var forgetful = await RedisServer.StartAsync("--appendonly", "no");
        var node = NewNode(forgetful.Address);
        for (var i = 0; i < 3; i++) await node.PublishAsync("c", $"old{i}");
        var old = await node.PublishAsync("c", "old3");
        using var reader = await WaitingAsync(node);
        await forgetful.RestartAsync();
        for (var i = 0; i < 9; i++) await PublishedAsync(node, $"new{i}");
        Assert.Equal(["RESET", .. Enumerable.Range(0, 9).Select(i => $"new{i}")], await ReadAsync(reader, 10));
        using var later = await node.SubscribeAsync("c", new Cursor(old.Epoch, old.Seqid + 1));
        Assert.Equal("RESET", (await ReadAsync(later, 1))[0]);
    }

    [Fact]
    public async Task Restart_from_an_old_snapshot_begins_a_new_epoch()
    {
        await using var snapshots = await RedisServer.StartAsync("--appendonly", "no");
        var node = NewNode(snapshots.Address);
        for (var i = 0; i < 3; i++) await node.PublishAsync("c", $"{i}");
        Assert.Equal("OK", snapshots.Ask("SAVE"));
        var last = await node.PublishAsync("c", "lost");
        await snapshots.RestartAsync();
        for (var i = 0; i < 5; i++) await PublishedAsync(node, $"new{i}");
        using var returning = await node.SubscribeAsync("c", new Cursor(last.Epoch, last.Seqid + 1));
        Assert.Equal(["RESET", "0", "1", "2", "new0"], (await ReadAsync(returning, 9)).Take(5));
    }

    [Fact]
    public async Task Log_that_was_emptied_behind_the_servers_back_begins_a_new_epoch()
    {
        var node = NewNode();
        using var reader = await WaitingAsync(node);
        await node.PublishAsync("c", "0");
        Assert.Equal(["0"], await ReadAsync(reader, 1));
        Assert.Empty(await reader.ReadAsync(park: true));
        _redis.Ask("FLUSHALL");
        await node.PublishAsync("c", "new");
        Assert.Equal(["RESET", "new"], await ReadAsync(reader, 2));
    }

    [Fact]
    public async Task Log_that_is_found_shorter_than_it_was_begins_a_new_epoch()
    {
        var node = NewNode();
        using var reader = await WaitingAsync(node);
        for (var i = 0; i < 5; i++) await node.PublishAsync("c", $"{i}");
        var epoch = (await node.PublishAsync("c", "5")).Epoch;
        Assert.Equal(6, (await ReadAsync(reader, 6)).Count);
        _redis.Ask("XTRIM", "ccomet:{c}:log", "MAXLEN", "0");
        _redis.Ask("DEL", "ccomet:{c}:log");
        _redis.Ask("HSET", "ccomet:{c}:head", "next", "2", "first", "2");
        var next = (await node.Store.ReadAsync("c", 0, 1)).Head;
        Assert.NotEqual(epoch, next.Epoch);
        Assert.Equal(["RESET", "GAP 0-1", "new"], await PublishAndReadAsync());

        async Task<IReadOnlyList<string>> PublishAndReadAsync()
        {
            await node.PublishAsync("c", "new");
            return await ReadAsync(reader, 3);
        }
    }

    [Fact]
    public async Task Redis_without_memory_refuses_and_says_so()
    {
        var node = NewNode();
        await node.PublishAsync("c", "0");
        _redis.Ask("CONFIG", "SET", "maxmemory", "1");
        Assert.Contains("maxmemory", (await Assert.ThrowsAsync<StoreUnavailableException>(() => node.PublishAsync("c", "x"))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await node.Store.CheckAsync());
        _redis.Ask("CONFIG", "SET", "maxmemory", "0");
        Assert.Equal(1, (await node.PublishAsync("c", "1")).Seqid);
    }

    [Theory]
    [InlineData("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0")]
    [InlineData("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE")]
    public async Task Redis_that_takes_no_writes_refuses_publishes_and_keeps_parked_subscribers(string begin, string end)
    {
        var node = NewNode();
        var epoch = (await node.PublishAsync("c", "0")).Epoch;
        using var reader = await WaitingAsync(node);
        _redis.Ask(begin.Split(' '));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => node.PublishAsync("c", "x"));
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await node.Store.CheckAsync());
        _redis.Ask(end.Split(' '));
        var after = await PublishedAsync(node, "1");
        Assert.Equal((epoch, 1L), (after.Epoch, after.Seqid));
        Assert.Equal(["1"], await ReadAsync(reader, 1));
    }

    [Theory]
    [InlineData("redis_version:7.", "redis_version:6.", "too old")]
    [InlineData("master_replid2:", "master_replid3:", "master_replid2")]
    [InlineData("aof_enabled:", "aof_enablee:", "aof_enabled")]
    public async Task Server_on_which_a_loss_would_go_unnoticed_is_refused(string says, string instead, string reason)
    {
        await using var relay = new RedisRelay(_redis.Port);
        relay.SayInstead(says, instead);
        var node = NewNode(relay.Address);
        Assert.Contains(reason, (await Assert.ThrowsAsync<StoreUnavailableException>(() => node.PublishAsync("c", "0"))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await node.SubscribeAsync("c"));
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await node.Store.CheckAsync());
        Assert.Equal("", _redis.Ask("KEYS", "ccomet:{c}:*"));
    }

    [Fact]
    public async Task More_appends_than_may_wait_are_refused_at_once()
    {
        var node = NewNode(options: new HubOptions { Limits = new LimitOptions { WaitingWrites = 2 } });
        await node.PublishAsync("c", "0");
        _redis.Ask("CLIENT", "PAUSE", "60000", "WRITE");
        var waiting = new[] { node.PublishAsync("c", "1"), node.PublishAsync("c", "2") };
        var refusal = await Assert.ThrowsAsync<StoreUnavailableException>(() => node.PublishAsync("c", "3"));
        Assert.Contains("as fast as", refusal.Message, StringComparison.Ordinal);
        Assert.All(waiting, w => Assert.False(w.IsCompleted));
        _redis.Ask("CLIENT", "UNPAUSE");
        Assert.Equal([1L, 2L], (await Task.WhenAll(waiting)).Select(r => r.Seqid).Order());
    }

    [Fact]
    public async Task History_that_was_made_much_smaller_is_dropped_step_by_step()
    {
        const int Many = 40_000;
        var large = NewNode(options: new HubOptions { History = new HistoryOptions { MaxMessages = Many, MaxBytes = 1L << 30 } });
        for (var i = 0; i < Many; i += 1_000) await large.Operations.PublishAsync(CallerContext.Local, [.. Enumerable.Range(i, 1_000).Select(n => HubFixture.NewMessage("c", $"{n}"))]);
        var small = NewNode(options: new HubOptions { History = new HistoryOptions { MaxMessages = 10 } });
        await small.PublishAsync("c", "a");
        var first = (await small.Store.ReadAsync("c", Many, 1)).Head.First;
        Assert.InRange(first, 1, Many - 1_000);
        for (var i = 0; i < 3; i++) await small.PublishAsync("c", $"{i}");
        var head = (await small.Store.ReadAsync("c", Many, 1)).Head;
        Assert.Equal((Many + 4 - 10, Many + 4), (head.First, head.End));
    }

    private static Task<Subscriber> WaitingAsync(HubFixture node) => RedisNodes.WaitingAsync(node);

    private static Task<IReadOnlyList<string>> ReadAsync(Subscriber reader, int count) => RedisNodes.ReadAsync(reader, count);

    private static Task<Receipt> PublishedAsync(HubFixture node, string text) => RedisNodes.PublishedAsync(node, text);

    private HubFixture NewNode(string? address = null, HubOptions? options = null) => _nodes.New(address ?? _redis.Address, options);
}
