using CComet.Access;
using CComet.Channels;
using CComet.Messages;
using CComet.Subscriptions;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Subscriptions;

public sealed class SubscriberTests
{
    [Fact]
    public async Task Subscriber_from_now_on_gets_nothing_of_the_past_and_everything_after()
    {
        using var fixture = new HubFixture();
        await fixture.PublishAsync("c", "past");
        using var subscriber = await fixture.SubscribeAsync("c");
        Assert.Empty(await subscriber.ReadAsync(park: true));
        var wake = subscriber.WakeAsync(TimeSpan.FromSeconds(28));
        await fixture.PublishAsync("c", "first");
        Assert.Equal(WakeReason.Messages, await wake);
        await fixture.PublishAsync("c", "second");
        Assert.Equal(["first", "second"], HubFixture.Texts(await subscriber.ReadAsync(park: true)));
    }

    [Fact]
    public async Task Wait_ends_at_its_time_and_not_before()
    {
        using var fixture = new HubFixture();
        using var subscriber = await fixture.SubscribeAsync("c");
        await subscriber.ReadAsync(park: true);
        var wake = subscriber.WakeAsync(TimeSpan.FromSeconds(28));
        fixture.Time.Advance(TimeSpan.FromSeconds(27.9));
        Assert.Null(subscriber.Woken);
        fixture.Time.Advance(TimeSpan.FromSeconds(0.3));
        Assert.Equal(WakeReason.Timeout, await wake);
        Assert.Equal(0, fixture.Hub.Context.Wheel.Count);
    }

    /// <summary>Signals overtake each other at every point of a wait; what ended it is known whichever came first.</summary>
    [Fact]
    public async Task Wait_never_ends_without_a_reason()
    {
        const int Waits = 20_000, Signallers = 2;
        using var fixture = new HubFixture();
        using var subscriber = await fixture.SubscribeAsync("c");
        using var done = new CancellationTokenSource();
        var signalling = Enumerable.Range(0, Signallers).Select(_ => Task.Run(() =>
        {
            while (!done.IsCancellationRequested) subscriber.Signal(WakeReason.Messages);
        })).ToArray();
        try
        {
            for (var i = 0; i < Waits; i++)
            {
                await subscriber.ReadAsync(park: true);
                Assert.Equal(WakeReason.Messages, await subscriber.WakeAsync(TimeSpan.FromSeconds(28)).WaitAsync(Patience.Limit));
            }
        }
        finally
        {
            await done.CancelAsync();
            await Task.WhenAll(signalling);
        }
    }

#pragma warning disable CA2012, xUnit1031 // A ValueTask is to be awaited once and nothing else: these look at what happens around that.

    /// <summary>The moment between a look at the wait and its being awaited, which a race would have to hit.</summary>
    [Fact]
    public async Task Wait_that_ends_while_it_is_about_to_be_awaited_goes_on_all_the_same()
    {
        using var fixture = new HubFixture();
        using var subscriber = await fixture.SubscribeAsync("c");
        await subscriber.ReadAsync(park: true);
        var awaiter = subscriber.WaitAsync(TimeSpan.FromSeconds(28)).GetAwaiter();
        Assert.False(awaiter.IsCompleted);
        await fixture.PublishAsync("c", "a");
        var goesOn = new TaskCompletionSource();
        awaiter.UnsafeOnCompleted(goesOn.SetResult);
        await goesOn.Task;
        awaiter.GetResult();
        Assert.Equal(WakeReason.Messages, subscriber.Woken);
    }

    [Fact]
    public async Task Wait_that_is_awaited_refuses_a_second_awaiter()
    {
        using var fixture = new HubFixture();
        using var subscriber = await fixture.SubscribeAsync("c");
        await subscriber.ReadAsync(park: true);
        var wait = subscriber.WaitAsync(TimeSpan.FromSeconds(28));
        var goesOn = new TaskCompletionSource();
        wait.GetAwaiter().UnsafeOnCompleted(goesOn.SetResult);
        Assert.Throws<InvalidOperationException>(() => wait.GetAwaiter().UnsafeOnCompleted(() => { }));
        Assert.Throws<InvalidOperationException>(() => wait.GetAwaiter().GetResult());

        subscriber.Signal(WakeReason.Messages);
        await goesOn.Task;
        wait.GetAwaiter().GetResult();
        await subscriber.ReadAsync(park: true);
        _ = subscriber.WaitAsync(TimeSpan.FromSeconds(28));
        Assert.Throws<InvalidOperationException>(() => wait.GetAwaiter().IsCompleted);
    }

#pragma warning restore CA2012, xUnit1031

    [Fact]
    public async Task Gap_for_messages_no_longer_kept_is_told_before_those_kept()
    {
        using var fixture = new HubFixture(new HubOptions { History = new HistoryOptions { MaxMessages = 3 } });
        var epoch = (await fixture.PublishAsync("c", "0")).Epoch;
        for (var i = 1; i < 10; i++) await fixture.PublishAsync("c", $"{i}");
        using var subscriber = await fixture.SubscribeAsync("c", new Cursor(epoch, 2));
        Assert.Equal(["GAP 2-6", "7", "8", "9"], HubFixture.Texts(await subscriber.ReadAsync(park: true)));
        Assert.Equal($"{epoch}:10", subscriber.CursorText);
    }

    [Fact]
    public async Task Subscriber_that_lags_while_the_ring_moves_on_is_told_the_gap_too()
    {
        using var fixture = new HubFixture(new HubOptions { History = new HistoryOptions { MaxMessages = 3 } });
        using var subscriber = await fixture.SubscribeAsync("c");
        await subscriber.ReadAsync(park: true);
        for (var i = 0; i < 10; i++) await fixture.PublishAsync("c", $"{i}");
        Assert.Equal(["GAP 0-6", "7", "8", "9"], HubFixture.Texts(await subscriber.ReadAsync(park: true)));
    }

    [Fact]
    public async Task Messages_past_their_age_are_told_as_a_gap_even_when_nothing_newer_is_there()
    {
        using var fixture = new HubFixture(new HubOptions { History = new HistoryOptions { MaxAge = TimeSpan.FromMinutes(1) } });
        var epoch = (await fixture.PublishAsync("c", "old")).Epoch;
        fixture.Time.Advance(TimeSpan.FromMinutes(2));
        using var subscriber = await fixture.SubscribeAsync("c", new Cursor(epoch, 0));
        Assert.Equal(["GAP 0-0"], HubFixture.Texts(await subscriber.ReadAsync(park: true)));
        await fixture.PublishAsync("c", "new");
        Assert.Equal(["new"], HubFixture.Texts(await subscriber.ReadAsync(park: true)));
    }

    [Fact]
    public async Task Newest_message_is_kept_however_large()
    {
        using var fixture = new HubFixture(new HubOptions { History = new HistoryOptions { MaxBytes = 10 } });
        using var subscriber = await fixture.SubscribeAsync("c");
        await subscriber.ReadAsync(park: true);
        await fixture.PublishAsync("c", new string('x', 1000));
        Assert.Equal([new string('x', 1000)], HubFixture.Texts(await subscriber.ReadAsync(park: true)));
    }

    [Fact]
    public async Task Foreign_epoch_is_told_as_a_reset_before_everything_kept()
    {
        using var fixture = new HubFixture();
        await fixture.PublishAsync("c", "a");
        using var subscriber = await fixture.SubscribeAsync("c", new Cursor("other", 57));
        Assert.Equal(["RESET", "a"], HubFixture.Texts(await subscriber.ReadAsync(park: true)));
    }

    [Fact]
    public async Task Cursor_beyond_the_end_is_an_error_without_an_epoch_and_a_reset_with_it()
    {
        using var fixture = new HubFixture();
        var epoch = (await fixture.PublishAsync("c", "a")).Epoch;
        using var without = await fixture.SubscribeAsync("c", new Cursor(null, 2));
        await Assert.ThrowsAsync<SeqidBeyondEndException>(async () => await without.ReadAsync(park: true));
        using var with = await fixture.SubscribeAsync("c", new Cursor(epoch, 2));
        Assert.Equal(["RESET", "a"], HubFixture.Texts(await with.ReadAsync(park: true)));
    }

    [Fact]
    public async Task Newest_subscriber_of_a_name_waits_and_the_older_is_ended_for_good()
    {
        using var fixture = new HubFixture();
        using var old = await fixture.SubscribeAsync("c", sname: "alice");
        await old.ReadAsync(park: true);
        using var other = await fixture.SubscribeAsync("c", sname: "bob");
        await other.ReadAsync(park: true);
        using var newest = await fixture.SubscribeAsync("c", sname: "alice");
        await newest.ReadAsync(park: true);
        Assert.Equal(WakeReason.Replaced, await old.WakeAsync(TimeSpan.FromSeconds(1)));
        await old.ReadAsync(park: true);
        Assert.Equal(WakeReason.Replaced, await old.WakeAsync(TimeSpan.FromSeconds(1)));
        old.Dispose();

        var waits = (newest.WakeAsync(TimeSpan.FromSeconds(1)), other.WakeAsync(TimeSpan.FromSeconds(1)));
        await fixture.PublishAsync("c", "x");
        Assert.Equal(WakeReason.Messages, await waits.Item1);
        Assert.Equal(WakeReason.Messages, await waits.Item2);
    }

    [Fact]
    public async Task Several_channels_are_one_wait_and_one_cursor()
    {
        using var fixture = new HubFixture();
        var a = await fixture.PublishAsync("a", "a0");
        using var subscriber = await fixture.Operations.SubscribeAsync(CallerContext.Local, [new ChannelStart("a", new Cursor(a.Epoch, 0)), new ChannelStart("b, =ü", Cursor.None)], null);
        Assert.Equal(["a0"], HubFixture.Texts(await subscriber.ReadAsync(park: true)));
        Assert.Empty(await subscriber.ReadAsync(park: true));
        var wake = subscriber.WakeAsync(TimeSpan.FromSeconds(1));
        var b = await fixture.PublishAsync("b, =ü", "b0");
        Assert.Equal(WakeReason.Messages, await wake);
        Assert.Equal(["b0"], HubFixture.Texts(await subscriber.ReadAsync(park: true)));
        Assert.Equal($"{a.Epoch}:1,{b.Epoch}:1", subscriber.CursorText);
        Assert.Equal([new Cursor(a.Epoch, 1), new Cursor(b.Epoch, 1)], Cursor.TryParseCombined(subscriber.CursorText, ["a", "b, =ü"])!);
    }

    [Fact]
    public async Task Disposed_subscriber_leaves_nothing_behind()
    {
        using var fixture = new HubFixture();
        for (var round = 0; round < 3; round++)
        {
            var subscribers = new List<Subscriber>();
            for (var i = 0; i < 100; i++)
            {
                subscribers.Add(await fixture.SubscribeAsync("c", sname: $"s{i}"));
                await subscribers[^1].ReadAsync(park: true);
            }

            Assert.Equal(100, fixture.Hub.Find("c")!.Waiting);

            // From both ends and the middle, as connections drop.
            foreach (var subscriber in subscribers.OrderBy(s => s.Sname![^1])) subscriber.Dispose();
            Assert.Equal((0, 0, 0), (fixture.Hub.Find("c")!.Waiting, fixture.Hub.Find("c")!.Subscribers, fixture.Hub.SubscriberCount));
        }
    }

    [Fact]
    public async Task Draining_ends_every_wait_and_takes_no_new_subscriber()
    {
        using var fixture = new HubFixture();
        using var waiting = await fixture.SubscribeAsync("c");
        await waiting.ReadAsync(park: true);
        using var late = await fixture.SubscribeAsync("c");
        fixture.Hub.Drain();
        Assert.Equal(WakeReason.Draining, await waiting.WakeAsync(TimeSpan.FromSeconds(1)));
        await late.ReadAsync(park: true);
        Assert.Equal(WakeReason.Draining, await late.WakeAsync(TimeSpan.FromSeconds(1)));
        await Assert.ThrowsAsync<DrainingException>(async () => await fixture.SubscribeAsync("c"));
    }

    [Fact]
    public async Task Unused_channel_is_swept_and_one_in_use_is_not()
    {
        using var fixture = new HubFixture();
        using var used = await fixture.SubscribeAsync("used");
        (await fixture.SubscribeAsync("left")).Dispose();
        fixture.Time.Advance(fixture.Options.Limits.IdleChannel + TimeSpan.FromSeconds(1));
        await fixture.Hub.SweepAsync();
        Assert.Null(fixture.Hub.Find("left"));
        Assert.NotNull(fixture.Hub.Find("used"));
        Assert.Equal(1, fixture.Hub.ChannelCount);
    }
}
