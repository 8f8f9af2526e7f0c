using CComet.Web.Hub;
using CComet.Web.Stores;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Stores;

/// <summary>What may happen to Redis, and to the way there: a lost wake-up costs a moment, lost data is told.</summary>
public sealed class RedisFailureTests : IAsyncLifetime
{
    private readonly List<RedisStore> _stores = [];
    private readonly List<HubFixture> _hubs = [];
    private RedisServer _redis = null!;

    public async Task InitializeAsync() => _redis = await RedisServer.StartAsync();

    public async Task DisposeAsync()
    {
        foreach (var hub in _hubs) hub.Dispose();
        foreach (var store in _stores) await store.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task What_one_node_stores_wakes_those_who_wait_at_another()
    {
        var (a, b) = (NewNode(), NewNode());
        using var reader = await WaitingAsync(b);
        await a.PublishAsync("c", "0");
        await b.PublishAsync("c", "1");
        Assert.Equal(["0", "1"], await ReadAsync(reader, 2));
    }

    [Fact]
    public async Task A_node_listens_only_for_channels_that_somebody_follows()
    {
        var node = NewNode();
        await node.PublishAsync("published", "0");
        using (await node.SubscribeAsync("followed"))
        {
            Assert.Equal("ccomet:{followed}:wake", _redis.Ask("PUBSUB", "CHANNELS", "ccomet:{*"));
        }

        // The channel stays open for a while, for those who ask again.
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
            Assert.NotEqual("0", _redis.Ask("CLIENT", "KILL", "TYPE", "pubsub"));
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

    [Theory]
    [InlineData("CLIENT", "PAUSE", "3000", "ALL")]
    [InlineData("DEBUG", "SLEEP", "3")]
    public async Task A_redis_that_holds_its_breath_costs_as_long_and_no_message(params string[] command)
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
    public async Task While_redis_is_gone_publishes_are_refused_and_subscribers_wait_and_all_goes_on_when_it_is_back()
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
    public async Task A_restart_that_forgets_is_told_to_those_who_wait_and_to_those_who_come_later()
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
    public async Task A_restart_from_an_old_snapshot_begins_a_new_epoch()
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
    public async Task A_replica_that_lagged_and_takes_over_begins_new_epochs()
    {
        await using var replica = await RedisServer.StartAsync("--appendonly", "yes");
        replica.Ask("REPLICAOF", "127.0.0.1", $"{_redis.Port}");
        await Eventually.TrueAsync(() => replica.Ask("INFO", "replication").Contains("master_link_status:up", StringComparison.Ordinal), "Replicating");

        // Its start is known to the second only.
        await Eventually.TrueAsync(() => replica.Ask("INFO", "server").Split('\n').Any(l => l.StartsWith("uptime_in_seconds:", StringComparison.Ordinal) && int.Parse(l[18..], null) >= 3), "Being up for a while");
        var node = NewNode();
        for (var i = 0; i < 5; i++) await node.PublishAsync("c", $"{i}");
        await Eventually.TrueAsync(() => replica.Ask("XLEN", "ccomet:{c}:log") == "5", "Replicating");
        replica.Ask("REPLICAOF", "NO", "ONE");
        for (var i = 5; i < 10; i++) await node.PublishAsync("c", $"{i}");
        var last = await node.PublishAsync("c", "lost");
        await _redis.KillAsync();

        // Others go on with what the replica has, until their numbers have passed those that were lost.
        var other = NewNode(replica.Address);
        for (var i = 0; i < 20; i++) Assert.NotEqual(last.Epoch, (await other.PublishAsync("c", $"new{i}")).Epoch);
        using var returning = await other.SubscribeAsync("c", new Cursor(last.Epoch, last.Seqid + 1));
        Assert.Equal(["RESET", "0", "1", "2", "3", "4", "new0"], (await ReadAsync(returning, 26)).Take(7));
    }

    [Fact]
    public async Task A_log_that_was_emptied_behind_the_servers_back_begins_a_new_epoch()
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
    public async Task A_log_that_is_found_shorter_than_it_was_begins_a_new_epoch()
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
    public async Task A_redis_without_memory_refuses_and_says_so()
    {
        var node = NewNode();
        await node.PublishAsync("c", "0");
        _redis.Ask("CONFIG", "SET", "maxmemory", "1");
        Assert.Contains("OOM", (await Assert.ThrowsAsync<StoreUnavailableException>(() => node.PublishAsync("c", "x"))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await node.Store.CheckAsync());
        _redis.Ask("CONFIG", "SET", "maxmemory", "0");
        Assert.Equal(1, (await node.PublishAsync("c", "1")).Seqid);
    }

    private static async Task<Receipt> PublishedAsync(HubFixture node, string text)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            try
            {
                return await node.PublishAsync("c", text, text);
            }
            catch (StoreUnavailableException) when (!deadline.IsCancellationRequested)
            {
                await Task.Yield();
            }
        }
    }

    private static async Task<Subscriber> WaitingAsync(HubFixture node)
    {
        var reader = await node.SubscribeAsync("c");
        Assert.Empty(await reader.ReadAsync(park: true));
        return reader;
    }

    /// <summary>Reads so many elements; the clock of the hub stands still, so that only a wake-up ends a wait.</summary>
    private static async Task<IReadOnlyList<string>> ReadAsync(Subscriber reader, int count)
    {
        var texts = new List<string>();
        while (texts.Count < count)
        {
            var read = HubFixture.Texts(await reader.ReadAsync(park: true));
            texts.AddRange(read);
            if (read.Count == 0) Assert.Equal(Wake.Messages, await reader.WaitAsync(TimeSpan.FromMinutes(1)).WaitAsync(TimeSpan.FromSeconds(30)));
        }

        return texts;
    }

    private HubFixture NewNode(string? address = null)
    {
        var store = RedisFixture.NewStore(address ?? _redis.Address);
        _stores.Add(store);
        var hub = new HubFixture(store: store);
        _hubs.Add(hub);
        return hub;
    }
}
