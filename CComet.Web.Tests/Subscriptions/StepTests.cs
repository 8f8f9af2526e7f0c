using CComet.Access;
using CComet.Limits;
using CComet.Messages;
using CComet.Storage;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Subscriptions;

/// <summary>One read of several channels: a bounded step of all of them together, from which none is left out for ever.</summary>
public sealed class StepTests
{
    private static readonly string[] Three = ["a", "b", "c"];

    private const int Most = 64;

    private static readonly HubOptions Options = new() { History = new HistoryOptions { MaxMessages = 1_000_000, MaxBytes = 1 << 28 }, Limits = new LimitOptions { ChannelMemoryBytes = 1 << 28 } };

    [Fact]
    public async Task Read_of_sixty_four_channels_is_bounded_by_all_of_them_together_and_leaves_nothing_out()
    {
        using var fixture = new HubFixture(Options);
        for (var i = 0; i < 20; i++)
        {
            for (var c = 0; c < Most; c++) await fixture.PublishAsync($"c{c}", $"{i} {new string('x', 1_000)}");
        }

        using var subscriber = await fixture.Operations.SubscribeAsync(CallerContext.Local, [.. Enumerable.Range(0, Most).Select(c => new ChannelStart($"c{c}", new Cursor(null, 0)))], null);
        var seen = new int[Most];
        while (await subscriber.ReadAsync(park: true, ReadSizes.MaxStepBytes) is { Count: > 0 } readings)
        {
            Assert.InRange(readings.Sum(reading => reading.Bytes), 1, ReadSizes.MaxStepBytes);
            Assert.Equal(readings.Select(reading => reading.ChannelIndex).Order(), readings.Select(reading => reading.ChannelIndex));
            foreach (var (position, _, batch) in readings)
            {
                foreach (var message in batch.Messages) Assert.Equal(seen[position]++, message.Seqid);
            }
        }

        // What found nothing is parked everywhere.
        Assert.All(seen, count => Assert.Equal(20, count));
        for (var c = 0; c < Most; c++) Assert.Equal(1, fixture.Hub.Find($"c{c}")!.Waiting);
    }

    [Fact]
    public async Task Channel_that_always_fills_a_step_does_not_keep_another_waiting()
    {
        using var fixture = new HubFixture(Options);
        using var subscriber = await fixture.Operations.SubscribeAsync(CallerContext.Local, [new ChannelStart("busy", Cursor.None), new ChannelStart("quiet", Cursor.None)], null);
        await subscriber.BeginAsync();
        await fixture.PublishAsync("quiet", "at last");
        for (var reads = 1; ; reads++)
        {
            await fixture.PublishAsync("busy", new string('x', (int)ReadSizes.MaxStepBytes));
            var readings = await subscriber.ReadAsync(park: true, ReadSizes.MaxStepBytes);
            if (readings.Any(reading => reading.ChannelIndex == 1)) break;
            Assert.InRange(reads, 1, 2);
        }
    }

    [Fact]
    public async Task Polls_that_are_each_filled_by_one_channel_bring_the_other_sooner_or_later()
    {
        using var fixture = new HubFixture(Options);
        var (busy, quiet) = (await fixture.PublishAsync("busy", "begin"), await fixture.PublishAsync("quiet", "at last"));
        for (var next = 0L; ;)
        {
            await fixture.PublishAsync("busy", new string('x', 1_000));
            using var poll = await fixture.Operations.SubscribeAsync(CallerContext.Local, [new ChannelStart("busy", new Cursor(busy.Epoch, next)), new ChannelStart("quiet", new Cursor(quiet.Epoch, 0))], null);
            var readings = await poll.ReadAsync(park: true, maxBytes: 500);
            if (readings.Any(reading => reading.ChannelIndex == 1)) break;
            next = poll.Cursors.First().Cursor.Seqid!.Value;
            Assert.InRange(next, 0, 200);
        }
    }

    [Fact]
    public async Task Store_that_fails_for_one_channel_takes_nothing_of_what_was_read_of_another()
    {
        var store = new FailingStore(HubFixture.NewStore(Options, TimeProvider.System));
        using var fixture = new HubFixture(Options, store);
        for (var i = 0; i < 3; i++)
        {
            foreach (var channel in Three) await fixture.PublishAsync(channel, $"{channel}{i}");
        }

        using var subscriber = await fixture.Operations.SubscribeAsync(CallerContext.Local, [.. Three.Select(channel => new ChannelStart(channel, new Cursor(null, 0)))], null);
        store.Fails = "b";
        var told = new List<string>();
        while (told.Count < 6) told.AddRange(HubFixture.Texts(await subscriber.ReadAsync(park: true)));
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await subscriber.ReadAsync(park: true));
        store.Fails = null;
        told.AddRange(HubFixture.Texts(await subscriber.ReadAsync(park: true)));
        Assert.Equal(["a0", "a1", "a2", "c0", "c1", "c2", "b0", "b1", "b2"], told);
    }

    [Theory]
    [InlineData("e:1,,f:0", "e 1|- -|f 0")]
    [InlineData("e%2C%3D%3A:7,x:0,y:9223372036854775807", "e,=: 7|x 0|y 9223372036854775807")]
    [InlineData("b%2C=e:1,a=f:2", "f 2|e 1|- -")]
    [InlineData("e:1,f:2", null)]
    [InlineData("e:1,f:2,g:3,h:4", null)]
    [InlineData("e:1,f,g:3", null)]
    [InlineData("e:1,f:-2,g:3", null)]
    [InlineData("a=e:1,a=e:1", null)]
    public void Cursor_of_several_channels_is_read_in_their_order_or_by_their_names(string text, string? expected)
    {
        var cursors = Cursor.TryParseCombined(text, ["a", "b,", "c"]);
        Assert.Equal(expected, cursors is null ? null : string.Join('|', cursors.Select(c => $"{c.Epoch ?? "-"} {c.Seqid?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "-"}")));
    }

    [Fact]
    public void Cursor_of_several_channels_that_was_written_is_read_as_it_was()
    {
        Cursor[] cursors = [new("abc", 0), new("☄,=:%", long.MaxValue), new("x", 12)];
        var text = Cursor.Combine(cursors);
        Assert.True(text.All(char.IsAscii), text);
        Assert.Equal(cursors, Cursor.TryParseCombined(text, ["a", "b", "c"])!);
    }

    /// <summary>A store that cannot read one channel.</summary>
    private sealed class FailingStore(IMessageStore inner) : IMessageStore
    {
        public string? Fails { get; set; }

        public ValueTask<IReadOnlyList<Receipt>> AppendAsync(IReadOnlyList<NewMessage> messages, CancellationToken cancellation = default) => inner.AppendAsync(messages, cancellation);

        public ValueTask<LogSlice> ReadAsync(string channel, long from, long maxBytes, CancellationToken cancellation = default) =>
            channel == Fails ? ValueTask.FromException<LogSlice>(new StoreUnavailableException("It cannot be read.")) : inner.ReadAsync(channel, from, maxBytes, cancellation);

        public ValueTask FollowAsync(string channel, ILogListener listener, CancellationToken cancellation = default) => inner.FollowAsync(channel, listener, cancellation);

        public void Unfollow(string channel, ILogListener listener) => inner.Unfollow(channel, listener);

        public ValueTask SweepAsync(CancellationToken cancellation = default) => inner.SweepAsync(cancellation);

        public ValueTask CheckAsync(CancellationToken cancellation = default) => inner.CheckAsync(cancellation);
    }
}
