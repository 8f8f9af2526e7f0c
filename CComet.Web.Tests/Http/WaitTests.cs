using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Http;

/// <summary>How long a poll waits, and what ends it. The clock moves only when a test moves it.</summary>
public sealed class WaitTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly CCometFactory _factory;
    private readonly HttpClient _http;

    public WaitTests()
    {
        _factory = new CCometFactory(_time);
        _http = _factory.CreateClient();
    }

    public void Dispose()
    {
        _http.Dispose();
        _factory.Dispose();
    }

    [Theory]
    [InlineData("", 28)]
    [InlineData("&wait=5", 5)]
    [InlineData("&wait=0.25", 0.25)]
    [InlineData("&wait=28", 28)]
    [InlineData("&wait=29", 28)]
    [InlineData("&wait=99999999999999999999", 28)]
    [InlineData("&seqid=0", 28)]
    public async Task Poll_that_nothing_comes_for_is_answered_with_an_empty_array_at_its_time(string query, double seconds)
    {
        var poll = _http.AskAsync($"/sub?channel=c{query}");
        await ParkedAsync(1);
        _time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
        Assert.Equal((1, false), (_factory.Hub.Context.Wheel.Count, poll.IsCompleted));
        _time.Advance(TimeSpan.FromMilliseconds(101));
        var answer = await poll;
        Assert.Equal("[]\n", answer.Text);
        Assert.Empty(answer.Elements);
        Assert.EndsWith(":0", answer.Header("CComet-Cursor"), StringComparison.Ordinal);
        await Eventually.TrueAsync(() => _factory.Hub.SubscriberCount == 0, "Freeing of the subscriber");
    }

    [Theory]
    [InlineData("0")]
    [InlineData("0.0")]
    [InlineData(".0")]
    public async Task Wait_of_zero_does_not_wait(string wait) => Assert.Empty((await _http.AskAsync($"/sub?channel=c&wait={wait}")).Elements);

    [Fact]
    public async Task Setting_says_how_long_a_poll_may_wait()
    {
        await using var factory = new CCometFactory(_time, "CComet:Poll:Timeout=00:00:02");
        using var http = factory.CreateClient();
        var poll = http.AskAsync("/sub?channel=c&wait=20");
        await Eventually.TrueAsync(() => factory.Hub.Context.Wheel.Count == 1, "Parking");
        _time.Advance(TimeSpan.FromSeconds(2.1));
        Assert.Empty((await poll).Elements);
    }

    [Fact]
    public async Task Message_ends_every_wait_for_its_channel_and_no_other()
    {
        var polls = Enumerable.Range(0, 20).Select(_ => _http.AskAsync("/sub?channel=c")).ToArray();
        var other = _http.AskAsync("/sub?channel=d");
        await ParkedAsync(21);
        await _http.PublishAsync("c", "hello");
        foreach (var poll in polls) Assert.Equal("hello", Assert.Single((await poll).Elements).GetProperty("msg").GetString());
        Assert.False(other.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.Empty((await other).Elements);
    }

    [Fact]
    public async Task Sign_in_ends_the_waits_of_its_channel_too()
    {
        var poll = _http.AskAsync("/sub?channel=c&sname=alice");
        await ParkedAsync(1);
        await _http.AskAsync("/sign?channel=c&sname=bob");
        var sign = Assert.Single((await poll).Elements);
        Assert.Equal(("SIGN", "bob"), (sign.GetProperty("type").GetString(), sign.GetProperty("sname").GetString()));
    }

    [Fact]
    public async Task Newest_poll_of_a_channel_and_sname_waits_and_the_older_is_told()
    {
        await _http.PublishAsync("c", "m");
        var old = _http.AskAsync("/sub?channel=c&sname=alice");
        await ParkedAsync(1);
        var newest = _http.AskAsync("/sub?channel=c&sname=alice");
        var answer = await old;
        Assert.Equal((409, "application/json; charset=utf-8"), (answer.Status, answer.Header("Content-Type")));
        var told = Assert.Single(answer.Json.EnumerateArray());
        Assert.Equal("409", told.GetProperty("type").GetString());
        Assert.Contains("sname", told.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.EndsWith(":1", answer.Header("CComet-Cursor"), StringComparison.Ordinal);

        await ParkedAsync(1);
        await _http.PublishAsync("c", "hello");
        Assert.Equal("hello", Assert.Single((await newest).Elements).GetProperty("msg").GetString());
    }

    [Theory]
    [InlineData("channel=c", "channel=c")]
    [InlineData("channel=c&sname=alice", "channel=c&sname=Alice")]
    [InlineData("channel=c&sname=alice", "channel=d&sname=alice")]
    [InlineData("channel=c&sname=%C3%A9", "channel=c&sname=e%CC%81")]
    public async Task No_other_subscriber_is_replaced(string one, string another)
    {
        Task<Answer>[] polls = [_http.AskAsync($"/sub?{one}"), _http.AskAsync($"/sub?{another}")];
        await ParkedAsync(2);
        _time.Advance(TimeSpan.FromSeconds(29));
        foreach (var poll in polls) Assert.Empty((await poll).Elements);
    }

    [Fact]
    public async Task Poll_of_several_channels_is_replaced_when_one_of_them_is_taken()
    {
        var old = _http.AskAsync("/sub?channel=c&channel=d&sname=alice");
        await Eventually.TrueAsync(() => _factory.Hub.Find("d")?.Waiting == 1, "Parking in both");
        var newest = _http.AskAsync("/sub?channel=d&sname=alice");
        Assert.Equal(409, (await old).Status);

        // A poll is counted out once its answer is on its way.
        await Eventually.TrueAsync(() => (_factory.Hub.Find("c")!.Waiting, _factory.Hub.Find("d")!.Waiting, _factory.Hub.Context.Wheel.Count) == (0, 1, 1), "Parking of the one that took its place");
        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.Empty((await newest).Elements);
    }

    [Fact]
    public async Task Server_that_is_stopping_answers_every_poll_and_takes_no_more()
    {
        var polls = Enumerable.Range(0, 10).Select(i => _http.AskAsync($"/sub?channel=c{i}&sname=s")).ToArray();
        await ParkedAsync(10);
        Assert.Equal(200, (await _http.AskAsync("/health/ready")).Status);
        _factory.Hub.Drain();
        foreach (var poll in polls)
        {
            Assert.Empty((await poll).Elements);
            Assert.EndsWith(":0", (await poll).Header("CComet-Cursor"), StringComparison.Ordinal);
        }

        var refused = await _http.AskAsync("/sub?channel=c");
        refused.AssertProblem(503);
        Assert.Equal("1", refused.Header("Retry-After"));
        (await _http.AskAsync("/health/ready")).AssertProblem(503);
        Assert.Equal(200, (await _http.AskAsync("/health/live")).Status);
        Assert.Equal(0, _factory.Hub.Context.Wheel.Count);
    }

    private Task ParkedAsync(int polls) => Eventually.TrueAsync(() => _factory.Hub.Context.Wheel.Count == polls, $"Parking of {polls}");
}
