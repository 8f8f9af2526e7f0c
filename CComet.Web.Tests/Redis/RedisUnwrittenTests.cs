using CComet.Redis;
using CComet.Storage;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Redis;

/// <summary>
/// Channels of which nothing is stored share an epoch, so that asking for one costs Redis nothing. No log may ever come back under
/// that epoch once it was lost or forgotten.
/// </summary>
public sealed class RedisUnwrittenTests : IAsyncLifetime
{
    private readonly List<RedisStore> _stores = [];
    private RedisServer _redis = null!;

    public async Task InitializeAsync() => _redis = await RedisServer.StartAsync();

    public async Task DisposeAsync()
    {
        foreach (var store in _stores) await store.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task All_nodes_tell_the_same_epoch_of_a_name_without_a_log_and_its_log_takes_it()
    {
        var (one, other) = (Open(), Open());
        var epoch = (await one.ReadAsync("a", 0, 1)).Head.Epoch;
        Assert.Equal(epoch, (await other.ReadAsync("b", 0, 1)).Head.Epoch);
        Assert.Equal("", _redis.Ask("KEYS", "ccomet:{*"));
        Assert.Equal([epoch, epoch], (await other.AppendAsync([HubFixture.NewMessage("a", "0"), HubFixture.NewMessage("c", "0")])).Select(r => r.Epoch));
        Assert.Equal(new LogHead(epoch, 0, 1), (await one.ReadAsync("a", 0, 1)).Head);
    }

    [Fact]
    public async Task Shared_epoch_ends_before_any_log_that_was_begun_under_it()
    {
        await Open().AppendAsync([HubFixture.NewMessage("c", "0")]);
        Assert.InRange(_redis.AskNumber("PTTL", "ccomet:unwritten"), 1, _redis.AskNumber("PTTL", "ccomet:{c}:head") / 2);
    }

    [Fact]
    public async Task Log_that_was_lost_unseen_comes_back_under_another_epoch()
    {
        var store = Open();
        var before = (await store.AppendAsync([HubFixture.NewMessage("c", "0")]))[0].Epoch;
        _redis.Ask("FLUSHALL");
        Assert.NotEqual(before, (await store.ReadAsync("c", 0, 1)).Head.Epoch);
        Assert.NotEqual(before, (await store.AppendAsync([HubFixture.NewMessage("c", "new")]))[0].Epoch);
    }

    [Fact]
    public async Task Followed_log_whose_head_alone_was_lost_comes_back_under_another_epoch()
    {
        var store = Open();
        using var hub = new HubFixture(store: store);
        using var reader = await hub.SubscribeAsync("c");
        await reader.ReadAsync(park: true);
        Assert.Equal(1, hub.Hub.Find("c")!.Waiting);
        var before = await hub.PublishAsync("c", "0");
        await Eventually.TrueAsync(() => hub.Hub.Find("c")!.Waiting == 0, "Hearing of the message");
        await reader.ReadAsync(park: false);
        _redis.Ask("DEL", "ccomet:{c}:head");
        var head = (await store.ReadAsync("c", 0, 1)).Head;
        Assert.NotEqual(before.Epoch, head.Epoch);
        Assert.Equal(0, head.End);
    }

    [Fact]
    public async Task New_run_of_the_server_ends_the_shared_epoch_and_keeps_those_of_the_logs()
    {
        var store = Open();
        var written = (await store.AppendAsync([HubFixture.NewMessage("c", "0")]))[0].Epoch;
        await _redis.RestartAsync();
        LogHead? head = null;
        await Eventually.TrueAsync(async () => (head = await TryReadAsync(store, "fresh")) is not null, "Redis is back");
        Assert.NotEqual(written, head!.Value.Epoch);
        Assert.Equal(new LogHead(written, 0, 1), (await store.ReadAsync("c", 0, 1)).Head);
    }

    [Fact]
    public async Task Name_has_an_epoch_of_its_own_for_a_while_where_redis_evicts_keys()
    {
        _redis.Ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
        var store = Open();
        var epoch = (await store.ReadAsync("c", 0, 1)).Head.Epoch;
        Assert.NotEqual(epoch, (await store.ReadAsync("d", 0, 1)).Head.Epoch);
        Assert.InRange(_redis.AskNumber("PTTL", "ccomet:{c}:head"), 1, 300_000);
        Assert.Equal(epoch, (await store.AppendAsync([HubFixture.NewMessage("c", "0")]))[0].Epoch);
        Assert.True(_redis.AskNumber("PTTL", "ccomet:{c}:head") > 300_000);
    }

    [Fact]
    public async Task Refused_publish_leaves_no_key_behind()
    {
        var store = Open(new HubOptions { Limits = new LimitOptions { IdsPerChannel = 1 } });
        await store.AppendAsync([HubFixture.NewMessage("full", "0", "a")]);
        await Assert.ThrowsAsync<LimitException>(async () => await store.AppendAsync([HubFixture.NewMessage("fresh", "0"), HubFixture.NewMessage("full", "1", "b")]));
        Assert.Equal("", _redis.Ask("KEYS", "ccomet:{fresh}*"));
    }

    [Fact]
    public async Task Redis_without_memory_is_read_on()
    {
        var store = Open();
        await store.AppendAsync([HubFixture.NewMessage("c", "0")]);
        _redis.Ask("CONFIG", "SET", "maxmemory", "1");
        Assert.Single((await store.ReadAsync("c", 0, 1)).Messages);
        Assert.Equal(0, (await store.ReadAsync("fresh", 0, 1)).Head.End);
        var e = await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.AppendAsync([HubFixture.NewMessage("fresh", "0")]));
        Assert.Equal("Redis is full: it has reached its maxmemory.", e.Message);
    }

    private static async Task<LogHead?> TryReadAsync(RedisStore store, string channel)
    {
        try
        {
            return (await store.ReadAsync(channel, 0, 1)).Head;
        }
        catch (StoreUnavailableException)
        {
            return null;
        }
    }

    private RedisStore Open(HubOptions? options = null)
    {
        var store = RedisFixture.NewStore(_redis.Address, options);
        _stores.Add(store);
        return store;
    }
}
