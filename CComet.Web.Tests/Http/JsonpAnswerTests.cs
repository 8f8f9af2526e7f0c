using CComet.Web.Tests.Dialects.Native;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Http;

public sealed class JsonpAnswerTests : IDisposable
{
    private static readonly TimeSpan HoldBack = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _time = new();
    private readonly CCometFactory _factory;
    private readonly HttpClient _http;

    public JsonpAnswerTests()
    {
        _factory = new CCometFactory(_time);
        _http = _factory.CreateClient();
    }

    public static TheoryData<string> BadNames() => JsonpTests.BadNames();

    public static TheoryData<string> GoodNames() => JsonpTests.GoodNames();

    public void Dispose()
    {
        _http.Dispose();
        _factory.Dispose();
    }

    [Theory]
    [MemberData(nameof(BadNames))]
    public async Task Bad_callback_gets_400_as_plain_text_that_repeats_nothing_of_it(string name)
    {
        var query = $"callback={Uri.EscapeDataString(name)}&channel=a&msg=m";
        foreach (var path in (string[])["/sign", "/pub", "/sub"])
        {
            AssertBadCallback(await _http.AskAsync($"{path}?{query}"));
            AssertBadCallback(await _http.AskAsync($"{path}?callback={Uri.EscapeDataString(name)}"));
        }

        AssertBadCallback(await _http.AskAsync("/pub", Asking.Body(query, "application/x-www-form-urlencoded")));
        Assert.Empty((await _http.PeekAsync("a", ("seqid", "0"))).Elements);
    }

    [Theory]
    [InlineData("callback=a&callback=a")]
    [InlineData("callback=a&callback=b")]
    [InlineData("callback")]
    [InlineData("callback=%FF")]
    [InlineData("callback=%ED%A0%80")]
    [InlineData("callback=f%FF")]
    public async Task Repeated_or_unreadable_callback_gets_400_as_well(string query)
    {
        foreach (var path in (string[])["/sign", "/pub", "/sub"]) AssertBadCallback(await _http.AskAsync($"{path}?channel=a&msg=m&{query}"));
    }

    [Theory]
    [MemberData(nameof(GoodNames))]
    public async Task Good_callback_is_called_with_the_array(string name)
    {
        var channel = Asking.NewChannel();
        var rest = $"channel={channel}&callback={Uri.EscapeDataString(name)}";
        Assert.Equal("SIGN", Assert.Single((await _http.AskAsync($"/sign?{rest}&sname=s")).JsonpElements(name)).GetProperty("type").GetString());
        Assert.Equal("pub", Assert.Single((await _http.AskAsync($"/pub?{rest}&msg=m")).JsonpElements(name)).GetProperty("type").GetString());
        Assert.Equal(2, (await _http.AskAsync($"/sub?{rest}&seqid=0")).JsonpElements(name).Length);
        Assert.Empty((await _http.AskAsync($"/sub?{rest}&seqid=2&wait=0")).JsonpElements(name));
    }

    [Fact]
    public async Task Callback_may_come_in_a_form_or_in_JSON()
    {
        Assert.Single((await _http.AskAsync("/pub", Asking.Body("channel=a&msg=m&callback=f", "application/x-www-form-urlencoded"))).JsonpElements("f"));
        Assert.Single((await _http.AskAsync("/pub", Asking.Body("""{"channel":"a","msg":"m","callback":"f"}"""))).JsonpElements("f"));
        Assert.Equal(2, (await _http.AskAsync("/pub?callback=f&channel=a", Asking.Body("""[{"msg":"m"},{"msg":"n"}]"""))).JsonpElements("f").Length);
        Assert.Single((await _http.AskAsync("/pub?callback=f&channel=a", Asking.Body("raw", "text/plain"))).JsonpElements("f"));
    }

    [Fact]
    public async Task Headers_are_those_of_a_script_that_no_cache_may_keep()
    {
        var answer = await _http.AskAsync("/sign?channel=a&sname=s&callback=f");
        Assert.Equal("text/javascript; charset=utf-8", answer.Header("Content-Type"));
        Assert.Equal("nosniff", answer.Header("X-Content-Type-Options"));
        Assert.Equal("no-store", answer.Header("Cache-Control"));
        Assert.StartsWith("/**/f('[{", answer.Text, StringComparison.Ordinal);
        Assert.EndsWith("}]')", answer.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("channel=a&seqid=-1", "400", "seqid")]
    [InlineData("channel=", "400", "channel")]
    [InlineData("channel=a&seqid=7", "402", "seqid")]
    public async Task Refused_poll_is_held_back_for_a_second_because_its_client_asks_again_at_once(string query, string type, string parameter)
    {
        var answer = _http.AskAsync($"/sub?{query}&callback=f");
        await AssertHeldBackAsync(answer);
        (await answer).AssertJsonpProblem("f", type, parameter);
    }

    [Fact]
    public async Task Refusal_of_a_stopping_server_is_held_back_too()
    {
        _factory.Hub.Drain();
        var answer = _http.AskAsync("/sub?channel=a&callback=f");
        await AssertHeldBackAsync(answer);
        (await answer).AssertJsonpProblem("f", "503");
    }

    [Fact]
    public async Task Replaced_poll_is_held_back_too()
    {
        var old = _http.AskAsync("/sub?channel=a&sname=s&seqid=0&callback=f");
        await Eventually.TrueAsync(() => _factory.Hub.Find("a")?.Waiting == 1, "Parking of the old poll");
        var newest = _http.AskAsync("/sub?channel=a&sname=s&seqid=0&callback=f");

        // Before that, time that passes might end the old poll by its own timeout.
        await Eventually.TrueAsync(() => _factory.Hub.Context.Wheel.Count == 2, "Parking of the newest in its place");

        // However late the old one hears of it: from then on it is held back for its time.
        var step = TimeSpan.FromMilliseconds(100);
        var waited = TimeSpan.Zero;
        await Eventually.TrueAsync(
            () =>
            {
                if (old.IsCompleted) return true;
                _time.Advance(step);
                waited += step;
                return false;
            },
            "The answer to the old poll");
        Assert.True(waited >= HoldBack, $"Held back for {waited} only.");
        (await old).AssertJsonpProblem("f", "409", "sname");
        await _http.PublishAsync("a", "m");
        Assert.Equal("m", Assert.Single((await newest).JsonpElements("f")).GetProperty("msg").GetString());
    }

    [Fact]
    public async Task Client_that_leaves_while_it_is_held_back_leaves_nothing_behind()
    {
        using var cut = new CancellationTokenSource();
        var answer = _http.GetAsync(new Uri("/sub?channel=&callback=f", UriKind.Relative), cut.Token);
        await Eventually.TrueAsync(() => _factory.Hub.Context.Wheel.Count == 1, "Holding back");
        await cut.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
        await Eventually.TrueAsync(() => _factory.Hub.Context.Wheel.Count == 0, "Letting go");
    }

    [Fact]
    public async Task Other_refusals_are_not_held_back()
    {
        // The clock stands still: whatever waits for it would never answer.
        (await _http.AskAsync("/pub?channel=a&callback=f")).AssertJsonpProblem("f", "400", "msg");
        (await _http.AskAsync("/sign?callback=f")).AssertJsonpProblem("f", "400", "channel");
        (await _http.AskAsync("/sub?channel=a&seqid=-1")).AssertProblem(400, "seqid");
    }

    [Fact]
    public async Task Poll_without_a_seqid_is_told_its_place_at_once()
    {
        var epoch = (await _http.PublishAsync("a", "past")).GetProperty("epoch").GetString();
        var place = Assert.Single((await _http.AskAsync("/sub?channel=a&callback=f")).JsonpElements("f"));
        Assert.Equal($$"""{"type":"CURSOR","channel":"a","epoch":"{{epoch}}","seqid":1}""", place.GetRawText());
    }

    [Fact]
    public async Task Poll_of_several_channels_is_told_its_place_in_each()
    {
        await _http.PublishAsync("a", "past");
        var places = (await _http.AskAsync("/sub?channel=a&channel=b&seqid=&seqid=0&callback=f")).JsonpElements("f");
        Assert.Equal([("CURSOR", "a", 1), ("CURSOR", "b", 0)], places.Select(p => (p.GetProperty("type").GetString()!, p.GetProperty("channel").GetString()!, p.GetProperty("seqid").GetInt32())));
    }

    private static void AssertBadCallback(Answer answer)
    {
        Assert.Equal((400, "text/plain; charset=utf-8", "nosniff"), (answer.Status, answer.Header("Content-Type"), answer.Header("X-Content-Type-Options")));
        Assert.StartsWith("callback: must be one name of letters", answer.Text, StringComparison.Ordinal);
    }

    private async Task AssertHeldBackAsync(Task<Answer> answer)
    {
        await Eventually.TrueAsync(() => _factory.Hub.Context.Wheel.Count == 1, "Holding back");
        _time.Advance(HoldBack - TimeSpan.FromMilliseconds(1));
        Assert.Equal((1, false), (_factory.Hub.Context.Wheel.Count, answer.IsCompleted));
        _time.Advance(TimeSpan.FromMilliseconds(101));
    }
}
