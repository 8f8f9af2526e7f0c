using CComet.Web.Tests.Dialects.Icomet;
using CComet.Web.Tests.Support;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>A client of icomet in a page of another origin, on each of its transports.</summary>
[Collection(Chromium.Wire)]
public sealed class IcometClientTests(Chromium chromium)
{
    private const string Application = "http://app.localhost";

    public static TheoryData<string> Transports => ["sse", "poll"];

    [Theory, MemberData(nameof(Transports))]
    public async Task Client_gets_the_backlog_what_comes_and_what_is_told_to_all(string transport)
    {
        await using var server = await IcometServer.StartAsync("Memory");
        foreach (var text in IcometReading.Tricky) await server.PushAsync("room", text);
        await using var browser = await HostAsync(server, transport, seq: 1);
        Assert.Equal(IcometReading.Tricky, await GotAsync(browser, IcometReading.Tricky.Count));
        foreach (var text in IcometReading.Tricky) await server.PushAsync("room", text);
        Assert.Equal(IcometReading.Tricky.Concat(IcometReading.Tricky), await GotAsync(browser, 2 * IcometReading.Tricky.Count));

        await server.UntilWaitingAsync("room", 1);
        Assert.Equal(200, (await server.Admin.AskAsync("/broadcast?content=tea")).Status);
        await server.PushAsync("room", "after");
        Assert.Equal(["all: tea", "after"], (await GotAsync(browser, (2 * IcometReading.Tricky.Count) + 2))[^2..]);
        Assert.Equal((2 * IcometReading.Tricky.Count) + 3, await browser.Page.EvaluateAsync<int>("client.seq"));
        Assert.Contains(browser.Polls, url => url.Contains(transport == "sse" ? "/sse?" : "/sub?", StringComparison.Ordinal));
        Assert.Empty(browser.Complaints);
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Client_without_a_seq_is_told_where_the_channel_stands_and_gets_what_comes(string transport)
    {
        await using var server = await IcometServer.StartAsync("Memory");
        await server.PushAsync("room", "old");
        await using var browser = await HostAsync(server, transport);
        await browser.UntilAsync("() => client.seq === 2");
        await server.PushAsync("room", "new");
        Assert.Equal(["new"], await GotAsync(browser, 1));
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Client_counts_the_noops_and_none_is_of_another_connection(string transport)
    {
        await using var server = await IcometServer.StartAsync("Memory", "CComet:Poll:Timeout=00:00:01", "CComet:Stream:Heartbeat=00:00:01");

        // Before it has been told a seq, icomet's client misses what is pushed between two of its polls.
        await server.PushAsync("room", "first");
        await using var browser = await HostAsync(server, transport, seq: 1);
        await browser.UntilAsync("() => client.noops >= 3");
        await server.PushAsync("room", "m");
        Assert.Equal(["first", "m"], await GotAsync(browser, 2));
        Assert.Equal(0, await browser.Page.EvaluateAsync<int>("client.extra"));
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Client_follows_through_a_restart_of_the_server_and_misses_and_repeats_nothing(string transport)
    {
        await using var server = await IcometServer.StartAsync("Sqlite");
        await server.PushAsync("room", "one");
        await using var browser = await HostAsync(server, transport, seq: 1);
        await GotAsync(browser, 1);
        await server.UntilWaitingAsync("room", 1);
        await server.RestartAsync();
        await server.PushAsync("room", "two");
        await server.PushAsync("room", "three");
        Assert.Equal(["one", "two", "three"], await GotAsync(browser, 3));
        await server.PushAsync("room", "four");
        Assert.Equal(["one", "two", "three", "four"], await GotAsync(browser, 4));
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Client_follows_a_log_that_was_cleared(string transport)
    {
        await using var server = await IcometServer.StartAsync("Memory");
        await server.PushAsync("room", "one");
        await server.PushAsync("room", "two");
        await using var browser = await HostAsync(server, transport, seq: 1);
        await GotAsync(browser, 2);
        await server.UntilWaitingAsync("room", 1);
        Assert.Equal("ok 1\n", (await server.Admin.AskAsync("/clear?cname=room")).Text);
        await browser.UntilAsync("() => client.seq === 1");
        await server.PushAsync("room", "new");
        Assert.Equal(["one", "two", "new"], await GotAsync(browser, 3));
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Client_subscribes_with_the_token_that_its_application_got(string transport)
    {
        await using var server = await IcometServer.StartAsync("Memory", "CComet:Icomet:Auth=token");
        await server.PushAsync("room", "kept");
        await using var browser = await HostAsync(server, transport, isSigned: true);
        Assert.Equal(["kept"], await GotAsync(browser, 1));
        await server.UntilWaitingAsync("room", 1);
        await server.PushAsync("room", "live");
        Assert.Equal(["kept", "live"], await GotAsync(browser, 2));
        Assert.Empty(browser.Complaints);
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Client_without_a_token_stops_for_good(string transport)
    {
        await using var server = await IcometServer.StartAsync("Memory", "CComet:Icomet:Auth=token");
        await using var browser = await HostAsync(server, transport);
        await browser.UntilAsync("() => client.stopped !== null");
        Assert.Equal(["401"], await browser.Page.EvaluateAsync<string[]>("client.types"));
        Assert.Equal(1, await browser.Page.EvaluateAsync<int>("client.asked"));
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Client_that_is_one_too_many_tries_again_until_there_is_room(string transport)
    {
        await using var server = await IcometServer.StartAsync("Memory", "CComet:Limits:SubscribersPerChannel=1");
        using var other = await server.StreamAsync("room");
        await using var browser = await HostAsync(server, transport, seq: 1);
        await browser.UntilAsync("() => client.types.length >= 2");
        Assert.All(await browser.Page.EvaluateAsync<string[]>("client.types"), type => Assert.Equal("429", type));
        other.Dispose();
        await server.PushAsync("room", "m");
        Assert.Equal(["m"], await GotAsync(browser, 1));
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Client_and_people_in_the_chat_are_in_one_room(string transport)
    {
        string[] texts = ["'\"\\ <b>&amp;</b>", "</script><!--", "☄️ 👩‍👩‍👧 سلام"];
        await using var server = await IcometServer.StartAsync("Memory");
        await using var chat = await chromium.OpenPageAsync();
        await chat.JoinAsync(server.Server, "room", "alice");
        await using var browser = await HostAsync(server, transport);
        await server.UntilWaitingAsync("room", 2);
        foreach (var text in texts) await chat.SayAsync(text);
        Assert.Equal(texts, await GotAsync(browser, texts.Length));

        foreach (var text in texts) await server.PushAsync("room", "icomet: " + text);
        foreach (var text in texts) await Expect(chat.Message("icomet: " + text)).ToBeVisibleAsync();
        Assert.Empty(chat.Complaints);
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Page_gets_what_its_frame_is_sent()
    {
        await using var server = await IcometServer.StartAsync("Memory");
        foreach (var text in IcometReading.Tricky) await server.PushAsync("room", text);
        await using var browser = await chromium.OpenPageAsync();

        // The call reaches a page of the same origin alone: it is served in the place of a path that the address has not.
        await browser.Page.RouteAsync($"{server.FrontUrl}/page", route => route.FulfillAsync(new()
        {
            ContentType = "text/html; charset=utf-8",
            Body = "<!doctype html><title>Page</title><script>var told = []; function icomet_cb(message) { told.push(message); }</script><iframe src=\"/iframe?cname=room&seq=1\"></iframe>",
        }));
        await browser.Page.GotoAsync($"{server.FrontUrl}/page", new() { WaitUntil = WaitUntilState.Commit });
        await browser.UntilAsync("count => window.told && told.length === count", IcometReading.Tricky.Count);
        await server.PushAsync("room", "live");
        await browser.UntilAsync("count => told.length === count", IcometReading.Tricky.Count + 1);
        Assert.Equal(IcometReading.Tricky.Append("live"), await browser.Page.EvaluateAsync<string[]>("told.map(message => message.content)"));
        Assert.Empty(browser.Complaints);
    }

    private static async Task<string[]> GotAsync(BrowserPage browser, int count)
    {
        await browser.UntilAsync("count => client.got.length >= count", count);
        return await browser.Page.EvaluateAsync<string[]>("client.got");
    }

    /// <summary>Opens a page with a client that has started.</summary>
    private async Task<BrowserPage> HostAsync(IcometServer server, string transport, int seq = 0, bool isSigned = false)
    {
        var browser = await chromium.OpenPageAsync();
        await browser.HostAsync("<script src=/client.js></script>", ("/client.js", "CComet.Web.Tests/EndToEnd/Browser/icomet/client.js"));

        // The script of an application: it asks the admin side, which its pages do not reach.
        await browser.Page.RouteAsync($"{Application}/sign?**", async route =>
        {
            var query = System.Web.HttpUtility.ParseQueryString(new Uri(route.Request.Url).Query);
            var sign = await server.Admin.GetStringAsync(Asking.Path("/sign", ("cname", query["cname"]!), ("expires", "600")));
            await route.FulfillAsync(new() { ContentType = "text/javascript; charset=utf-8", Body = $"{query["cb"]}({sign.TrimEnd()});" });
        });
        await browser.Page.EvaluateAsync("options => { window.client = new IcometClient(options); client.start(); }", new
        {
            id = "c",
            cname = "room",
            seq,
            transport,
            sub_url = server.FrontUrl,
            sign_url = isSigned ? $"{Application}/sign" : null,
        });
        return browser;
    }
}
