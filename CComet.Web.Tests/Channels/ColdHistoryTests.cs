using CComet.Limits;
using CComet.Messages;
using CComet.Storage;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Channels;

/// <summary>History that is not in memory, as after a restart: it is read once for all who want it, and never held beyond the bound.</summary>
public sealed class ColdHistoryTests
{
    private static readonly HubOptions Options = new()
    {
        History = new HistoryOptions { MaxMessages = 10_000, MaxBytes = 1 << 24 },
        Limits = new LimitOptions { ChannelMemoryBytes = 100_000 },
    };

    [Fact]
    public async Task Crowd_that_wants_the_same_history_costs_one_reading_of_the_store()
    {
        var store = new CountingStore(Options);
        using var fixture = new HubFixture(Options, store);
        await PublishAsync(fixture, 100);
        var expected = Enumerable.Range(0, 100).Select(i => $"{i}").ToArray();
        var crowd = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Run(() => ReadAllAsync(fixture, 0, 100, i % 2 == 0 ? 1_000 : ReadSizes.MaxReadBytes))));
        Assert.All(crowd, texts => Assert.Equal(expected, texts));

        // One brought it all; another may have looked in the moment before.
        Assert.InRange(store.Reads, 1, 2);
    }

    [Fact]
    public async Task History_larger_than_the_bound_is_read_through_and_not_held()
    {
        var store = new CountingStore(Options);
        using var fixture = new HubFixture(Options, store);
        await PublishAsync(fixture, 5_000);
        var expected = Enumerable.Range(0, 5_000).Select(i => $"{i}").ToArray();
        foreach (var step in new[] { 1_000, 16_384, ReadSizes.MaxReadBytes }) Assert.Equal(expected, await ReadAllAsync(fixture, 0, 5_000, step));
        Assert.Equal(expected.Skip(4_000), await ReadAllAsync(fixture, 4_000, 5_000, 16_384));

        // New messages are delivered as before, also to subscribers that are deep in the history.
        using var live = await fixture.SubscribeAsync("c");
        Assert.Empty(await live.ReadAsync(park: true));
        await fixture.PublishAsync("c", "new");
        Assert.Equal(["new"], HubFixture.Texts(await live.ReadAsync(park: true)));
        Assert.Equal([.. expected, "new"], await ReadAllAsync(fixture, 0, 5_001, 50_000));
    }

    [Fact]
    public async Task Dropped_history_is_told_before_the_kept_one()
    {
        var options = Options with { History = new HistoryOptions { MaxMessages = 10 } };
        var store = new CountingStore(options);
        using var fixture = new HubFixture(options, store);
        await PublishAsync(fixture, 30);
        for (var i = 0; i < 2; i++) Assert.Equal(["GAP 0-19", .. Enumerable.Range(20, 10).Select(n => $"{n}")], await ReadAllAsync(fixture, 0, 30, 1_000));
    }

    [Fact]
    public async Task Store_that_fails_while_many_wait_for_it_fails_for_each_of_them_and_serves_them_when_it_is_back()
    {
        var store = new CountingStore(Options);
        using var fixture = new HubFixture(Options, store);
        await PublishAsync(fixture, 10);
        using (await fixture.SubscribeAsync("c")) store.Fails = true;
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Assert.ThrowsAsync<StoreUnavailableException>(() => ReadAllAsync(fixture, 0, 10, 1_000))));
        store.Fails = false;
        Assert.Equal(10, (await ReadAllAsync(fixture, 0, 10, 1_000)).Count);
        Assert.Equal(0, fixture.Hub.SubscriberCount);
    }

    private static async Task PublishAsync(HubFixture fixture, int count)
    {
        for (var i = 0; i < count; i++) await fixture.PublishAsync("c", $"{i}");
    }

    private static async Task<IReadOnlyList<string>> ReadAllAsync(HubFixture fixture, long from, long to, long step)
    {
        using var subscriber = await fixture.SubscribeAsync("c", new Cursor(null, from));
        var texts = new List<string>();
        while (subscriber.Cursors.Single().Cursor.Seqid < to) texts.AddRange(HubFixture.Texts(await subscriber.ReadAsync(park: false, step)));
        return texts;
    }

    private sealed class CountingStore(HubOptions options) : IMessageStore
    {
        private readonly MemoryStore _inner = HubFixture.NewStore(options, TimeProvider.System);
        private int _reads;

        public int Reads => _reads;

        public bool Fails { get; set; }

        public ValueTask<IReadOnlyList<Receipt>> AppendAsync(IReadOnlyList<NewMessage> messages, CancellationToken cancellation = default) => _inner.AppendAsync(messages, cancellation);

        public async ValueTask<LogSlice> ReadAsync(string channel, long from, long maxBytes, CancellationToken cancellation = default)
        {
            Interlocked.Increment(ref _reads);
            await Task.Yield();
            if (Fails) throw new StoreUnavailableException("It fails.");
            return await _inner.ReadAsync(channel, from, maxBytes, cancellation);
        }

        public ValueTask FollowAsync(string channel, ILogListener listener, CancellationToken cancellation = default) => _inner.FollowAsync(channel, listener, cancellation);

        public void Unfollow(string channel, ILogListener listener) => _inner.Unfollow(channel, listener);

        public ValueTask SweepAsync(CancellationToken cancellation = default) => _inner.SweepAsync(cancellation);

        public ValueTask CheckAsync(CancellationToken cancellation = default) => _inner.CheckAsync(cancellation);
    }
}
