using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using CComet.Channels;
using CComet.Dialects.Native;
using CComet.Messages;
using CComet.Storage;
using CComet.Subscriptions;
using CComet.Transports;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Transports;

/// <summary>
/// A user is kicked at a moment at which its connection is in no list of waiting readers: it ends as soon as it would wait. The clock
/// stands still and nothing is published, so nothing else would wake it.
/// </summary>
public sealed class KickedReaderTests
{
    private const string Channel = "c";
    private const string User = "ann";

    [Fact]
    public async Task Stream_that_reads_the_store_ends_behind_what_it_reads()
    {
        var store = new HeldStore();
        using var fixture = new HubFixture(store: store);
        foreach (var text in (string[])["0", "1"]) await fixture.PublishAsync(Channel, text);
        store.Holds = true;
        using var stream = await Stream.OpenAsync(fixture, new Cursor(null, 0));
        await store.Reading.WaitAsync(Patience.Limit);
        Assert.Equal(0, fixture.Hub.EndUser(User));
        Assert.False(stream.Running.IsCompleted);
        store.Release();
        Assert.Equal(["CURSOR", "0", "1", "BYE kicked"], await stream.ToldAsync());
        Assert.Equal(0, fixture.Hub.SubscriberCount);
    }

    [Fact]
    public async Task Stream_that_finds_nothing_in_the_store_ends_instead_of_waiting()
    {
        var (store, cursor) = await BehindAsync();
        using var fixture = new HubFixture(store: store);
        store.Holds = true;
        using var stream = await Stream.OpenAsync(fixture, cursor);
        await store.Reading.WaitAsync(Patience.Limit);
        Assert.Equal(0, fixture.Hub.EndUser(User));
        store.Release();
        Assert.Equal(["CURSOR", "BYE kicked"], await stream.ToldAsync());
    }

    [Fact]
    public async Task Stream_that_waits_for_its_client_ends_once_that_has_taken_what_was_written()
    {
        using var fixture = new HubFixture();
        using var stream = await Stream.OpenAsync(fixture, Cursor.None, pauseAt: 1_000);
        await stream.TakeAsync("CURSOR");
        await Eventually.TrueAsync(() => fixture.Hub.Find(Channel)!.Waiting == 1, "It waits");
        await fixture.PublishAsync(Channel, new string('x', 2_000));
        await Eventually.TrueAsync(() => fixture.Hub.Find(Channel)!.Waiting == 0, "It waits for its client");
        Assert.Equal(0, fixture.Hub.EndUser(User));
        Assert.False(stream.Running.IsCompleted);
        Assert.Equal([new string('x', 2_000), "BYE kicked"], await stream.ToldAsync());
    }

    /// <summary>It is in the list before it looks whether it was kicked, so that a kick behind that look finds it there.</summary>
    [Fact]
    public async Task Stream_that_is_kicked_between_its_last_look_and_its_wait_ends()
    {
        using var fixture = new HubFixture();
        var found = new List<int>();
        using var subscriber = await fixture.SubscribeAsync(Channel, sname: User);
        await subscriber.BeginAsync();
        var pipe = new Pipe();
        var loop = new HookedLoop(pipe.Writer, subscriber, new NoRequest(), () => found.Add(fixture.Hub.EndUser(User)));
        await loop.RunAsync().WaitAsync(Patience.Limit);
        Assert.Equal([1], found);
        Assert.Equal(WakeReason.Kicked, loop.Finished);
    }

    [Fact]
    public async Task Poll_that_finds_nothing_in_the_store_is_answered_instead_of_waiting()
    {
        var (store, cursor) = await BehindAsync();
        using var fixture = new HubFixture(store: store);
        store.Holds = true;
        using var subscriber = await fixture.SubscribeAsync(Channel, cursor, User);
        var request = new PollRequest();
        var running = PollLoop.RunAsync(request, subscriber);
        await store.Reading.WaitAsync(Patience.Limit);
        Assert.Equal(0, fixture.Hub.EndUser(User));
        store.Release();
        await running.WaitAsync(Patience.Limit);
        Assert.Equal((WakeReason.Kicked, 0), request.Answer);
    }

    /// <summary>Makes a log of whose message a node has not heard, so that it looks into the store for a cursor behind that, and finds nothing more.</summary>
    private static async Task<(HeldStore Store, Cursor Cursor)> BehindAsync()
    {
        var store = new HeldStore { IsDeaf = true };
        using var other = new HubFixture(store: store);
        return (store, new Cursor((await other.PublishAsync(Channel, "0")).Epoch, 1));
    }

    /// <summary>A stream of JSON lines into a pipe.</summary>
    private sealed class Stream : IDisposable
    {
        private readonly Pipe _pipe;
        private readonly Subscriber _subscriber;

        private Stream(Pipe pipe, Subscriber subscriber) => (_pipe, _subscriber) = (pipe, subscriber);

        public Task Running { get; private set; } = Task.CompletedTask;

        public static async Task<Stream> OpenAsync(HubFixture fixture, Cursor cursor, int pauseAt = 0)
        {
            var subscriber = await fixture.SubscribeAsync(Channel, cursor, User);
            await subscriber.BeginAsync();
            var stream = new Stream(new Pipe(new PipeOptions(pauseWriterThreshold: pauseAt, resumeWriterThreshold: pauseAt / 2)), subscriber);
            stream.Running = new NdJson(stream._pipe.Writer, null, subscriber, new NoRequest(), NativeEncoder.Forms).RunAsync();
            return stream;
        }

        /// <summary>Takes a line that has been written.</summary>
        public async Task TakeAsync(string expected)
        {
            var read = await _pipe.Reader.ReadAsync();
            Assert.Equal(expected, NameOf(Encoding.UTF8.GetString(read.Buffer).TrimEnd('\n')));
            _pipe.Reader.AdvanceTo(read.Buffer.End);
        }

        /// <summary>Takes all that is written up to the end.</summary>
        public async Task<IReadOnlyList<string>> ToldAsync()
        {
            var text = new StringBuilder();
            var ended = Running.ContinueWith(_ => _pipe.Writer.Complete(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            using var deadline = new CancellationTokenSource(Patience.Limit);
            for (; ; )
            {
                var read = await _pipe.Reader.ReadAsync(deadline.Token);
                text.Append(Encoding.UTF8.GetString(read.Buffer));
                _pipe.Reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted) break;
            }

            await ended;
            await Running;
            return [.. text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(NameOf)];
        }

        public void Dispose() => _subscriber.Dispose();

        private static string NameOf(string line)
        {
            var json = JsonDocument.Parse(line).RootElement;
            return json.GetProperty("type").GetString() switch
            {
                "MSG" => json.GetProperty("msg").GetString()!,
                "BYE" => $"BYE {json.GetProperty("reason").GetString()}",
                var type => type!,
            };
        }
    }

    /// <summary>A stream that calls something once it has looked whether it must end, and before it waits.</summary>
    private sealed class HookedLoop(PipeWriter output, Subscriber subscriber, IStreamRequest request, Action onTurn) : StreamLoop(output, null, subscriber, request)
    {
        public WakeReason? Finished { get; private set; }

        protected override void Begin()
        {
        }

        protected override void Write(int channelIndex, Notice notice, bool isLast)
        {
        }

        protected override void Write(int channelIndex, Batch batch, bool isLast)
        {
        }

        protected override ReadOnlyMemory<byte> ForSocket(Batch batch) => default;

        protected override bool TryHeartbeat() => true;

        protected override bool WriteReplies()
        {
            onTurn();
            return false;
        }

        protected override void Finish(WakeReason reason, TimeSpan retry) => Finished = reason;
    }

    private sealed class NoRequest : IStreamRequest
    {
        public void Abort() => Assert.Fail("It is cut off.");

        public ValueTask EndAsync(Exception? failure) => failure is null ? ValueTask.CompletedTask : ValueTask.FromException(failure);
    }

    private sealed class PollRequest : IPollRequest
    {
        public (WakeReason Wake, int Readings)? Answer { get; private set; }

        public TimeSpan Wait => TimeSpan.FromSeconds(28);

        public bool Tells(IReadOnlyList<Reading> readings) => true;

        public void Park()
        {
        }

        public ValueTask AnswerAsync(IReadOnlyList<Reading> readings, WakeReason wake)
        {
            Answer = (wake, readings.Count);
            return ValueTask.CompletedTask;
        }

        public ValueTask EndAsync(Exception? failure) => failure is null ? ValueTask.CompletedTask : ValueTask.FromException(failure);
    }

    /// <summary>A store whose reads are held until they are released, and whose listeners may be left without the notices of appends.</summary>
    private sealed class HeldStore : IMessageStore
    {
        private readonly MemoryStore _inner = HubFixture.NewStore(new HubOptions(), TimeProvider.System);
        private readonly TaskCompletionSource _reading = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Whether listeners are told that the log is empty, and of no append.</summary>
        public bool IsDeaf { get; init; }

        public bool Holds { get; set; }

        /// <summary>Completes when a read is held.</summary>
        public Task Reading => _reading.Task;

        public void Release() => _released.TrySetResult();

        public ValueTask<IReadOnlyList<Receipt>> AppendAsync(IReadOnlyList<NewMessage> messages, CancellationToken cancellation = default) => _inner.AppendAsync(messages, cancellation);

        public async ValueTask<LogSlice> ReadAsync(string channel, long from, long maxBytes, CancellationToken cancellation = default)
        {
            if (Holds)
            {
                _reading.TrySetResult();
                await _released.Task.WaitAsync(cancellation);
            }

            return await _inner.ReadAsync(channel, from, maxBytes, cancellation);
        }

        public async ValueTask FollowAsync(string channel, ILogListener listener, CancellationToken cancellation = default)
        {
            if (!IsDeaf)
            {
                await _inner.FollowAsync(channel, listener, cancellation);
                return;
            }

            var head = (await _inner.ReadAsync(channel, 0, 1, cancellation)).Head;
            listener.Opened(head with { First = 0, End = 0 });
        }

        public void Unfollow(string channel, ILogListener listener) => _inner.Unfollow(channel, listener);

        public ValueTask SweepAsync(CancellationToken cancellation = default) => _inner.SweepAsync(cancellation);

        public ValueTask CheckAsync(CancellationToken cancellation = default) => _inner.CheckAsync(cancellation);
    }
}
