using System.Text;
using CComet.Client.Tests.Support;

namespace CComet.Client.Tests;

/// <summary>What a subscription gives, message by message.</summary>
public sealed class SubscriptionTests : IAsyncDisposable
{
    private readonly Fixture _fixture = new();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Message_has_what_the_server_told()
    {
        await using var loop = Subscribe(CCometCursor.Start);
        var stream = await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), Sent.Message("a", 0, "hello"), """{"type":"SIGN","channel":"a","msg":{"n":[1,null]},"seqid":1,"time":1790000000001}""");
        Assert.Equal("/stream?channel=a&seqid=0", stream.Request.PathAndQuery);
        var message = await loop.NextAsync();
        Assert.Equal(("MSG", "a", "ann", "hello", 0L, "e:1"), (message.Type, message.Channel, message.Sname, message.Text, message.Seqid, message.Cursor.ToString()));
        Assert.Equal(DateTimeOffset.FromUnixTimeMilliseconds(1790000000000), message.Time);
        message = await loop.NextAsync();
        Assert.Equal(("SIGN", null, """{"n":[1,null]}""", 1L), (message.Type, message.Sname, message.Text, message.Seqid));
    }

    [Fact]
    public async Task Names_are_escaped_and_a_cursor_is_sent_as_its_parts()
    {
        await using var loop = new MessageLoop(_fixture.Client.SubscribeAsync("a&b 😀", new SubscribeOptions { From = new CCometCursor("e:+", 7) }));
        var moving = loop.MoveAsync();
        Assert.Equal("/stream?channel=a%26b%20%F0%9F%98%80&seqid=7&epoch=e%3A%2B", (await _fixture.Server.StreamAsync()).Request.PathAndQuery);
        await _fixture.Client.DisposeAsync();
        Assert.False(await moving.InTime());
    }

    [Fact]
    public async Task Subscription_from_now_knows_its_cursor_before_its_first_message_and_continues_from_it()
    {
        await using var subscription = _fixture.Client.Subscribe("a");
        Assert.Null(subscription.Cursor);
        var stream = await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 5));
        Assert.Equal("/stream?channel=a", stream.Request.PathAndQuery);
        Assert.Equal("e:5", (await subscription.Opened.InTime()).ToString());
        Assert.Equal("e:5", subscription.Cursor.ToString());
        stream.Cut();
        await _fixture.Time.PassAsync(Fixture.FirstPause);
        stream = await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 5), Sent.Message("a", 5), Sent.Message("a", 6));
        Assert.Equal("/stream?channel=a&seqid=5&epoch=e", stream.Request.PathAndQuery);
        await using var loop = new MessageLoop(subscription);
        Assert.Equal([5, 6], await loop.SeqidsAsync(2));
        Assert.Equal("e:7", subscription.Cursor.ToString());
    }

    [Fact]
    public async Task Messages_that_come_twice_are_given_once()
    {
        await using var loop = Subscribe(CCometCursor.Start);
        await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), Sent.Message("a", 0), Sent.Message("a", 0), Sent.Message("a", 1), Sent.Message("a", 0), Sent.Message("a", 2));
        Assert.Equal([0, 1, 2], await loop.SeqidsAsync(3));
    }

    [Fact]
    public async Task Gap_ends_the_loop_with_the_cursor_behind_it()
    {
        await using var loop = Subscribe(new CCometCursor("e", 4));
        var stream = await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 4), Sent.Message("a", 4), Sent.Gap("a", "e", 5, 19), Sent.Message("a", 20));
        Assert.Equal(4, (await loop.NextAsync()).Seqid);
        var gap = (await Assert.ThrowsAsync<CCometGapException>(() => loop.MoveAsync().InTime())).Gap;
        Assert.Equal(("a", 5L, 19L, "e:20", false), (gap.Channel, gap.From, gap.To, gap.Cursor.ToString(), gap.IsReset));
        await stream.Closed.InTime();
    }

    [Fact]
    public async Task Gap_is_told_to_its_handler_in_order_and_the_loop_goes_on()
    {
        var told = new List<string>();
        await using var loop = new MessageLoop(_fixture.Client.SubscribeAsync("a", new SubscribeOptions
        {
            From = new CCometCursor("e", 0),
            OnGap = async gap =>
            {
                await Task.Yield();
                told.Add($"gap {gap.From}-{gap.To}{(gap.IsReset ? " reset" : "")} {gap.Cursor}");
            },
        }));
        var reading = Task.Run(async () =>
        {
            for (var i = 0; i < 3; i++) told.Add($"{(await loop.NextAsync()).Cursor}");
        });
        await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), Sent.Message("a", 0), Sent.Gap("a", "e", 1, 3), Sent.Message("a", 4), Sent.Reset("a", "f"), Sent.Message("a", 0));
        await reading.InTime();
        Assert.Equal(["e:1", "gap 1-3 e:4", "e:5", "gap 5- reset f:0", "f:1"], told);
    }

    [Fact]
    public async Task Message_beyond_the_next_is_a_gap_although_the_server_told_none()
    {
        await using var loop = Subscribe(new CCometCursor("e", 4));
        await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 4), Sent.Message("a", 7));
        var gap = (await Assert.ThrowsAsync<CCometGapException>(() => loop.MoveAsync().InTime())).Gap;
        Assert.Equal((4L, 6L, "e:7"), (gap.From, gap.To, gap.Cursor.ToString()));
    }

    [Fact]
    public async Task What_the_server_dropped_before_the_start_is_no_gap()
    {
        await using var loop = Subscribe(CCometCursor.Start);
        await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), Sent.Gap("a", "e", 0, 9), Sent.Message("a", 10), Sent.Gap("a", "e", 11, 12));
        Assert.Equal(10, (await loop.NextAsync()).Seqid);
        var gap = (await Assert.ThrowsAsync<CCometGapException>(() => loop.MoveAsync().InTime())).Gap;
        Assert.Equal((11L, 12L), (gap.From, gap.To));
    }

    [Fact]
    public async Task Reset_ends_the_loop_with_the_cursor_of_the_new_log()
    {
        await using var loop = Subscribe(new CCometCursor("e", 9));
        await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 9), Sent.Reset("a", "f"), Sent.Message("a", 0));
        var gap = (await Assert.ThrowsAsync<CCometGapException>(() => loop.MoveAsync().InTime())).Gap;
        Assert.Equal((9L, null, true, "f:0"), (gap.From, gap.To, gap.IsReset, gap.Cursor.ToString()));
    }

    [Fact]
    public async Task Notice_of_another_epoch_without_a_reset_is_a_reset()
    {
        await using var loop = Subscribe(CCometCursor.Start);
        await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), Sent.Message("a", 0), Sent.Cursor("a", "f", 0), Sent.Message("a", 0));
        Assert.Equal("e:1", (await loop.NextAsync()).Cursor.ToString());
        var gap = (await Assert.ThrowsAsync<CCometGapException>(() => loop.MoveAsync().InTime())).Gap;
        Assert.Equal((true, "f:0"), (gap.IsReset, gap.Cursor.ToString()));
    }

    [Fact]
    public async Task Refusal_for_a_seqid_beyond_the_end_is_a_reset()
    {
        await using var loop = Subscribe(new CCometCursor("e", 9));
        var moving = loop.MoveAsync();
        (await _fixture.Server.NextAsync()).Refuse(409, "402");
        await _fixture.Time.PassAsync(Fixture.FirstPause);
        var stream = await _fixture.Server.StreamAsync(Sent.Cursor("a", "f", 0), Sent.Message("a", 0));
        Assert.Equal("/stream?channel=a&seqid=0", stream.Request.PathAndQuery);
        Assert.Equal((true, "f:0"), ((await Assert.ThrowsAsync<CCometGapException>(() => moving.InTime())).Gap is var gap ? gap.IsReset : false, gap.Cursor.ToString()));
    }

    [Fact]
    public async Task Closed_channel_ends_the_loop()
    {
        await using var loop = Subscribe(CCometCursor.Start);
        await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), Sent.Message("a", 0), """{"type":"CLOSE","channel":"a"}""");
        await loop.NextAsync();
        await loop.EndAsync();
    }

    [Fact]
    public async Task Bytes_may_come_in_any_pieces()
    {
        await using var loop = Subscribe(CCometCursor.Start);
        var stream = await _fixture.Server.StreamAsync();
        var text = "\uFEFF" + Sent.Cursor("a", "e", 0) + "\r\n\r\n" + Sent.Message("a", 0, "ä€😀") + "\n" + Sent.Message("a", 1) + "\r\n" + Sent.Message("a", 2) + "\n";
        foreach (var b in Encoding.UTF8.GetBytes(text)) await stream.BytesAsync(new[] { b });
        Assert.Equal("ä€😀", (await loop.NextAsync()).Text);
        Assert.Equal([1, 2], await loop.SeqidsAsync(2));
    }

    [Fact]
    public async Task Message_of_8_MiB_is_taken()
    {
        await using var loop = Subscribe(CCometCursor.Start);
        var moving = loop.NextAsync();
        var stream = await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0));
        await stream.MessageAsync("a", 0, new string('x', 8 * 1024 * 1024));
        Assert.Equal(8 * 1024 * 1024, (await moving).Text.Length);
    }

    [Fact]
    public async Task Message_over_the_limit_ends_the_loop_and_names_the_limit()
    {
        await using var fixture = new Fixture(options => options.MaxMessageBytes = 1024);
        await using var loop = new MessageLoop(fixture.Client.SubscribeAsync("a"));
        var moving = loop.MoveAsync();
        var stream = await fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0));
        var sending = stream.MessageAsync("a", 0, new string('x', 100_000));
        var error = await Assert.ThrowsAsync<CCometException>(() => moving.InTime());
        Assert.Contains("MaxMessageBytes", error.Detail, StringComparison.Ordinal);
        await stream.Closed.InTime();
    }

    [Fact]
    public async Task Cancellation_ends_the_loop_and_the_connection()
    {
        using var cancel = new CancellationTokenSource();
        await using var loop = new MessageLoop(_fixture.Client.SubscribeAsync("a", null, cancel.Token));
        var moving = loop.MoveAsync();
        var stream = await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), Sent.Message("a", 0));
        await moving.InTime();
        moving = loop.MoveAsync();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => moving.InTime());
        await stream.Closed.InTime();
        Assert.Equal(0, _fixture.Client.ConnectionCount);
    }

    [Fact]
    public async Task Leaving_the_loop_closes_the_connection()
    {
        var looping = Task.Run(async () =>
        {
            await foreach (var message in _fixture.Client.SubscribeAsync("a", new SubscribeOptions { From = CCometCursor.Start })) return message.Seqid;
            return -1;
        });
        var stream = await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), Sent.Message("a", 0));
        Assert.Equal(0, await looping.InTime());
        await stream.Closed.InTime();
        Assert.Equal((0, 0), (_fixture.Client.ConnectionCount, _fixture.Time.Living));
    }

    [Fact]
    public async Task Disposed_client_ends_every_loop_and_leaves_no_timer()
    {
        await using var loop = Subscribe(CCometCursor.Start);
        var stream = await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), Sent.Message("a", 0));
        await loop.NextAsync();
        var moving = loop.MoveAsync();
        await using var subscription = _fixture.Client.Subscribe("b");
        await _fixture.Client.DisposeAsync().AsTask().InTime();
        Assert.False(await moving.InTime());
        await stream.Closed.InTime();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => subscription.Opened.InTime());
        Assert.Equal((0, 0), (_fixture.Client.ConnectionCount, _fixture.Time.Living));
        Assert.Throws<ObjectDisposedException>(() => _fixture.Client.Subscribe("a"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => _fixture.Client.PublishAsync("a", "b"));
    }

    [Fact]
    public async Task Slow_loop_stops_the_reading_and_loses_nothing()
    {
        await using var fixture = new Fixture(options => options.BufferSize = 4);
        await using var loop = new MessageLoop(fixture.Client.SubscribeAsync("a", new SubscribeOptions { From = CCometCursor.Start }));
        var moving = loop.NextAsync();
        var stream = await fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), Sent.Message("a", 0));
        Assert.Equal(0, (await moving).Seqid);

        // Four wait in the queue, one is on its way into it, and the reader's buffer and the pipe hold 16 KiB each a few times.
        const int Messages = 300;
        const int Held = 24;
        var sent = 0L;
        var sending = Task.Run(async () =>
        {
            for (var i = 1; i <= Messages; i++)
            {
                await stream.MessageAsync("a", i, new string('x', 16 * 1024));
                Volatile.Write(ref sent, i);
            }
        });
        for (var i = 1; i <= Messages; i++)
        {
            Assert.True(Volatile.Read(ref sent) <= i + Held, $"{Volatile.Read(ref sent)} messages were read, of which {i - 1} were taken.");
            Assert.Equal(i, (await loop.NextAsync()).Seqid);
            await Task.Yield();
        }

        await sending.InTime();
    }

    [Fact]
    public void Channel_that_is_no_name_is_named() => Assert.All(["", "a\nb", "\uD800", new string('x', 201)], channel =>
        Assert.StartsWith("channel: ", Assert.Throws<ArgumentException>(() => _fixture.Client.Subscribe(channel)).Message, StringComparison.Ordinal));

    private MessageLoop Subscribe(CCometCursor from) => new(_fixture.Client.Subscribe("a", new SubscribeOptions { From = from }));

}
