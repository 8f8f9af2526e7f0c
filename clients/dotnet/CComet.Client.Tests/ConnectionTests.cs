using CComet.Client.Tests.Support;

namespace CComet.Client.Tests;

/// <summary>How a connection is opened, kept, repeated and shared.</summary>
public sealed class ConnectionTests : IAsyncDisposable
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan FirstByte = TimeSpan.FromSeconds(10);

    private readonly Fixture _fixture = new();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Failures_are_repeated_for_ever_after_growing_pauses_until_a_connection_delivers()
    {
        await using var loop = Subscribe("a");
        double[] pauses = [0.5, 1, 2, 4, 8, 16, 30, 30, 30];
        foreach (var seconds in pauses)
        {
            (await _fixture.Server.NextAsync()).Break();
            await _fixture.Time.PassAsync(TimeSpan.FromSeconds(seconds));
        }

        var stream = await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0));

        // A stream that is cut before it delivered does not begin the pauses anew; one that delivered does.
        stream.Cut();
        await _fixture.Time.PassAsync(TimeSpan.FromSeconds(30));
        stream = await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), Sent.Message("a", 0));
        Assert.Equal(0, (await loop.NextAsync()).Seqid);
        stream.Break();
        await _fixture.Time.PassAsync(Fixture.FirstPause);
        Assert.Equal("/stream?channel=a&seqid=1&epoch=e", (await _fixture.Server.StreamAsync()).Request.PathAndQuery);
        Assert.Equal([.. pauses, 30, 0.5], _fixture.Retries.Select(r => r.Delay.TotalSeconds));
    }

    [Fact]
    public async Task Pauses_are_a_random_share_of_their_bound()
    {
        var shares = new Queue<double>([0.5, 0.25, 0]);
        await using var fixture = new Fixture(options => options.Timings = options.Timings with { Random = shares.Dequeue });
        await using var subscription = fixture.Client.Subscribe("a");
        foreach (var milliseconds in (int[])[250, 250])
        {
            (await fixture.Server.NextAsync()).Break();
            await fixture.Time.PassAsync(TimeSpan.FromMilliseconds(milliseconds));
        }

        // No share of the pause is none: nothing is waited for.
        (await fixture.Server.NextAsync()).Break();
        await fixture.Server.NextAsync();
    }

    [Theory]
    [InlineData(408)]
    [InlineData(425)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    public async Task Passing_status_is_repeated_and_Retry_After_is_obeyed(int status)
    {
        await using var subscription = _fixture.Client.Subscribe("a");
        (await _fixture.Server.NextAsync()).Refuse(status, null, "full", ("Retry-After", "7"));
        await _fixture.Time.PassAsync(TimeSpan.FromSeconds(7.5));
        await _fixture.Server.NextAsync();
        Assert.Equal((status, "full"), (_fixture.Retries.Single().Exception.Status, _fixture.Retries.Single().Exception.Detail));
    }

    [Fact]
    public async Task Retry_After_as_a_date_is_obeyed_up_to_5_minutes()
    {
        await using var subscription = _fixture.Client.Subscribe("a");
        (await _fixture.Server.NextAsync()).Refuse(503, null, "no", ("Retry-After", (_fixture.Time.GetUtcNow() + TimeSpan.FromSeconds(20)).ToString("R")));
        await _fixture.Time.PassAsync(TimeSpan.FromSeconds(20.5));
        (await _fixture.Server.NextAsync()).Refuse(503, null, "no", ("Retry-After", (_fixture.Time.GetUtcNow() + TimeSpan.FromDays(20)).ToString("R")));
        await _fixture.Time.PassAsync(TimeSpan.FromSeconds(300.5));
        await _fixture.Server.NextAsync();
    }

    [Theory]
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(403)]
    [InlineData(404)]
    [InlineData(405)]
    [InlineData(413)]
    [InlineData(415)]
    [InlineData(431)]
    public async Task Final_status_ends_the_loop_with_the_servers_reason(int status)
    {
        await using var loop = Subscribe("a");
        var moving = loop.MoveAsync();
        (await _fixture.Server.NextAsync()).Refuse(status, null, "channel: no.");
        var error = await Assert.ThrowsAsync<CCometException>(() => moving.InTime());
        Assert.Equal((status, $"{status}", "channel: no.", "channel", "Title"), (error.Status, error.Code, error.Detail, error.Parameter, error.Title));
        Assert.Equal(0, _fixture.Client.ConnectionCount);
        Assert.False(_fixture.Server.HasMore);
    }

    [Fact]
    public async Task Final_status_of_a_proxy_ends_the_loop_and_says_that_the_answer_is_none_of_the_server()
    {
        await using var subscription = _fixture.Client.Subscribe("a");
        (await _fixture.Server.NextAsync()).Respond(404, "<html>");
        var error = await Assert.ThrowsAsync<CCometException>(() => subscription.Opened.InTime());
        Assert.Equal((404, "The answer is none of CComet (HTTP 404)."), (error.Status, error.Detail));
    }

    [Fact]
    public async Task What_is_no_answer_of_the_server_is_repeated()
    {
        await using var loop = Subscribe("a");
        await _fixture.Server.StreamAsync("<html>");
        await _fixture.Time.PassAsync(Fixture.FirstPause);
        await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), Sent.Message("a", 0));
        Assert.Equal([0], await loop.SeqidsAsync(1));
    }

    [Fact]
    public async Task Replaced_subscription_ends()
    {
        await using var loop = Subscribe("a");
        await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), Sent.Message("a", 0), """{"type":"409","reason":"replaced","channel":"a","sname":"x","seqid":0}""");
        await loop.NextAsync();
        var error = await Assert.ThrowsAsync<CCometException>(() => loop.MoveAsync().InTime());
        Assert.True(error.IsReplaced);
    }

    [Fact]
    public async Task Right_that_is_revoked_while_the_stream_is_open_ends_the_loop()
    {
        await using var loop = Subscribe("a");
        await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), """{"type":"403","reason":"channel: the right was revoked."}""");
        Assert.Equal((403, "channel: the right was revoked."), (await Assert.ThrowsAsync<CCometException>(() => loop.MoveAsync().InTime()) is var error ? error.Status : 0, error.Detail));
    }

    [Fact]
    public async Task Bye_is_obeyed()
    {
        await using var loop = Subscribe("a");
        var stream = await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), Sent.Message("a", 0), """{"type":"BYE","retry":1234}""");
        await loop.NextAsync();
        await stream.Closed.InTime();
        await _fixture.Time.PassAsync(TimeSpan.FromMilliseconds(1234));
        await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 1), Sent.Message("a", 1));
        Assert.Equal([1], await loop.SeqidsAsync(1));
        Assert.Empty(_fixture.Retries);
    }

    [Fact]
    public async Task Silent_stream_is_taken_as_dead_and_opened_again_from_the_cursor()
    {
        await using var loop = Subscribe("a");
        var stream = await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), Sent.Message("a", 0));
        await loop.NextAsync();
        await _fixture.Time.ArmedAsync(Silence);
        _fixture.Time.Advance(Silence - TimeSpan.FromMilliseconds(1));
        await stream.LineAsync(Sent.Cursor("a", "e", 1));
        await _fixture.Time.ArmedAsync(Silence);
        _fixture.Time.Advance(Silence - TimeSpan.FromMilliseconds(1));
        Assert.False(stream.Closed.IsCompleted);
        _fixture.Time.Advance(TimeSpan.FromMilliseconds(1));
        await stream.Closed.InTime();
        await _fixture.Time.PassAsync(Fixture.FirstPause);
        Assert.Equal("/stream?channel=a&seqid=1&epoch=e", (await _fixture.Server.StreamAsync()).Request.PathAndQuery);
    }

    [Fact]
    public async Task Stream_without_a_first_byte_gives_way_to_polls_and_is_tried_again_after_5_minutes()
    {
        await using var loop = Subscribe("a");
        var stream = await _fixture.Server.StreamAsync();
        await _fixture.Time.PassAsync(FirstByte);
        await stream.Closed.InTime();

        var poll = await _fixture.Server.NextAsync();
        Assert.Equal("/sub?channel=a&seqid=0&wait=0", poll.PathAndQuery);
        poll.Respond(200, $"[{Sent.Message("a", 0)},{Sent.Message("a", 1)}]", ("CComet-Cursor", "e:2"));
        Assert.Equal([0, 1], await loop.SeqidsAsync(2));
        poll = await _fixture.Server.NextAsync();
        Assert.Equal("/sub?channel=a&seqid=2&epoch=e&wait=28", poll.PathAndQuery);

        // The stream does not come through: the poll goes on meanwhile.
        _fixture.Time.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromSeconds(1));
        poll.Respond(200, $"[{Sent.Message("a", 2)}]", ("CComet-Cursor", "e:3"));
        Assert.Equal([2], await loop.SeqidsAsync(1));
        for (var i = 0; i < 4; i++)
        {
            poll = await _fixture.Server.NextAsync();
            _fixture.Time.Advance(TimeSpan.FromSeconds(50));
            poll.Respond(200, "[]", ("CComet-Cursor", "e:3"));
        }

        poll = await _fixture.Server.NextAsync();
        _fixture.Time.Advance(TimeSpan.FromSeconds(41));
        stream = await _fixture.Server.StreamAsync();
        poll.Respond(200, $"[{Sent.Message("a", 3)}]", ("CComet-Cursor", "e:4"));
        Assert.Equal([3], await loop.SeqidsAsync(1));
        poll = await _fixture.Server.NextAsync();

        // Now it does: the poll ends.
        await stream.LineAsync(Sent.Cursor("a", "e", 3));
        await poll.Abandoned.InTime();
        await stream.MessageAsync("a", 3);
        await stream.MessageAsync("a", 4);
        Assert.Equal([4], await loop.SeqidsAsync(1));
    }

    [Fact]
    public async Task Polls_know_the_cursor_resets_and_the_pause_that_the_server_asks_for()
    {
        await using var fixture = new Fixture(options => options.IsPolling = true);
        await using var a = fixture.Client.Subscribe("a");
        await using var b = fixture.Client.Subscribe("b", new SubscribeOptions { From = new CCometCursor("old", 3) });
        var poll = await fixture.Server.NextAsync();
        if (!poll.PathAndQuery.Contains("channel=b", StringComparison.Ordinal))
        {
            poll.Respond(200, "[]", ("CComet-Cursor", "e:5"));
            await (await fixture.Server.NextAsync()).Abandoned.InTime();
            poll = await fixture.Server.NextAsync();
        }

        Assert.StartsWith("/sub?channel=a&channel=b&", poll.PathAndQuery, StringComparison.Ordinal);
        poll.Respond(200, $"[{Sent.Reset("b", "e")},{Sent.Message("b", 0)}]", ("CComet-Cursor", "e:5,e:1"));
        Assert.Equal("e:5", (await a.Opened.InTime()).ToString());
        await using var loop = new MessageLoop(b);
        Assert.True((await Assert.ThrowsAsync<CCometGapException>(() => loop.MoveAsync().InTime())).Gap.IsReset);
    }

    [Fact]
    public async Task Subscriptions_made_close_together_share_one_request()
    {
        await using var fixture = new Fixture(isCoalescing: true);
        await using var a = fixture.Client.Subscribe("a", new SubscribeOptions { From = CCometCursor.Start });
        await using var b = fixture.Client.Subscribe("b");
        await using var c = fixture.Client.Subscribe("c", new SubscribeOptions { From = new CCometCursor("e", 7) });
        await fixture.Time.PassAsync(Fixture.Coalesce);
        var stream = await fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), Sent.Cursor("b", "e", 4), Sent.Cursor("c", "e", 7), Sent.Message("c", 7), Sent.Message("a", 0));
        Assert.Equal("/stream?channel=a&channel=b&channel=c&seqid=0&epoch=&seqid=&epoch=&seqid=7&epoch=e", stream.Request.PathAndQuery);
        Assert.Equal(["e:0", "e:4", "e:7"], (await Task.WhenAll(a.Opened, b.Opened, c.Opened).InTime()).Select(cursor => cursor.ToString()));
        await using var loopA = new MessageLoop(a);
        await using var loopC = new MessageLoop(c);
        Assert.Equal([0], await loopA.SeqidsAsync(1));
        Assert.Equal([7], await loopC.SeqidsAsync(1));
        Assert.Equal(1, fixture.Client.ConnectionCount);
    }

    [Fact]
    public async Task Subscription_that_joins_later_opens_the_stream_again_before_the_old_one_ends()
    {
        await using var a = Subscribe("a");
        var first = await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), Sent.Message("a", 0));
        Assert.Equal([0], await a.SeqidsAsync(1));
        await using var b = Subscribe("b");
        var second = await _fixture.Server.StreamAsync();
        Assert.Equal("/stream?channel=a&channel=b&seqid=1&epoch=e&seqid=0&epoch=", second.Request.PathAndQuery);

        // The old stream is read until the new one is there.
        await first.MessageAsync("a", 1);
        Assert.Equal([1], await a.SeqidsAsync(1));
        Assert.False(first.Closed.IsCompleted);
        foreach (var line in (string[])[Sent.Cursor("a", "e", 1), Sent.Cursor("b", "e", 0), Sent.Message("a", 1), Sent.Message("b", 0), Sent.Message("a", 2)]) await second.LineAsync(line);
        await first.Closed.InTime();
        Assert.Equal([2], await a.SeqidsAsync(1));
        Assert.Equal([0], await b.SeqidsAsync(1));
    }

    [Fact]
    public async Task Reset_that_the_old_stream_told_is_not_told_again_by_the_new_one()
    {
        await using var a = _fixture.Client.Subscribe("a", new SubscribeOptions { From = new CCometCursor("e", 9), OnGap = _ => Task.CompletedTask });
        await using var loop = new MessageLoop(a);
        var first = await _fixture.Server.StreamAsync(Sent.Cursor("a", "e", 9), Sent.Message("a", 9));
        Assert.Equal([9], await loop.SeqidsAsync(1));
        await using var b = _fixture.Client.Subscribe("b");
        var second = await _fixture.Server.StreamAsync();
        await first.LineAsync(Sent.Reset("a", "f"));
        await first.MessageAsync("a", 0);
        Assert.Equal("f:1", (await loop.NextAsync()).Cursor.ToString());
        foreach (var line in (string[])[Sent.Cursor("a", "e", 10), Sent.Cursor("b", "e", 0), Sent.Reset("a", "f"), Sent.Message("a", 0), Sent.Message("a", 1)]) await second.LineAsync(line);
        Assert.Equal("f:2", (await loop.NextAsync()).Cursor.ToString());
    }

    [Fact]
    public async Task More_than_64_channels_and_a_channel_twice_take_another_connection()
    {
        await using var fixture = new Fixture(isCoalescing: true);
        var subscriptions = Enumerable.Range(0, 65).Select(i => fixture.Client.Subscribe($"c{i}")).ToList();
        Assert.Equal(2, fixture.Client.ConnectionCount);
        subscriptions.Add(fixture.Client.Subscribe("c0"));
        Assert.Equal(2, fixture.Client.ConnectionCount);
        subscriptions.Add(fixture.Client.Subscribe("c0"));
        Assert.Equal(3, fixture.Client.ConnectionCount);
        foreach (var subscription in subscriptions) await subscription.DisposeAsync();
        Assert.Equal(0, fixture.Client.ConnectionCount);
    }

    [Fact]
    public async Task Refusal_of_one_channel_ends_that_one_alone()
    {
        await using var fixture = new Fixture(isCoalescing: true);
        await using var a = new MessageLoop(fixture.Client.Subscribe("a", new SubscribeOptions { From = CCometCursor.Start }));
        await using var b = new MessageLoop(fixture.Client.Subscribe("b"));
        await fixture.Time.PassAsync(Fixture.Coalesce);
        (await fixture.Server.NextAsync()).Refuse(403, null, "channel: you have no right to subscribe to 'b'.");
        var probe = await fixture.Server.NextAsync();
        Assert.Equal("/sub?channel=a&seqid=0&wait=0", probe.PathAndQuery);
        probe.Respond(200, "[]");
        probe = await fixture.Server.NextAsync();
        Assert.Equal("/sub?channel=b&wait=0", probe.PathAndQuery);
        probe.Refuse(403, null, "channel: you have no right to subscribe to 'b'.");
        Assert.Equal(403, (await Assert.ThrowsAsync<CCometException>(() => b.MoveAsync().InTime())).Status);
        await fixture.Time.PassAsync(Fixture.Coalesce);
        var stream = await fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), Sent.Message("a", 0));
        Assert.Equal("/stream?channel=a&seqid=0", stream.Request.PathAndQuery);
        Assert.Equal([0], await a.SeqidsAsync(1));
    }

    [Fact]
    public async Task Slow_subscription_gets_a_connection_of_its_own_and_loses_nothing()
    {
        await using var fixture = new Fixture(options => options.BufferSize = 2, isCoalescing: true);
        await using var slow = new MessageLoop(fixture.Client.Subscribe("slow", new SubscribeOptions { From = CCometCursor.Start }));
        await using var quick = new MessageLoop(fixture.Client.Subscribe("quick", new SubscribeOptions { From = CCometCursor.Start }));
        await fixture.Time.PassAsync(Fixture.Coalesce);
        var stream = await fixture.Server.StreamAsync(Sent.Cursor("slow", "e", 0), Sent.Cursor("quick", "e", 0));
        for (var i = 0; i < 4; i++) await stream.MessageAsync("slow", i);
        await stream.MessageAsync("quick", 0);
        await fixture.Time.PassAsync(TimeSpan.FromSeconds(2));
        Assert.Equal([0], await quick.SeqidsAsync(1));
        await fixture.Time.PassAsync(Fixture.Coalesce);
        ScriptedStream? own = null;
        for (var i = 0; i < 2; i++)
        {
            var next = await fixture.Server.StreamAsync();
            if (next.Request.PathAndQuery == "/stream?channel=slow&seqid=2&epoch=e") own = next;
            else Assert.Equal("/stream?channel=quick&seqid=1&epoch=e", next.Request.PathAndQuery);
        }

        Assert.NotNull(own);
        foreach (var line in (string[])[Sent.Cursor("slow", "e", 2), Sent.Message("slow", 2), Sent.Message("slow", 3)]) await own.LineAsync(line);
        Assert.Equal([0, 1, 2, 3], await slow.SeqidsAsync(4));
    }

    private MessageLoop Subscribe(string channel) => new(_fixture.Client.Subscribe(channel, new SubscribeOptions { From = CCometCursor.Start }));
}
