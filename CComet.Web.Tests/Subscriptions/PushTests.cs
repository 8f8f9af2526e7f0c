using System.Collections.Concurrent;
using CComet.Access;
using CComet.Channels;
using CComet.Limits;
using CComet.Messages;
using CComet.Operations;
using CComet.Subscriptions;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Subscriptions;

/// <summary>What a subscriber is given without being woken: in order, once, and by one caller at a time.</summary>
public sealed class PushTests
{
    [Fact]
    public async Task Parked_stream_is_pushed_the_next_message_without_being_woken()
    {
        using var fixture = new HubFixture();
        using var subscriber = await fixture.SubscribeAsync("c");
        var outlet = new Sink();
        subscriber.Sink = outlet;
        Assert.Empty(await subscriber.ReadAsync(park: true));
        var wake = subscriber.WakeAsync(TimeSpan.FromSeconds(28));
        await fixture.PublishAsync("c", "first");
        Assert.Equal("first", await outlet.TakeAsync());
        await fixture.PublishAsync("c", "second");
        Assert.Equal("second", await outlet.TakeAsync());
        Assert.Null(subscriber.Woken);
        Assert.Equal(1, fixture.Hub.Find("c")!.Waiting);
        fixture.Time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(WakeReason.Timeout, await wake);
        Assert.Equal(2, subscriber.Cursors.Single().Cursor.Seqid);
    }

    [Fact]
    public async Task Stream_with_a_full_sink_is_woken_and_reads_later_messages_itself()
    {
        using var fixture = new HubFixture();
        using var subscriber = await fixture.SubscribeAsync("c");
        var outlet = new Sink { IsFull = true };
        subscriber.Sink = outlet;
        Assert.Empty(await subscriber.ReadAsync(park: true));
        var wake = subscriber.WakeAsync(TimeSpan.FromSeconds(28));
        await fixture.PublishAsync("c", "written");
        Assert.Equal(WakeReason.Messages, await wake);
        Assert.Equal("written", await outlet.TakeAsync());
        Assert.Equal(0, fixture.Hub.Find("c")!.Waiting);
        await fixture.PublishAsync("c", "meanwhile");
        Assert.Equal(["meanwhile"], HubFixture.Texts(await subscriber.ReadAsync(park: true)));
        Assert.Empty(outlet.Texts);
    }

    [Fact]
    public async Task Subscriber_with_something_to_read_does_not_count_as_waiting()
    {
        using var fixture = new HubFixture();
        using var subscriber = await fixture.SubscribeAsync("c");
        var outlet = new Sink();
        subscriber.Sink = outlet;
        Assert.Empty(await subscriber.ReadAsync(park: true));
        Assert.Equal(1, fixture.Hub.Find("c")!.Waiting);
        await fixture.PublishAsync("c", "before it waits");
        Assert.Equal(0, fixture.Hub.Find("c")!.Waiting);
        Assert.Equal(WakeReason.Messages, await subscriber.WakeAsync(TimeSpan.FromSeconds(28)));
        Assert.Single(await subscriber.ReadAsync(park: true));
        Assert.Empty(await subscriber.ReadAsync(park: true));
        Assert.Equal(1, fixture.Hub.Find("c")!.Waiting);
        Assert.Empty(outlet.Texts);
    }

    [Fact]
    public async Task Backlog_over_one_step_is_read_and_not_pushed()
    {
        using var fixture = new HubFixture();
        using var subscriber = await fixture.SubscribeAsync("c");
        var outlet = new Sink();
        subscriber.Sink = outlet;
        Assert.Empty(await subscriber.ReadAsync(park: true));
        var wake = subscriber.WakeAsync(TimeSpan.FromSeconds(28));
        var half = new string('x', (int)ReadSizes.MaxStepBytes * 2 / 3);
        await fixture.Operations.PublishAsync(CallerContext.Local, [HubFixture.NewMessage("c", half), HubFixture.NewMessage("c", half)]);
        Assert.Equal(WakeReason.Messages, await wake);
        Assert.Empty(outlet.Texts);
        Assert.Equal([half, half], HubFixture.Texts(await subscriber.ReadAsync(park: true)));
    }

    [Fact]
    public async Task Messages_that_came_while_one_was_written_are_written_together()
    {
        using var fixture = new HubFixture();
        using var subscriber = await fixture.SubscribeAsync("c");
        var outlet = new SlowOutlet();
        subscriber.Sink = outlet;
        Assert.Empty(await subscriber.ReadAsync(park: true));
        _ = subscriber.WakeAsync(TimeSpan.FromSeconds(28));
        var publishing = new List<Task> { Task.Run(() => fixture.PublishAsync("c", "m")) };
        await outlet.Began.Task.WaitAsync(Patience.Limit);
        for (var i = 0; i < 3; i++) publishing.Add(Task.Run(() => fixture.PublishAsync("c", "m")));
        await Eventually.TrueAsync(() => fixture.Hub.Find("c")!.End == 4, "Appending of all");
        outlet.MayEnd.Set();
        await Task.WhenAll(publishing).WaitAsync(Patience.Limit);
        Assert.Equal([1, 3], outlet.Sizes);
    }

    [Fact]
    public async Task Write_during_which_a_message_is_published_is_not_interrupted_by_it()
    {
        using var fixture = new HubFixture();
        using var subscriber = await fixture.SubscribeAsync("c");
        var outlet = new PublishingOutlet(fixture);
        subscriber.Sink = outlet;
        Assert.Empty(await subscriber.ReadAsync(park: true));
        var wake = subscriber.WakeAsync(TimeSpan.FromSeconds(28));
        await fixture.PublishAsync("c", "first");
        Assert.Equal(WakeReason.Messages, await wake);
        Assert.Equal((1, 1), (outlet.Writes, outlet.Deepest));
        Assert.Equal(["because of it"], HubFixture.Texts(await subscriber.ReadAsync(park: true)));
    }

    /// <summary>Publishers of several channels, subscribers of some of them that come and go, and sinks that are full at times.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Pushed_subscriber_gets_each_message_once_and_in_order_under_concurrent_publishes(int seed)
    {
        const int Channels = 3, PerChannel = 4_000, Followers = 16;
        using var fixture = new HubFixture(new HubOptions { History = new HistoryOptions { MaxMessages = PerChannel, MaxBytes = 1 << 28 } });
        var names = Enumerable.Range(0, Channels).Select(i => $"c{i}").ToArray();
        var followers = Enumerable.Range(0, Followers).Select(i => new Follower(fixture.Operations, names, PerChannel, new Random((seed * 1000) + i))).ToArray();
        var following = followers.Select(follower => Task.Run(follower.RunAsync)).ToArray();
        var publishing = names.SelectMany(name => Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < PerChannel / 2; i++)
            {
                await fixture.PublishAsync(name, "m");
                if (i % 8 == 0) await Task.Yield();
            }
        })));
        await Task.WhenAll(publishing);
        await Task.WhenAll(following).WaitAsync(Patience.Limit);
        Assert.True(followers.Sum(follower => follower.Given) > 0, $"seed {seed}: nobody was given anything; all was read.");
        Assert.Equal(0, fixture.Hub.SubscriberCount);
    }

    private sealed class Sink : IMessageSink
    {
        private readonly System.Threading.Channels.Channel<string> _texts = System.Threading.Channels.Channel.CreateUnbounded<string>();

        public bool IsFull { get; init; }

        public IEnumerable<string> Texts => _texts.Reader.TryPeek(out var text) ? [text] : [];

        public bool TryWrite(int position, Batch batch)
        {
            foreach (var text in HubFixture.Texts([new Reading(position, null, batch)])) _texts.Writer.TryWrite(text);
            return !IsFull;
        }

        public Task<string> TakeAsync() => _texts.Reader.ReadAsync().AsTask().WaitAsync(Patience.Limit);
    }

    private sealed class SlowOutlet : IMessageSink
    {
        public TaskCompletionSource Began { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ManualResetEventSlim MayEnd { get; } = new();

        public List<int> Sizes { get; } = [];

        public bool TryWrite(int position, Batch batch)
        {
            Sizes.Add(batch.Messages.Count);
            Began.TrySetResult();
            return MayEnd.Wait(Patience.Limit);
        }
    }

    private sealed class PublishingOutlet(HubFixture fixture) : IMessageSink
    {
        private int _depth;

        public int Writes { get; private set; }

        public int Deepest { get; private set; }

        public bool TryWrite(int position, Batch batch)
        {
            Deepest = Math.Max(Deepest, ++_depth);
            if (Writes++ == 0) Assert.True(fixture.PublishAsync("c", "because of it").IsCompletedSuccessfully);
            _depth--;
            return true;
        }
    }

    /// <summary>As a stream does it: reads while there is something, then waits to be given more; leaves and comes back at random.</summary>
    private sealed class Follower(ChannelOperations operations, string[] all, int perChannel, Random random) : IMessageSink
    {
        private readonly string[] _names = [.. all.OrderBy(_ => random.Next()).Take(random.Next(1, all.Length + 1))];
        private readonly ConcurrentDictionary<string, long> _next = new();
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _writers;
        private int _given;
        private string? _wrong;

        public int Given => _given;

        public bool TryWrite(int position, Batch batch)
        {
            if (Interlocked.Increment(ref _writers) > 1) _wrong = "Two wrote at once.";
            Note(position, batch);
            _given++;
            var isFull = _given % 7 == 0;
            Interlocked.Decrement(ref _writers);
            return !isFull;
        }

        public async Task RunAsync()
        {
            foreach (var name in _names) _next[name] = 0;
            while (!IsDone())
            {
                using var subscriber = await operations.SubscribeAsync(CallerContext.Local, [.. _names.Select(name => new ChannelStart(name, new Cursor(null, _next[name])))], null);
                subscriber.Sink = this;
                for (var rounds = random.Next(5, 60); rounds > 0 && !IsDone(); rounds--)
                {
                    if (Interlocked.Increment(ref _writers) > 1) _wrong = "Read while it was given something.";
                    var readings = await subscriber.ReadAsync(park: true, ReadSizes.MaxStepBytes);
                    foreach (var reading in readings) Note(reading.ChannelIndex, reading.Batch);
                    var isDone = IsDone();
                    Interlocked.Decrement(ref _writers);
                    if (readings.Count > 0 || isDone) continue;

                    // What ends the wait: a full outlet, or, once everything was given, itself.
                    var wait = subscriber.WakeAsync(TimeSpan.FromHours(1));
                    if (await Task.WhenAny(wait, _done.Task) != wait) subscriber.Signal(WakeReason.Messages);
                    await wait;
                }

                foreach (var (channel, cursor) in subscriber.Cursors) Assert.Equal(_next[channel], Math.Max(0, cursor.Seqid!.Value));
            }

            Assert.Null(_wrong);
        }

        private void Note(int position, Batch batch)
        {
            var name = _names[position];
            foreach (var message in batch.Messages)
            {
                if (message.Seqid != _next[name]) _wrong ??= $"{name}: {message.Seqid} where {_next[name]} was due.";
                _next[name] = message.Seqid + 1;
            }

            if (IsDone()) _done.TrySetResult();
        }

        private bool IsDone() => _wrong is not null || _names.All(name => _next[name] >= perChannel);
    }
}
