using CComet.Messages;
using CComet.Redis;
using CComet.Storage;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Redis;

/// <summary>What a clear in Redis tells the nodes, what it leaves there, and what it outlives.</summary>
public sealed class RedisClearTests : IAsyncLifetime
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
    public async Task Subscriber_on_another_node_is_told_the_reset_and_then_the_new_messages()
    {
        var (a, b) = (_nodes.New(_redis.Address), _nodes.New(_redis.Address));
        for (var i = 0; i < 3; i++) await a.PublishAsync("c", "old");
        using var reader = await RedisNodes.WaitingAsync(b);
        using var local = await RedisNodes.WaitingAsync(a);
        Assert.Equal(3, (await Store(a).ClearAsync("c"))!.Value.End);
        Assert.Equal(["RESET"], await RedisNodes.ReadAsync(reader, 1));
        Assert.Equal(["RESET"], await RedisNodes.ReadAsync(local, 1));
        Assert.Equal(0, (await b.PublishAsync("c", "new")).Seqid);
        Assert.Equal(["new"], await RedisNodes.ReadAsync(reader, 1));
        Assert.Equal(["new"], await RedisNodes.ReadAsync(local, 1));
    }

    [Fact]
    public async Task Nodes_that_publish_and_clear_at_once_leave_every_subscriber_with_the_same_log()
    {
        var nodes = Enumerable.Range(0, 2).Select(_ => _nodes.New(_redis.Address)).ToArray();
        var readers = await Task.WhenAll(nodes.Select(async node => (await node.SubscribeAsync("c", new Cursor(null, 0)))!));
        var reading = readers.Select(reader => Task.Run(async () =>
        {
            var texts = new List<string>();
            while (texts is not [.., "last"])
            {
                foreach (var text in await RedisNodes.ReadAsync(reader, 1))
                {
                    if (text == "RESET") texts.Clear();
                    else texts.Add(text);
                }
            }

            return texts;
        })).ToArray();
        await Task.WhenAll(nodes.SelectMany((node, n) => new[]
        {
            Task.Run(async () =>
            {
                for (var i = 0; i < 200; i++) await node.PublishAsync("c", $"{n}.{i}", $"id{i % 10}");
            }),
            Task.Run(async () =>
            {
                for (var i = 0; i < 40; i++) await Store(node).ClearAsync("c");
            }),
        }));
        await nodes[0].PublishAsync("c", "last");
        var slice = await nodes[1].Store.ReadAsync("c", 0, long.MaxValue);
        string[] expected = [.. HubFixture.Texts([new Reading(0, null, new Batch(slice.Head.Epoch, slice.Messages))])];
        foreach (var texts in await Task.WhenAll(reading).WaitAsync(Patience.Limit)) Assert.Equal(expected, texts);
        foreach (var reader in readers) reader.Dispose();
    }

    [Fact]
    public async Task Cleared_log_stays_empty_in_its_new_epoch_when_redis_is_restarted()
    {
        var node = _nodes.New(_redis.Address);
        var old = await node.PublishAsync("c", "old", "id");
        await Store(node).ClearAsync("c");
        var head = (await node.Store.ReadAsync("c", 0, 1)).Head;
        Assert.NotEqual(old.Epoch, head.Epoch);
        await _redis.RestartAsync();
        var receipt = await RedisNodes.PublishedAsync(node, "id");
        Assert.Equal((head.Epoch, 0L, false), (receipt.Epoch, receipt.Seqid, receipt.Duplicate));
        Assert.Equal(new LogHead(head.Epoch, 0, 1), (await _nodes.New(_redis.Address).Store.ReadAsync("c", 0, 1)).Head);
    }

    /// <summary>Else the log would come back, numbers and all, under the epoch of the channels without a head, under which it may have begun.</summary>
    [Fact]
    public async Task Cleared_log_leaves_its_head_alone_which_lives_longer_than_the_shared_epoch()
    {
        var store = _nodes.New(_redis.Address).Store;
        var first = (await store.AppendAsync([HubFixture.NewMessage("c", "0", "id")]))[0];
        Assert.Equal(first.Epoch, (await store.ReadAsync("fresh", 0, 1)).Head.Epoch);
        await ((IClearingStore)store).ClearAsync("c");
        for (var i = 0; i < 2; i++) Assert.NotEqual(first.Epoch, (await store.ReadAsync("c", 0, 1)).Head.Epoch);
        Assert.Equal("ccomet:{c}:head", _redis.Ask("KEYS", "ccomet:{*").Trim());
        Assert.InRange(_redis.AskNumber("PTTL", "ccomet:unwritten"), 1, _redis.AskNumber("PTTL", "ccomet:{c}:head") / 2);
    }

    [Fact]
    public async Task Full_redis_can_be_cleared()
    {
        var node = _nodes.New(_redis.Address);
        await node.PublishAsync("c", "old", "id");
        _redis.Ask("CONFIG", "SET", "maxmemory", "1");
        await Assert.ThrowsAsync<StoreUnavailableException>(() => node.PublishAsync("c", "more"));
        Assert.Equal(1, (await Store(node).ClearAsync("c"))!.Value.End);
        Assert.Equal(0, (await node.Store.ReadAsync("c", 0, 1)).Head.End);
    }

    private static RedisStore Store(HubFixture node) => (RedisStore)node.Store;
}
