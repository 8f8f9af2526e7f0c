using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Dialects.Ccomet2014;

/// <summary>What the page of 2014 is told while Redis is gone. The clock moves only when a test moves it.</summary>
public sealed class StoreFailureTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private RedisServer _redis = null!;
    private CCometFactory _factory = null!;
    private HttpClient _http = null!;

    public async Task InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        _factory = New();
        _http = _factory.CreateClient();
        await _http.PublishAsync("other", "Redis is there");
    }

    public async Task DisposeAsync()
    {
        _http.Dispose();
        await _factory.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task Poll_for_which_there_is_no_store_waits_for_it_in_silence()
    {
        await _redis.KillAsync();
        var poll = _http.AskAsync("/subscribe?channel=c&sname=eve&seqid=0&callback=f");
        await UntilItPausesAsync();
        _time.Advance(TimeSpan.FromSeconds(1.2));
        await UntilItPausesAsync();
        Assert.False(poll.IsCompleted);

        await _redis.RunAsync();
        await Eventually.TrueAsync(async () => (await _http.AskAsync("/publish?channel=c&sname=ann&msg=hello")).Status == 200, "Publishing");
        await Eventually.TrueAsync(
            () =>
            {
                if (_factory.Hub.SubscriberCount == 0) _time.Advance(TimeSpan.FromMilliseconds(100));
                return poll.IsCompleted;
            },
            "The next attempt");
        Assert.Equal("hello", Assert.Single((await poll).JsonpElements("f")).GetProperty("msg").GetString());
    }

    [Fact]
    public async Task Poll_for_which_there_is_no_store_all_its_time_ends_with_a_script_that_calls_nothing()
    {
        await _redis.KillAsync();
        var poll = _http.AskAsync("/subscribe?channel=c&sname=eve&seqid=0&callback=f");
        await Eventually.TrueAsync(
            () =>
            {
                if (_factory.Hub.Context.Wheel.Count > 0) _time.Advance(TimeSpan.FromMilliseconds(500));
                return poll.IsCompleted;
            },
            "The end of its time");
        Assert.Equal((200, "/**/"), ((await poll).Status, (await poll).Text));
    }

    [Fact]
    public async Task Poll_that_waits_when_the_store_goes_waits_on_and_has_the_message_that_comes_after()
    {
        await _http.PublishAsync("c", "before");
        var poll = _http.AskAsync("/subscribe?channel=c&sname=eve&seqid=1&callback=f");
        await UntilItPausesAsync();
        await _redis.KillAsync();
        (await _http.AskAsync("/publish?channel=c&sname=ann&msg=refused&callback=f")).AssertJsonpProblem("f", "503", "Redis");
        Assert.False(poll.IsCompleted);

        await _redis.RunAsync();
        await Eventually.TrueAsync(async () => (await _http.AskAsync("/publish?channel=c&sname=ann&msg=after")).Status == 200, "Publishing");
        await Eventually.TrueAsync(
            () =>
            {
                if (_factory.Hub.SubscriberCount == 0) _time.Advance(TimeSpan.FromMilliseconds(100));
                return poll.IsCompleted;
            },
            "The message");
        Assert.Equal("after", Assert.Single((await poll).JsonpElements("f")).GetProperty("msg").GetString());
    }

    private CCometFactory New() => new(_time, "CComet:Store:Kind=Redis", $"CComet:Store:Redis={_redis.Address}");

    private Task UntilItPausesAsync() => Eventually.TrueAsync(() => _factory.Hub.Context.Wheel.Count == 1, "Waiting");
}
