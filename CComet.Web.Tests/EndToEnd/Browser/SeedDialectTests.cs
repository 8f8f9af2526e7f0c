using System.Globalization;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>A client of 2014 on the native paths, with today's jQuery, works unchanged.</summary>
/// <remarks>The page of its time, on the paths of its dialect, is in <see cref="Page2014Tests"/>.</remarks>
[Collection(Chromium.Wire)]
public sealed class SeedDialectTests(Chromium chromium)
{
    [Fact]
    public async Task Client_of_2014_gets_the_history_then_live_messages_and_polls_again_after_an_empty_answer()
    {
        await using var server = await LiveServer.StartAsync("CComet:Poll:Timeout=00:00:02");
        await server.PublishAsync("room", "one", "bob");
        await server.PublishAsync("room", "two", "bob");
        await using var browser = await HostAsync(server);
        await browser.Page.EvaluateAsync("seed.sign()");
        await browser.UntilAsync("() => seed.got.length === 3");
        Assert.Equal(["MSG one bob 0", "MSG two bob 1", "SIGN SIGN alice 2"], await GotAsync(browser));

        var polls = await browser.Page.EvaluateAsync<int>("seed.polls");
        await browser.UntilAsync("polls => seed.polls >= polls + 2", polls);
        Assert.Equal(3, await browser.Page.EvaluateAsync<int>("seed.seqid"));

        await server.PublishAsync("room", "live", "bob");
        await browser.UntilAsync("() => seed.got.length === 4");
        await browser.Page.EvaluateAsync("seed.pub('mine')");
        await browser.UntilAsync("() => seed.got.length === 5 && seed.receipt");
        Assert.Equal(["MSG live bob 3", "MSG mine alice 4"], (await GotAsync(browser))[3..]);
        Assert.Equal(4, await browser.Page.EvaluateAsync<int>("seed.receipt.seqid"));
        Assert.Empty(await browser.Page.EvaluateAsync<string[]>("seed.logged"));
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Every_character_reaches_the_client_of_2014()
    {
        string[] tricky = ["'", "\"", "\\", "\\'", "</script>", "<!--", "\u2028\u2029", "\r\n\t", "☄️ 👩‍👩‍👧", "سلام", "\u0001", "&#39;"];
        await using var server = await LiveServer.StartAsync();
        foreach (var text in tricky) await server.PublishAsync("room", text, text.Any(char.IsControl) ? "n" : text);
        await using var browser = await HostAsync(server);
        await browser.Page.EvaluateAsync("seed.sub()");
        await browser.UntilAsync("count => seed.got.length === count", tricky.Length);

        Assert.Equal(tricky, await browser.Page.EvaluateAsync<string[]>("seed.got.map(m => m.msg)"));
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Text_put_into_an_address_unencoded_arrives()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await HostAsync(server, channel: "zimmer öäü ☄️", sname: "Jürgen <b>'x'</b>");
        await browser.Page.EvaluateAsync("seed.sign()");
        await browser.UntilAsync("() => seed.got.length === 1");
        await browser.Page.EvaluateAsync("text => seed.pub(text)", "Grüße, 'quoted' \"twice\" <i>ok</i> ☄️");
        await browser.UntilAsync("() => seed.got.length === 2");

        Assert.Equal("MSG Grüße, 'quoted' \"twice\" <i>ok</i> ☄️ Jürgen <b>'x'</b> 1", (await GotAsync(browser))[1]);
    }

    [Fact]
    public async Task Error_is_held_back_so_that_asking_again_at_once_makes_no_storm()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        await using var server = await LiveServer.StartAsync(0, new CCometFactory(time));
        await using var browser = await HostAsync(server);
        await browser.Page.EvaluateAsync("() => { seed.seqid = 99; seed.sub(); }");

        for (var round = 1; round <= 3; round++)
        {
            // The clock stands still, and with it the answer.
            await Eventually.TrueAsync(() => browser.Polls.Count == round && server.Hub.SubscriberCount == 0, "The question");
            await server.Http.GetStringAsync(new Uri("/health/live", UriKind.Relative));
            Assert.Equal(round - 1, await LoggedAsync(browser));

            await time.UntilAsync(async () => await LoggedAsync(browser) >= round, TimeSpan.FromMilliseconds(250), "The answer");
        }

        Assert.Equal(["402", "402", "402"], (await browser.Page.EvaluateAsync<string[]>("seed.logged"))[..3]);
    }

    private static Task<int> LoggedAsync(BrowserPage browser) => browser.Page.EvaluateAsync<int>("seed.logged.length");

    private static Task<string[]> GotAsync(BrowserPage browser) =>
        browser.Page.EvaluateAsync<string[]>("seed.got.map(m => `${m.type} ${m.msg} ${m.sname} ${m.seqid}`)");

    private async Task<BrowserPage> HostAsync(LiveServer server, string channel = "room", string sname = "alice")
    {
        var browser = await chromium.OpenPageAsync();
        await browser.HostAsync(
            "<script src=/jquery.js></script><script src=/seed-client.js></script>",
            ("/jquery.js", "CComet.Web.Tests/EndToEnd/Browser/node_modules/jquery-3/dist/jquery.js"),
            ("/seed-client.js", "CComet.Web.Tests/EndToEnd/Browser/seed/seed-client.js"));
        var time = DateTimeOffset.UnixEpoch.AddYears(44).ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        var who = $"channel={channel}&sname={sname}";
        await browser.Page.EvaluateAsync("urls => { window.seed = new SeedClient(urls); }", new
        {
            sign_url = $"{server.Url}/sign?{who}&time={time}",
            pub_url = $"{server.Url}/pub?{who}&time={time}&msg=",
            sub_url = $"{server.Url}/sub?{who}&time={time}&seqid=",
        });
        return browser;
    }
}
