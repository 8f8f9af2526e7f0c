using CComet.Channels;
using CComet.Messages;
using CComet.Storage;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Channels;

/// <summary>What the hub makes of a store in which others append too, and whose notices may be lost.</summary>
public sealed class ForeignAppendTests
{
    [Fact]
    public async Task Two_hubs_over_one_store_are_one_log()
    {
        using var a = new HubFixture();
        using var b = new HubFixture(a.Options, a.Store, a.Time);
        await a.PublishAsync("c", "0");
        using var reader = await b.SubscribeAsync("c", new Cursor(null, 0));
        Assert.Equal(["0"], HubFixture.Texts(await reader.ReadAsync(park: true)));
        Assert.Empty(await reader.ReadAsync(park: true));
        var wake = reader.WakeAsync(TimeSpan.FromSeconds(28));
        await a.PublishAsync("c", "1");
        Assert.Equal(WakeReason.Messages, await wake);
        await b.PublishAsync("c", "2");
        Assert.Equal(["1", "2"], HubFixture.Texts(await reader.ReadAsync(park: true)));
    }

    [Fact]
    public async Task Lost_notice_costs_a_moment_and_no_message()
    {
        var store = new LossyStore(new HubOptions());
        using var fixture = new HubFixture(store: store);
        using var reader = await fixture.SubscribeAsync("c");
        Assert.Empty(await reader.ReadAsync(park: true));
        var wake = reader.WakeAsync(TimeSpan.FromSeconds(28));
        store.Loses = true;
        await fixture.PublishAsync("c", "0");
        await fixture.PublishAsync("c", "1");
        Assert.Null(reader.Woken);
        store.Loses = false;

        // The next notice does not join on to what is known: the hub reads the log.
        await fixture.PublishAsync("c", "2");
        Assert.Equal(WakeReason.Messages, await wake);
        Assert.Equal(["0", "1", "2"], HubFixture.Texts(await reader.ReadAsync(park: true)));
    }

    [Fact]
    public async Task Hint_alone_is_enough_to_find_what_was_appended()
    {
        var store = new LossyStore(new HubOptions());
        using var fixture = new HubFixture(store: store);
        using var reader = await fixture.SubscribeAsync("c");
        Assert.Empty(await reader.ReadAsync(park: true));
        var wake = reader.WakeAsync(TimeSpan.FromSeconds(28));
        store.Loses = true;
        await fixture.PublishAsync("c", "0");
        store.Listener!.Changed();
        Assert.Equal(WakeReason.Messages, await wake);
        Assert.Equal(["0"], HubFixture.Texts(await reader.ReadAsync(park: true)));
    }

    [Fact]
    public async Task Cursor_ahead_of_what_this_node_has_heard_of_is_looked_up_before_it_is_judged()
    {
        var store = new LossyStore(new HubOptions());
        using var fixture = new HubFixture(store: store);
        using var first = await fixture.SubscribeAsync("c");
        await first.ReadAsync(park: true);
        store.Loses = true;
        await fixture.PublishAsync("c", "0");
        using var ahead = await fixture.SubscribeAsync("c", new Cursor(null, 1));
        Assert.Empty(await ahead.ReadAsync(park: true));
        Assert.Equal(["0"], HubFixture.Texts(await first.ReadAsync(park: true)));
    }

    [Fact]
    public async Task Parked_subscriber_gets_a_reset_when_its_log_has_a_new_epoch()
    {
        var store = new LossyStore(new HubOptions());
        using var fixture = new HubFixture(store: store);
        await fixture.PublishAsync("c", "old");
        using var reader = await fixture.SubscribeAsync("c");
        Assert.Empty(await reader.ReadAsync(park: true));
        var wake = reader.WakeAsync(TimeSpan.FromSeconds(28));
        await store.BeginAnewAsync("c", "new");
        Assert.Equal(WakeReason.Messages, await wake);
        Assert.Equal(["RESET", "new"], HubFixture.Texts(await reader.ReadAsync(park: true)));
    }

    [Fact]
    public async Task Store_that_is_gone_refuses_and_its_return_loses_nothing()
    {
        var store = new LossyStore(new HubOptions());
        using var fixture = new HubFixture(store: store);
        using var reader = await fixture.SubscribeAsync("c");
        Assert.Empty(await reader.ReadAsync(park: true));
        var wake = reader.WakeAsync(TimeSpan.FromSeconds(28));
        store.IsGone = true;
        await Assert.ThrowsAsync<StoreUnavailableException>(() => fixture.PublishAsync("c", "x"));
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await fixture.SubscribeAsync("other"));
        Assert.Null(fixture.Hub.Find("other"));
        store.IsGone = false;
        await fixture.PublishAsync("c", "y");
        Assert.Equal(WakeReason.Messages, await wake);
        Assert.Equal(["y"], HubFixture.Texts(await reader.ReadAsync(park: true)));
        (await fixture.SubscribeAsync("other")).Dispose();
        Assert.Equal(1, fixture.Hub.SubscriberCount);
    }

    /// <summary>A memory store behind an unreliable connection: notifications can be lost, the store can be out of reach, the log can be reset.</summary>
    private sealed class LossyStore(HubOptions options) : IMessageStore
    {
        private CComet.Storage.MemoryStore _inner = HubFixture.NewStore(options, TimeProvider.System);

        public bool Loses { get; set; }

        public bool IsGone { get; set; }

        public ILogListener? Listener { get; private set; }

        public async Task BeginAnewAsync(string channel, string text)
        {
            _inner = HubFixture.NewStore(options, TimeProvider.System);
            await _inner.AppendAsync([HubFixture.NewMessage(channel, text)]);
            Listener!.Changed();
        }

        public ValueTask<IReadOnlyList<Receipt>> AppendAsync(IReadOnlyList<NewMessage> messages, CancellationToken cancellation = default) =>
            Reach().AppendAsync(messages, cancellation);

        public ValueTask<LogSlice> ReadAsync(string channel, long from, long maxBytes, CancellationToken cancellation = default) =>
            Reach().ReadAsync(channel, from, maxBytes, cancellation);

        public ValueTask FollowAsync(string channel, ILogListener listener, CancellationToken cancellation = default)
        {
            Listener = listener;
            return Reach().FollowAsync(channel, new BadLine(this, listener), cancellation);
        }

        public void Unfollow(string channel, ILogListener listener) => _inner.Unfollow(channel, listener);

        public ValueTask SweepAsync(CancellationToken cancellation = default) => _inner.SweepAsync(cancellation);

        public ValueTask CheckAsync(CancellationToken cancellation = default) => Reach().CheckAsync(cancellation);

        private CComet.Storage.MemoryStore Reach() => IsGone ? throw new StoreUnavailableException("The store is gone.") : _inner;

        private sealed class BadLine(LossyStore store, ILogListener listener) : ILogListener
        {
            public void Opened(LogHead head) => listener.Opened(head);

            public void Appended(string epoch, IReadOnlyList<Message> messages, DeferredDeliveries? deferred = null)
            {
                if (!store.Loses) listener.Appended(epoch, messages, deferred);
            }

            public void Changed() => listener.Changed();
        }
    }
}
