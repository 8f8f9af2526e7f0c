using System.Globalization;
using CComet.Access;
using CComet.Channels;
using CComet.Limits;
using CComet.Messages;
using CComet.Storage;
using CComet.Subscriptions;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Channels;

/// <summary>What the subscribers of a log are told when it is cleared: a reset at once, then what came since, from seqid 0 on.</summary>
public sealed class ClearedLogTests
{
    [Fact]
    public async Task Parked_subscriber_is_told_a_reset_while_the_new_log_is_empty()
    {
        using var fixture = new HubFixture();
        for (var i = 0; i < 3; i++) await fixture.PublishAsync("c", $"{i}");
        using var reader = await fixture.SubscribeAsync("c");
        Assert.Empty(await reader.ReadAsync(park: true));
        var wake = reader.WakeAsync(TimeSpan.FromSeconds(28));
        var before = await ClearAsync(fixture);
        Assert.Equal(WakeReason.Messages, await wake.WaitAsync(Patience.Limit));
        Assert.Equal(["RESET"], HubFixture.Texts(await reader.ReadAsync(park: true)));
        var cursor = reader.Cursors.Single().Cursor;
        Assert.Equal(0, cursor.Seqid);
        Assert.NotEqual(before.Epoch, cursor.Epoch);

        Assert.Empty(await reader.ReadAsync(park: true));
        wake = reader.WakeAsync(TimeSpan.FromSeconds(28));
        await fixture.PublishAsync("c", "new");
        Assert.Equal(WakeReason.Messages, await wake.WaitAsync(Patience.Limit));
        Assert.Equal(["new"], HubFixture.Texts(await reader.ReadAsync(park: true)));
    }

    [Fact]
    public async Task Pushed_stream_is_woken_for_the_reset_and_is_pushed_what_comes_after_it()
    {
        using var fixture = new HubFixture();
        using var stream = await fixture.SubscribeAsync("c");
        var sink = new Sink();
        stream.Sink = sink;
        Assert.Empty(await stream.ReadAsync(park: true));
        var wake = stream.WakeAsync(TimeSpan.FromSeconds(28));
        for (var i = 0; i < 3; i++)
        {
            await fixture.PublishAsync("c", $"{i}");
            Assert.Equal($"{i}", await sink.TakeAsync());
        }

        Assert.Null(stream.Woken);
        await ClearAsync(fixture);
        Assert.Equal(WakeReason.Messages, await wake.WaitAsync(Patience.Limit));
        Assert.Equal(0, fixture.Hub.Find("c")!.Waiting);
        Assert.Equal(["RESET"], HubFixture.Texts(await stream.ReadAsync(park: true)));
        Assert.Empty(await stream.ReadAsync(park: true));
        wake = stream.WakeAsync(TimeSpan.FromSeconds(28));
        await fixture.PublishAsync("c", "new");
        Assert.Equal("new", await sink.TakeAsync());
        Assert.False(wake.IsCompleted);
    }

    [Fact]
    public async Task Subscriber_that_comes_back_is_told_a_reset_before_the_new_messages()
    {
        using var fixture = new HubFixture();
        var old = await fixture.PublishAsync("c", "old");
        await ClearAsync(fixture);
        using (var empty = await fixture.SubscribeAsync("c", new Cursor(old.Epoch, 1))) Assert.Equal(["RESET"], HubFixture.Texts(await empty.ReadAsync(park: true)));
        for (var i = 0; i < 3; i++) await fixture.PublishAsync("c", $"{i}");
        using var reader = await fixture.SubscribeAsync("c", new Cursor(old.Epoch, 1));
        var texts = new List<string>();
        for (IReadOnlyList<string> read; (read = HubFixture.Texts(await reader.ReadAsync(park: true))).Count > 0;) texts.AddRange(read);
        Assert.Equal(["RESET", "0", "1", "2"], texts);
    }

    [Fact]
    public async Task Subscriber_of_several_channels_is_told_the_reset_of_the_one_that_was_cleared()
    {
        using var fixture = new HubFixture();
        foreach (var name in (string[])["a", "b"]) await fixture.PublishAsync(name, "old");
        using var reader = await fixture.Operations.SubscribeAsync(CallerContext.Local, [new ChannelStart("a", default), new ChannelStart("b", default)], null);
        Assert.Empty(await reader.ReadAsync(park: true));
        var wake = reader.WakeAsync(TimeSpan.FromSeconds(28));
        await ClearAsync(fixture, "b");
        Assert.Equal(WakeReason.Messages, await wake.WaitAsync(Patience.Limit));
        var reading = Assert.Single(await reader.ReadAsync(park: true));
        Assert.Equal((1, NoticeKind.Reset), (reading.ChannelIndex, reading.Notice!.Kind));
        Assert.Equal([1L, 0L], reader.Cursors.Select(c => c.Cursor.Seqid!.Value));
    }

    [Fact]
    public async Task Memory_of_a_cleared_log_is_given_back()
    {
        using var fixture = new HubFixture();
        using var reader = await fixture.SubscribeAsync("c");
        Assert.Empty(await reader.ReadAsync(park: true));
        var wake = reader.WakeAsync(TimeSpan.FromSeconds(28));
        for (var i = 0; i < 50; i++) await fixture.PublishAsync("c", new string('x', 1_000));
        await wake;
        Assert.NotEmpty(await reader.ReadAsync(park: true));
        var channel = fixture.Hub.Find("c")!;
        Assert.True(channel.Weight > 50_000, $"{channel.Weight} bytes are charged.");
        while ((await reader.ReadAsync(park: true)).Count > 0) { }
        wake = reader.WakeAsync(TimeSpan.FromSeconds(28));
        await ClearAsync(fixture);
        await wake.WaitAsync(Patience.Limit);
        Assert.Equal(0, channel.Weight);
    }

    /// <summary>
    /// A delivery may run after the log has got another epoch and messages behind it: they are not those that the stream lacks. The hub is
    /// told of the epoch as when it opens the log, so that nothing but the late delivery reaches the stream.
    /// </summary>
    [Fact]
    public async Task Delivery_that_is_late_writes_no_message_of_the_new_epoch_behind_the_old_cursor()
    {
        var store = new GatedStore(new HubOptions());
        using var fixture = new HubFixture(store: store);
        using var stream = await fixture.SubscribeAsync("c");
        var sink = new Sink();
        stream.Sink = sink;
        Assert.Empty(await stream.ReadAsync(park: true));
        var wake = stream.WakeAsync(TimeSpan.FromSeconds(28));
        var (late, later) = (new DeferredDeliveries(), new DeferredDeliveries());
        var epoch = stream.Cursors.Single().Cursor.Epoch!;
        store.Listener!.Appended(epoch, [NewMessage("old", 0)], late);
        store.Listener.Appended(epoch, [NewMessage("old", 1)], later);
        store.Listener.Opened(new LogHead("another", 0, 0));
        store.Listener.Appended("another", [.. Enumerable.Range(0, 5).Select(i => NewMessage($"new{i}", i))], new DeferredDeliveries());
        later.Run();
        late.Run();
        Assert.Empty(sink.Texts);
        Assert.Equal(WakeReason.Messages, await wake.WaitAsync(Patience.Limit));
        Assert.Equal(["RESET", "new0", "new1", "new2", "new3", "new4"], HubFixture.Texts(await stream.ReadAsync(park: true)));

        Message NewMessage(string text, long seqid) => Message.Create(HubFixture.NewMessage("c", text), seqid, fixture.Time.GetUtcNow().ToUnixTimeMilliseconds());
    }

    [Fact]
    public async Task Reading_of_the_store_during_which_the_log_is_cleared_gives_no_message_before_the_reset()
    {
        var options = new HubOptions { Limits = new LimitOptions { ChannelMemoryBytes = 4 << 10 } };
        var store = new GatedStore(options);
        using var fixture = new HubFixture(options, store);
        for (var i = 0; i < 20; i++) await fixture.PublishAsync("c", $"old{i} {new string('x', 500)}");
        var epoch = (await store.ReadAsync("c", 0, 1)).Head.Epoch;
        using var reader = await fixture.SubscribeAsync("c", new Cursor(epoch, 3));

        store.GateFrom(3);
        var reading = reader.ReadAsync(park: true).AsTask();
        await store.Reached.WaitAsync(Patience.Limit);
        await ClearAsync(fixture);
        string[] texts = [.. Enumerable.Range(0, 20).Select(i => $"new{i} {new string('y', 500)}")];
        foreach (var text in texts) await fixture.PublishAsync("c", text);
        await Eventually.TrueAsync(() => fixture.Hub.Find("c")!.End == 20, "Hearing of the new messages");
        store.Open();

        var read = HubFixture.Texts(await reading).ToList();
        for (var reads = 0; read.Count < 21 && reads < 21; reads++) read.AddRange(HubFixture.Texts(await reader.ReadAsync(park: true)));
        Assert.Equal(["RESET", .. texts], read);
    }

    /// <summary>Polls and streams that come and go beside publishes and clears: none reads a message that it has not been told the reset for.</summary>
    [Fact]
    public async Task Readers_beside_clears_read_every_epoch_from_its_beginning_without_holes()
    {
        var seed = Environment.GetEnvironmentVariable("CCOMET_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();
        try
        {
            var options = new HubOptions { History = new HistoryOptions { MaxMessages = 100_000, MaxBytes = 1 << 28 }, Limits = new LimitOptions { ChannelMemoryBytes = 4 << 10 } };
            using var fixture = new HubFixture(options);
            var readers = Enumerable.Range(0, 8).Select(i => new Reader(fixture, new Random(seed + i), isStream: i % 2 == 0)).ToArray();
            var reading = readers.Select(r => Task.Run(r.RunAsync)).ToArray();
            var publishing = Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
            {
                for (var i = 0; i < 2_000; i++)
                {
                    await fixture.PublishAsync("c", "m");
                    if (i % 8 == 0) await Task.Yield();
                }
            })).ToArray();
            var random = new Random(seed - 1);
            while (!publishing.All(p => p.IsCompleted))
            {
                await ((IClearingStore)fixture.Store).ClearAsync("c");
                for (var turns = random.Next(200); turns > 0; turns--) await Task.Yield();
            }

            await Task.WhenAll(publishing);
            await fixture.PublishAsync("c", Reader.Last);
            await Task.WhenAll(reading).WaitAsync(Patience.Limit);
            Assert.Equal(0, fixture.Hub.SubscriberCount);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Seed {seed} (replay with CCOMET_SEED={seed})", e);
        }
    }

    private static async Task<LogHead> ClearAsync(HubFixture fixture, string channel = "c") =>
        Assert.NotNull(await Assert.IsAssignableFrom<IClearingStore>(fixture.Store).ClearAsync(channel));

    private sealed class Sink : IMessageSink
    {
        private readonly System.Threading.Channels.Channel<string> _texts = System.Threading.Channels.Channel.CreateUnbounded<string>();

        public IEnumerable<string> Texts => _texts.Reader.TryPeek(out var text) ? [text] : [];

        public bool TryWrite(int channelIndex, Batch batch)
        {
            foreach (var text in HubFixture.Texts([new Reading(channelIndex, null, batch)])) _texts.Writer.TryWrite(text);
            return true;
        }

        public Task<string> TakeAsync() => _texts.Reader.ReadAsync().AsTask().WaitAsync(Patience.Limit);
    }

    /// <summary>Follows the channel until it has read the last message, leaving and coming back with its cursor at random moments.</summary>
    private sealed class Reader(HubFixture fixture, Random random, bool isStream) : IMessageSink
    {
        public const string Last = "last";

        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private string? _epoch;
        private long _next;
        private string? _wrong;
        private volatile bool _isDone;

        public bool TryWrite(int channelIndex, Batch batch)
        {
            Note(new Reading(channelIndex, null, batch));
            return true;
        }

        public async Task RunAsync()
        {
            while (!_isDone)
            {
                using var subscriber = await fixture.SubscribeAsync("c", new Cursor(_epoch, _next));
                if (isStream) subscriber.Sink = this;
                for (var rounds = random.Next(5, 60); rounds > 0 && !_isDone; rounds--)
                {
                    var readings = await subscriber.ReadAsync(park: true, ReadSizes.MaxStepBytes);
                    foreach (var reading in readings) Note(reading);
                    if (readings.Count > 0 || _isDone) continue;

                    // What ends a stream's wait: a reset, or, once it was pushed the last message, the stream itself.
                    var wait = subscriber.WakeAsync(TimeSpan.FromHours(1));
                    if (await Task.WhenAny(wait, _done.Task) != wait) subscriber.Signal(WakeReason.Messages);
                    await wait;
                }

                _epoch = subscriber.Cursors.Single().Cursor.Epoch;
            }

            Assert.Null(_wrong);
        }

        private void Note(Reading reading)
        {
            if (reading.Notice is { Kind: var kind })
            {
                if (kind != NoticeKind.Reset) _wrong ??= $"{kind} was told.";
                _next = 0;
            }

            foreach (var message in reading.Batch.Messages)
            {
                if (message.Seqid != _next) _wrong ??= $"{message.Seqid} where {_next} was due.";
                _next = message.Seqid + 1;
            }

            if (_wrong is null && !HubFixture.Texts([reading]).Contains(Last)) return;
            _isDone = true;
            _done.TrySetResult();
        }
    }

    /// <summary>A memory store whose next reading from a certain seqid waits, and whose listener the test may call.</summary>
    private sealed class GatedStore(HubOptions options) : IMessageStore, IClearingStore
    {
        private readonly MemoryStore _inner = HubFixture.NewStore(options, TimeProvider.System);
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _gated = -1;

        public ILogListener? Listener { get; private set; }

        /// <summary>Completes when the gated reading has begun.</summary>
        public Task Reached => _reached.Task;

        public void GateFrom(long seqid) => Volatile.Write(ref _gated, seqid);

        public void Open() => _open.SetResult();

        public async ValueTask<LogSlice> ReadAsync(string channel, long from, long maxBytes, CancellationToken cancellation = default)
        {
            if (Interlocked.CompareExchange(ref _gated, -1, from) == from)
            {
                _reached.SetResult();
                await _open.Task;
            }

            return await _inner.ReadAsync(channel, from, maxBytes, cancellation);
        }

        public ValueTask FollowAsync(string channel, ILogListener listener, CancellationToken cancellation = default)
        {
            Listener = listener;
            return _inner.FollowAsync(channel, listener, cancellation);
        }

        public ValueTask<IReadOnlyList<Receipt>> AppendAsync(IReadOnlyList<NewMessage> messages, CancellationToken cancellation = default) => _inner.AppendAsync(messages, cancellation);

        public ValueTask<LogHead?> ClearAsync(string channel, CancellationToken cancellation = default) => _inner.ClearAsync(channel, cancellation);

        public void Unfollow(string channel, ILogListener listener) => _inner.Unfollow(channel, listener);

        public ValueTask SweepAsync(CancellationToken cancellation = default) => _inner.SweepAsync(cancellation);

        public ValueTask CheckAsync(CancellationToken cancellation = default) => _inner.CheckAsync(cancellation);
    }
}
