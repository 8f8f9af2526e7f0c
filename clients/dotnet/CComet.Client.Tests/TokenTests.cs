using CComet.Client.Tests.Support;

namespace CComet.Client.Tests;

/// <summary>When the token function is asked, and what becomes of its tokens.</summary>
public sealed class TokenTests
{
    [Fact]
    public async Task Token_is_kept_until_75_percent_of_its_life()
    {
        var asked = 0;
        Fixture? made = null;
        await using var fixture = made = new Fixture(options => options.Token = _ => Task.FromResult<string?>(made!.Token($"t{++asked}", TimeSpan.FromMinutes(10))));
        var first = await PublishAsync(fixture);
        fixture.Time.Advance(TimeSpan.FromMinutes(7.5) - TimeSpan.FromSeconds(1));
        Assert.Equal(first, await PublishAsync(fixture));
        fixture.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotEqual(first, await PublishAsync(fixture));
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task Token_whose_life_cannot_be_read_is_asked_for_each_time()
    {
        var asked = 0;
        await using var fixture = new Fixture(options => options.Token = _ => Task.FromResult<string?>($"t{++asked}"));
        Assert.Equal("t1", await PublishAsync(fixture));
        Assert.Equal("t2", await PublishAsync(fixture));
    }

    [Fact]
    public async Task Refused_token_is_asked_for_again_once()
    {
        var asked = 0;
        await using var fixture = new Fixture(options => options.Token = _ => Task.FromResult<string?>($"t{++asked}"));
        await using var subscription = fixture.Client.Subscribe("a");
        var request = await fixture.Server.NextAsync();
        Assert.Equal("t1", request.Token);
        request.Refuse(401, null, "old");
        request = await fixture.Server.NextAsync();
        Assert.Equal("t2", request.Token);
        request.Refuse(401, null, "still old");
        Assert.Equal((401, "still old"), (await Assert.ThrowsAsync<CCometException>(() => subscription.Opened.InTime()) is var error ? error.Status : 0, error.Detail));
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task Token_function_that_throws_is_repeated_and_told()
    {
        var asked = 0;
        await using var fixture = new Fixture(options => options.Token = _ => ++asked == 1 ? throw new InvalidOperationException("no issuer") : Task.FromResult<string?>("t"));
        await using var subscription = fixture.Client.Subscribe("a");
        await fixture.Time.PassAsync(Fixture.FirstPause);
        Assert.Equal("t", (await fixture.Server.NextAsync()).Token);
        var retry = Assert.Single(fixture.Retries);
        Assert.Equal(("token", "Token: no token could be had: no issuer"), (retry.Exception.Code, retry.Exception.Detail));
    }

    [Fact]
    public async Task Token_function_that_hangs_is_given_up_after_15_seconds()
    {
        var asked = 0;
        await using var fixture = new Fixture(options => options.Token = _ => ++asked == 1 ? new TaskCompletionSource<string?>().Task : Task.FromResult<string?>("t"));
        await using var subscription = fixture.Client.Subscribe("a");
        await fixture.Time.PassAsync(TimeSpan.FromSeconds(15));
        await fixture.Time.PassAsync(Fixture.FirstPause);
        Assert.Equal("t", (await fixture.Server.NextAsync()).Token);
    }

    [Fact]
    public async Task Stream_whose_token_expires_is_followed_by_another_before_it_ends()
    {
        var asked = 0;
        Fixture? made = null;
        await using var fixture = made = new Fixture(options => options.Token = _ => Task.FromResult<string?>(made!.Token($"t{++asked}", TimeSpan.FromMinutes(60))));
        await using var loop = new MessageLoop(fixture.Client.Subscribe("a", new SubscribeOptions { From = CCometCursor.Start }));
        var first = await fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0, fixture.After(TimeSpan.FromMinutes(60))), Sent.Message("a", 0));
        Assert.Equal([0], await loop.SeqidsAsync(1));

        // The clock passes in steps that are no silence.
        const int Steps = 90;
        for (var i = 1; i <= Steps; i++)
        {
            Assert.False(fixture.Server.HasMore);
            await first.MessageAsync("a", i);
            Assert.Equal([i], await loop.SeqidsAsync(1));
            fixture.Time.Advance(TimeSpan.FromSeconds(30));
        }

        var second = await fixture.Server.StreamAsync();
        Assert.Equal("/stream?channel=a&seqid=91&epoch=e", second.Request.PathAndQuery);
        Assert.NotEqual(first.Request.Token, second.Request.Token);
        await first.MessageAsync("a", 91);
        Assert.Equal([91], await loop.SeqidsAsync(1));
        Assert.False(first.Closed.IsCompleted);
        foreach (var line in (string[])[Sent.Cursor("a", "e", 91), Sent.Message("a", 91), Sent.Message("a", 92)]) await second.LineAsync(line);
        await first.Closed.InTime();
        Assert.Equal([92], await loop.SeqidsAsync(1));
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task Bye_because_the_token_expired_has_another_asked_for()
    {
        var asked = 0;
        Fixture? made = null;
        await using var fixture = made = new Fixture(options => options.Token = _ => Task.FromResult<string?>(made!.Token($"t{++asked}", TimeSpan.FromMinutes(60))));
        await using var subscription = fixture.Client.Subscribe("a");
        var first = await fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), """{"type":"BYE","reason":"expired","retry":100}""");
        await fixture.Time.PassAsync(TimeSpan.FromMilliseconds(100));
        Assert.NotEqual(first.Request.Token, (await fixture.Server.StreamAsync()).Request.Token);
    }

    [Fact]
    public async Task Refusal_while_the_stream_is_open_has_another_token_tried()
    {
        var asked = 0;
        await using var fixture = new Fixture(options => options.Token = _ => Task.FromResult<string?>($"t{++asked}"));
        await using var subscription = fixture.Client.Subscribe("a");
        await fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), """{"type":"401","reason":"revoked"}""");
        Assert.Equal("t2", (await fixture.Server.StreamAsync(Sent.Cursor("a", "e", 0), """{"type":"401","reason":"revoked"}""")).Request.Token);
        await using var loop = new MessageLoop(subscription);
        Assert.Equal(401, (await Assert.ThrowsAsync<CCometException>(() => loop.MoveAsync().InTime())).Status);
    }

    private static async Task<string?> PublishAsync(Fixture fixture)
    {
        var publishing = fixture.Client.PublishAsync("a", "x");
        var request = await fixture.Server.NextAsync();
        request.Respond(200, Sent.Receipt("a", 0));
        await publishing.InTime();
        return request.Token;
    }
}
