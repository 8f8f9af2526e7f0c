using CComet.Web.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>The tabs of one browser share one connection: over plain HTTP a browser has six to a host.</summary>
[Collection(Chromium.Pages)]
public sealed class TabsTests(Chromium chromium)
{
    private const string Follow = "options => { record(options); }";

    [Fact]
    public async Task Twelve_tabs_of_the_chat_load_publish_and_follow()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = await OpenChatsAsync(browser, server, 12);

        for (var i = 0; i < tabs.Count; i++) await tabs[i].SayAsync($"from tab {i}");
        foreach (var tab in tabs)
        {
            for (var i = 0; i < tabs.Count; i++) await Expect(tab.Message($"from tab {i}")).ToHaveCountAsync(1);
        }

        Assert.Equal(1, tabs.Sum(tab => tab.Requested.Count(BrowserTabs.IsStream)));
        Assert.All(tabs, tab => Assert.Empty(tab.Complaints));
    }

    [Fact]
    public async Task Seven_plain_tabs_follow_and_publish()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = await OpenFollowersAsync(browser, server, 7);

        for (var i = 0; i < tabs.Count; i++) Assert.Equal(i, await tabs[i].Page.EvaluateAsync<int>("i => room.publish(`${i}`).then(receipt => receipt.seqid)", i));
        foreach (var tab in tabs) Assert.Equal(Enumerable.Range(0, 7).Select(i => $"{i}"), await tab.TextsAsync(7));
        Assert.Equal("/sse", new Uri(Assert.Single(tabs[0].Polls)).AbsolutePath);
        Assert.All(tabs.Skip(1), tab => Assert.DoesNotContain(tab.Requested, BrowserTabs.IsStream));
    }

    [Fact]
    public async Task Tab_that_shares_nothing_has_a_connection_of_its_own()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = await OpenFollowersAsync(browser, server, 1);
        var plain = await BrowserTabs.NewTabAsync(browser);
        await plain.Page.GotoAsync(server.Url + "/tabs-test/");
        await plain.FollowAsync(new { url = "/", channel = "a", tabs = false });
        await plain.UntilOpenAsync();
        await server.PublishAsync("a", "to both");

        Assert.Equal(["to both"], await plain.TextsAsync(1));
        Assert.Equal(["to both"], await tabs[0].TextsAsync(1));
        Assert.Equal("/sse", new Uri(Assert.Single(plain.Polls)).AbsolutePath);
        Assert.StartsWith("CComet: tabs must be", await plain.Page.EvaluateAsync<string>("() => { try { new CComet({ channel: 'b', tabs: 5 }); } catch (error) { return error.message; } }"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tabs_go_on_by_the_same_stream_when_the_leader_leaves_their_channel()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = await OpenFollowersAsync(browser, server, 2);
        await tabs[0].Page.EvaluateAsync("() => { globalThis.first = room; record({ url: '/', channel: 'b' }) && null; }");
        await tabs[0].UntilOpenAsync();
        await tabs[0].Page.EvaluateAsync("first.close()");
        var streams = tabs[0].Requested.Count(BrowserTabs.IsStream);
        await server.PublishAsync("a", "for the other");
        Assert.Equal(["for the other"], await tabs[1].TextsAsync(1));
        Assert.Equal(streams, tabs[0].Requested.Count(BrowserTabs.IsStream));

        // What another tab has of this one, this one has with it.
        await tabs[0].Page.EvaluateAsync("() => { globalThis.second = room; record({ url: '/', channel: 'a' }) && null; }");
        await tabs[0].UntilOpenAsync();
        await server.PublishAsync("a", "for both");
        Assert.Equal(["for both"], await tabs[0].TextsAsync(1));
        Assert.Equal(["for the other", "for both"], await tabs[1].TextsAsync(2));
        Assert.Equal(streams, tabs[0].Requested.Count(BrowserTabs.IsStream));
        Assert.DoesNotContain(tabs[1].Requested, BrowserTabs.IsStream);
    }

    [Fact]
    public async Task Signing_in_is_seen_once_by_each_tab()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = await OpenFollowersAsync(browser, server, 3);
        for (var i = 0; i < tabs.Count; i++)
        {
            await server.PublishAsync("a", $"{i}");
            await tabs[i].Page.EvaluateAsync("room.sign()");
            await tabs[i].UntilAsync("() => log.signed.length === 1");
        }

        await server.PublishAsync("a", "end");
        foreach (var tab in tabs)
        {
            await tab.TextsAsync(7);
            Assert.Equal("[[0,1,2,3,4,5,6],[],[]]", await tab.JsonAsync("[log.messages.map(({ seqid }) => seqid), log.gaps, log.resets]"));
        }
    }

    [Theory]
    [InlineData("document.dispatchEvent(new Event('freeze'))", "document.dispatchEvent(new Event('resume'))")]
    [InlineData("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))", "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")]
    public async Task Leader_whose_page_stands_still_lets_another_tab_lead(string away, string back)
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = await OpenFollowersAsync(browser, server, 3);
        await tabs[0].Page.EvaluateAsync(away);
        var next = await BrowserTabs.LeaderAsync([.. tabs.Skip(1)]);
        await server.PublishAsync("a", "meanwhile");
        foreach (var tab in tabs.Skip(1)) await tab.TextsAsync(1);
        Assert.Empty(await tabs[0].Page.EvaluateAsync<string[]>("texts()"));
        await tabs[0].Page.EvaluateAsync(back);
        await tabs[0].TextsAsync(1);
        await server.PublishAsync("a", "afterwards");

        foreach (var tab in tabs)
        {
            Assert.Equal(["meanwhile", "afterwards"], await tab.TextsAsync(2));
            Assert.Equal("[[\"connecting\",\"open\"],[],[]]", await tab.JsonAsync("[log.states, log.gaps, log.resets]"));
        }

        Assert.True(await next.Page.EvaluateAsync<bool>("leads()"));
    }

    [Fact]
    public async Task Worker_shares_with_the_page()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = await OpenFollowersAsync(browser, server, 1);
        await tabs[0].Page.EvaluateAsync(
            """
            url => new Promise(resolve => {
              const script = `importScripts('${url}/js/ccomet.js');
                const room = new CComet({ url: '${url}', channel: 'a' });
                room.on('message', message => postMessage(message.msg));
                room.on('state', state => postMessage(state));`;
              globalThis.told = [];
              globalThis.worker = new Worker(URL.createObjectURL(new Blob([script])));
              worker.onmessage = ({ data }) => { told.push(data); resolve(); };
              worker.onerror = ({ message }) => { told.push(message); resolve(); };
            })
            """,
            server.Url);
        await server.PublishAsync("a", "to both");

        await tabs[0].UntilAsync("() => told.length >= 2");
        Assert.Equal("[\"open\",\"to both\"]", await tabs[0].JsonAsync("told"));
        Assert.Equal(1, tabs[0].Requested.Count(BrowserTabs.IsStream));
    }

    [Fact]
    public async Task Leader_that_becomes_another_user_leaves_its_tabs()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = new List<BrowserPage>();
        for (var i = 0; i < 2; i++)
        {
            var tab = await BrowserTabs.NewTabAsync(browser);
            await tab.Page.GotoAsync(server.Url + "/tabs-test/");
            await tab.Page.EvaluateAsync("() => { globalThis.user = 'ann'; globalThis.token = () => `x.${btoa(JSON.stringify({ sub: user, iat: 0, exp: 2 })).replaceAll('=', '')}.x`; }");
            await tab.Page.EvaluateAsync($"options => ({Follow})({{ ...options, token }})", Options());
            await tab.UntilOpenAsync();
            tabs.Add(tab);
        }

        await tabs[0].Page.EvaluateAsync("() => { user = 'ben'; }");
        await BrowserTabs.LeaderAsync([tabs[1]]);
        await server.PublishAsync("a", "to both");
        foreach (var tab in tabs) Assert.Equal(["to both"], await tab.TextsAsync(1));
        Assert.True(await tabs[0].Page.EvaluateAsync<bool>("leads()"));
    }

    [Fact]
    public async Task Tabs_of_different_channels_share_one_connection()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, "a", "alice");
        var other = await BrowserTabs.NewTabAsync(browser);
        await other.JoinAsync(server, "b", "alice");
        await server.PublishAsync("b", "for b");
        await server.PublishAsync("a", "for a");

        await Expect(other.Message("for b")).ToHaveCountAsync(1);
        await Expect(browser.Message("for a")).ToHaveCountAsync(1);
        await Expect(browser.Message("for b")).ToHaveCountAsync(0);
        Assert.DoesNotContain(other.Requested, BrowserTabs.IsStream);
    }

    [Theory]
    [InlineData("closed")]
    [InlineData("frozen")]
    [InlineData("crashed")]
    public async Task Others_lose_and_repeat_nothing_when_the_leader_is(string fate)
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = await OpenFollowersAsync(browser, server, 4);
        await BrowserTabs.EndLeaderAsync(browser, server, tabs, fate);
    }

    [Fact]
    public async Task Leader_that_was_frozen_follows_when_it_comes_back()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = await OpenFollowersAsync(browser, server, 3);
        var leader = await BrowserTabs.LeaderAsync(tabs);
        var session = await BrowserTabs.FreezeAsync(browser, leader);
        await server.PublishAsync("a", "while it was frozen");
        var rest = tabs.Where(tab => tab != leader).ToArray();
        foreach (var tab in rest) await tab.TextsAsync(1);
        var next = await BrowserTabs.LeaderAsync(rest);
        await session.SendAsync("Debugger.resume");
        await session.SendAsync("Debugger.disable");
        await leader.TextsAsync(1);
        await leader.UntilAsync("async () => !await leads()");
        await server.PublishAsync("a", "afterwards");

        foreach (var tab in tabs) Assert.Equal(["while it was frozen", "afterwards"], await tab.TextsAsync(2));
        Assert.True(await next.Page.EvaluateAsync<bool>("leads()"));
    }

    [Fact]
    public async Task Tab_goes_on_from_its_own_cursor()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        for (var i = 0; i < 5; i++) await server.PublishAsync("a", $"{i}");
        var tabs = await OpenFollowersAsync(browser, server, 1);
        var epoch = await tabs[0].Page.EvaluateAsync<string>("room.cursor.split(':')[0]");
        var late = await BrowserTabs.NewTabAsync(browser);
        await late.Page.GotoAsync(server.Url + "/tabs-test/");
        await late.Page.EvaluateAsync(Follow, Options($"{epoch}:2"));
        await late.UntilOpenAsync();
        await server.PublishAsync("a", "5");

        Assert.Equal(["2", "3", "4", "5"], await late.TextsAsync(4));
        Assert.Equal(["5"], await tabs[0].TextsAsync(1));
        Assert.DoesNotContain(late.Requested, BrowserTabs.IsStream);
    }

    [Fact]
    public async Task Tabs_of_different_users_share_nothing()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = new List<BrowserPage>();
        foreach (var user in (string[])["ann", "ben", "ann"])
        {
            var tab = await BrowserTabs.NewTabAsync(browser);
            await tab.Page.GotoAsync(server.Url + "/tabs-test/");
            await tab.Page.EvaluateAsync("user => { globalThis.token = () => `x.${btoa(JSON.stringify({ sub: user, jti: Math.random() }))}.x`; }", user);
            await tab.Page.EvaluateAsync($"options => ({Follow})({{ ...options, token }})", Options());
            await tab.UntilOpenAsync();
            tabs.Add(tab);
        }

        await server.PublishAsync("a", "to all");
        foreach (var tab in tabs) Assert.Equal(["to all"], await tab.TextsAsync(1));
        Assert.Equal([1, 1, 0], tabs.Select(tab => tab.Requested.Count(BrowserTabs.IsStream)));
    }

    [Fact]
    public async Task Tab_without_locks_has_a_connection_of_its_own()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = await OpenFollowersAsync(browser, server, 1);
        var plain = await BrowserTabs.NewTabAsync(browser);
        await plain.Page.AddInitScriptAsync("Object.defineProperty(navigator, 'locks', { value: undefined })");
        await plain.Page.GotoAsync(server.Url + "/tabs-test/");
        await plain.Page.EvaluateAsync("options => record(options) && null", Options());
        await plain.UntilOpenAsync();
        await server.PublishAsync("a", "to both");

        Assert.Equal(["to both"], await plain.TextsAsync(1));
        Assert.Equal(["to both"], await tabs[0].TextsAsync(1));
        Assert.Contains(plain.Requested, BrowserTabs.IsStream);
    }

    [Fact]
    public async Task Tabs_go_on_after_a_restart_of_the_server()
    {
        var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = await OpenFollowersAsync(browser, server, 3);
        await server.PublishAsync("a", "before");
        foreach (var tab in tabs) await tab.TextsAsync(1);
        await server.StopAsync();
        foreach (var tab in tabs) await tab.UntilAsync("() => room.state === 'reconnecting'");
        await using var again = await LiveServer.StartAsync(server.Port);
        foreach (var tab in tabs) await tab.UntilOpenAsync();
        await again.PublishAsync("a", "after");

        foreach (var tab in tabs)
        {
            Assert.Equal(["before", "after"], await tab.TextsAsync(2));
            await tab.UntilAsync("() => log.resets.length === 1 && log.gaps.length === 0");
        }
    }

    private static object Options(string? cursor = null, string channel = "a") => new { url = "/", channel, cursor };

    private static async Task<List<BrowserPage>> OpenFollowersAsync(BrowserPage browser, LiveServer server, int count)
    {
        var tabs = new List<BrowserPage>();
        for (var i = 0; i < count; i++)
        {
            var tab = await BrowserTabs.NewTabAsync(browser);
            await tab.Page.GotoAsync(server.Url + "/tabs-test/");
            await tab.Page.EvaluateAsync(Follow, Options());
            await tab.UntilOpenAsync();
            tabs.Add(tab);
        }

        return tabs;
    }

    private static async Task<List<BrowserPage>> OpenChatsAsync(BrowserPage browser, LiveServer server, int count)
    {
        var tabs = new List<BrowserPage>();
        for (var i = 0; i < count; i++)
        {
            var tab = i == 0 ? browser : await BrowserTabs.NewTabAsync(browser);
            await tab.JoinAsync(server, "a", $"nick {i}");
            tabs.Add(tab);
        }

        return tabs;
    }
}
