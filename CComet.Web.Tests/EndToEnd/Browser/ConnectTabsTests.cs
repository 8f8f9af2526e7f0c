using System.Globalization;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>The tabs of one browser whose clients are made by <c>connect(url, { tabs })</c> share one connection.</summary>
[Collection(Chromium.Pages)]
public sealed class ConnectTabsTests(Chromium chromium)
{
    private const string KeepAll = "CComet:History:MaxMessages=100000";

    /// <summary>Makes the client of the page, unless it has one, and writes down what comes of a channel.</summary>
    private const string Follow = """
        async ({ channel, from, options }) => {
          const { connect, tabs } = await import('/tabs-test/client.js');
          globalThis.client ??= connect('/', { tabs, ...options });
          const room = client.subscribe(channel, { from: from ?? undefined });
          const log = { messages: [], gaps: [], states: [], errors: [] };
          room.on('message', message => log.messages.push(message));
          room.on('gap', gap => log.gaps.push(gap));
          room.on('state', state => log.states.push(state));
          room.on('error', error => log.errors.push(error.detail));
          Object.assign(globalThis, { room, log });
          await room.opened;
        }
        """;

    [Fact]
    public async Task Seven_tabs_follow_and_publish()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = await OpenAsync(browser, server, 7);

        for (var i = 0; i < tabs.Count; i++) Assert.Equal(i, await tabs[i].Page.EvaluateAsync<int>("i => client.publish('a', `${i}`).then(receipt => receipt.seqid)", i));
        foreach (var tab in tabs)
        {
            Assert.Equal(Numbers(7), await tab.TextsAsync(7));
            Assert.Equal("[[\"open\"],[],[]]", await tab.JsonAsync("[log.states, log.gaps, log.errors]"));
        }

        // The one that leads asks what a client alone asks.
        Assert.Equal("/stream", Assert.Single(Asked(tabs[0])));
        Assert.All(tabs.Skip(1), tab => Assert.DoesNotContain("/stream", Asked(tab)));
    }

    [Theory]
    [InlineData("closed")]
    [InlineData("frozen")]
    [InlineData("crashed")]
    public async Task Others_lose_and_repeat_nothing_when_the_leader_is(string fate)
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = await OpenAsync(browser, server, 7);
        await BrowserTabs.EndLeaderAsync(browser, server, tabs, fate);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Slow_reader_holds_up_no_other_tab_and_reads_all_later(int slow)
    {
        const int Count = 1_000;
        await using var server = await LiveServer.StartAsync(KeepAll);
        await using var browser = await chromium.OpenPageAsync();
        var tabs = await OpenAsync(browser, server, 3);

        // A second subscription of the same tab, on a channel that nobody else follows, reads nothing.
        await tabs[slow].Page.EvaluateAsync("async () => { globalThis.unread = client.subscribe('b'); await unread.opened; }");
        for (var i = 0; i < Count; i++) await server.PublishAsync("b", $"{i}");
        for (var i = 0; i < 10; i++) await server.PublishAsync("a", $"{i}");
        foreach (var tab in tabs) Assert.Equal(Numbers(10), await tab.TextsAsync(10));

        var read = await tabs[slow].Page.EvaluateAsync<string[]>("async count => { const texts = []; for await (const { msg } of unread) if (texts.push(msg) === count) return texts; }", Count);
        Assert.Equal(Numbers(Count), read);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Slow_reader_of_the_same_channel_holds_up_no_other_tab(int slow)
    {
        const int Count = 1_000;
        await using var server = await LiveServer.StartAsync(KeepAll);
        await using var browser = await chromium.OpenPageAsync();
        var tabs = new List<BrowserPage>();
        for (var i = 0; i < 3; i++)
        {
            tabs.Add(await NewTabAsync(browser, server));
            if (i == slow) await tabs[i].Page.EvaluateAsync("async () => { const { connect, tabs } = await import('/tabs-test/client.js'); globalThis.unread = connect('/', { tabs }).subscribe('a'); await unread.opened; }");
            else await FollowAsync(tabs[i]);
        }

        for (var i = 0; i < Count; i++) await server.PublishAsync("a", $"{i}");
        for (var i = 0; i < 3; i++) if (i != slow) Assert.Equal(Numbers(Count), await tabs[i].TextsAsync(Count));

        var read = await tabs[slow].Page.EvaluateAsync<string[]>("async count => { const texts = []; for await (const { msg } of unread) if (texts.push(msg) === count) return texts; }", Count);
        Assert.Equal(Numbers(Count), read);
    }

    [Fact]
    public async Task Slow_reader_who_was_alone_holds_up_no_tab_that_comes_later()
    {
        const int Count = 1_000;
        await using var server = await LiveServer.StartAsync(KeepAll);
        await using var browser = await chromium.OpenPageAsync();
        var slow = await NewTabAsync(browser, server);
        for (var i = 0; i < Count; i++) await server.PublishAsync("a", $"{i}");
        await slow.Page.EvaluateAsync("async () => { const { connect, tabs } = await import('/tabs-test/client.js'); globalThis.unread = connect('/', { tabs }).subscribe('a', { from: 'start' }); await unread.opened; }");
        var other = await NewTabAsync(browser, server);
        await FollowAsync(other, "b");
        await server.PublishAsync("b", "for the other");

        Assert.Equal(["for the other"], await other.TextsAsync(1));
        Assert.Equal(Numbers(Count), await slow.Page.EvaluateAsync<string[]>("async count => { const texts = []; for await (const { msg } of unread) if (texts.push(msg) === count) return texts; }", Count));
    }

    [Fact]
    public async Task Tab_follows_from_the_start_and_from_a_cursor_of_its_own()
    {
        await using var server = await LiveServer.StartAsync(KeepAll);
        await using var browser = await chromium.OpenPageAsync();
        var tabs = await OpenAsync(browser, server, 1);
        for (var i = 0; i < 600; i++) await server.PublishAsync("a", $"{i}");
        await tabs[0].TextsAsync(600);
        var cursor = await tabs[0].Page.EvaluateAsync<string>("log.messages[9].cursor");
        var late = await NewTabAsync(browser, server);
        await FollowAsync(late, from: cursor);
        Assert.Equal(Numbers(600).Skip(10), await late.TextsAsync(590));

        // Not read before it is open.
        var all = await late.Page.EvaluateAsync<string[]>(
            """
            async () => {
              const texts = [];
              const room = client.subscribe('a', { from: 'start' });
              await room.opened;
              for await (const { msg } of room) if (texts.push(msg) === 600) return texts;
            }
            """);
        Assert.Equal(Numbers(600), all);
        Assert.DoesNotContain("/stream", Asked(late));
    }

    [Theory]
    [InlineData("Worker")]
    [InlineData("SharedWorker")]
    public async Task Worker_shares_with_the_pages(string kind)
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = await OpenAsync(browser, server, 1);
        var client = await File.ReadAllTextAsync(Path.Combine(Chromium.Root, "clients/js/dist/index.cjs"));
        await tabs[0].Page.EvaluateAsync(
            """
            ({ kind, client }) => new Promise(resolve => {
              const script = `const module = { exports: {} }, { exports } = module; ${client}
                const { connect, tabs } = module.exports;
                const begin = port => {
                  const room = connect('${location.origin}', { tabs }).subscribe('a');
                  room.on('message', message => port.postMessage(message.msg));
                  room.opened.then(() => port.postMessage('open'), error => port.postMessage(String(error)));
                };
                if (globalThis.SharedWorkerGlobalScope) onconnect = ({ ports: [port] }) => begin(port); else begin(globalThis);`;
              globalThis.told = [];
              globalThis.worker = new globalThis[kind](URL.createObjectURL(new Blob([script])));
              (worker.port ?? worker).onmessage = ({ data }) => { told.push(data); resolve(); };
              worker.onerror = ({ message }) => { told.push(message); resolve(); };
            })
            """,
            new { kind, client });
        await server.PublishAsync("a", "to both");
        await tabs[0].UntilAsync("() => told.length >= 2");

        Assert.Equal("[\"open\",\"to both\"]", await tabs[0].JsonAsync("told"));
        Assert.Equal(["to both"], await tabs[0].TextsAsync(1));
        Assert.Equal(2, await tabs[0].Page.EvaluateAsync<int>("navigator.locks.query().then(({ held, pending }) => [...held, ...pending].filter(({ name }) => name.startsWith('ccomet ')).length)"));
        Assert.True(await tabs[0].Page.EvaluateAsync<bool>("leads()"));
    }

    [Fact]
    public async Task Tabs_that_differ_in_user_or_headers_share_nothing()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = new List<BrowserPage>();
        foreach (var options in (object[])[new { token = Token("ann") }, new { token = Token("ben") }, new { headers = new Dictionary<string, string> { ["X-Tenant"] = "b" } }, new { token = Token("ann") }])
        {
            tabs.Add(await NewTabAsync(browser, server));
            await FollowAsync(tabs[^1], options: options);
        }

        await server.PublishAsync("a", "to all");
        foreach (var tab in tabs) Assert.Equal(["to all"], await tab.TextsAsync(1));
        Assert.Equal([1, 1, 1, 0], tabs.Select(tab => Asked(tab).Count(path => path == "/stream")));

        static string Token(string user) => $"x.{Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($$"""{"sub":"{{user}}","jti":"{{Guid.NewGuid()}}"}""")).TrimEnd('=')}.x";
    }

    [Fact]
    public async Task Tab_without_locks_has_a_connection_of_its_own()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = await OpenAsync(browser, server, 1);
        var plain = await BrowserTabs.NewTabAsync(browser);
        await plain.Page.AddInitScriptAsync("Object.defineProperty(navigator, 'locks', { value: undefined })");
        await plain.Page.GotoAsync(server.Url + "/tabs-test/");
        await FollowAsync(plain);
        await server.PublishAsync("a", "to both");

        Assert.Equal(["to both"], await plain.TextsAsync(1));
        Assert.Equal(["to both"], await tabs[0].TextsAsync(1));
        Assert.Equal("/stream", Assert.Single(Asked(plain)));
        Assert.Equal("CComet: tabs must be imported.", await plain.Page.EvaluateAsync<string>("async () => { const { connect } = await import('/tabs-test/client.js'); try { connect('/', { tabs: true }); } catch (error) { return error.message; } }"));
    }

    [Fact]
    public async Task Tabs_go_on_after_a_restart_of_the_server()
    {
        var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = await OpenAsync(browser, server, 3);
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
            Assert.Equal("[true]", await tab.JsonAsync("log.gaps.map(({ reset }) => reset)"));
        }
    }

    [Fact]
    public async Task Client_that_is_closed_lets_another_tab_lead()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tabs = await OpenAsync(browser, server, 3);
        await tabs[0].Page.EvaluateAsync("client.close()");
        await BrowserTabs.LeaderAsync([.. tabs.Skip(1)]);
        await server.PublishAsync("a", "afterwards");

        foreach (var tab in tabs.Skip(1)) Assert.Equal(["afterwards"], await tab.TextsAsync(1));
        Assert.Equal("[\"open\",\"closed\"]", await tabs[0].JsonAsync("log.states"));
        Assert.False(await tabs[0].Page.EvaluateAsync<bool>("leads()"));
    }

    private static IEnumerable<string> Numbers(int count) => Enumerable.Range(0, count).Select(i => i.ToString(CultureInfo.InvariantCulture));

    /// <summary>The paths of what a page asked to follow.</summary>
    private static IEnumerable<string> Asked(BrowserPage tab) => tab.Requested.Select(url => new Uri(url).AbsolutePath).Where(path => path is "/sub" or "/stream");

    private static async Task<BrowserPage> NewTabAsync(BrowserPage browser, LiveServer server)
    {
        var tab = await BrowserTabs.NewTabAsync(browser);
        await tab.Page.GotoAsync(server.Url + "/tabs-test/");
        return tab;
    }

    private static async Task FollowAsync(BrowserPage tab, string channel = "a", string? from = null, object? options = null) => await tab.Page.EvaluateAsync(Follow, new { channel, from, options });

    private static async Task<List<BrowserPage>> OpenAsync(BrowserPage browser, LiveServer server, int count)
    {
        var tabs = new List<BrowserPage>();
        for (var i = 0; i < count; i++)
        {
            tabs.Add(await NewTabAsync(browser, server));
            await FollowAsync(tabs[i]);
        }

        return tabs;
    }
}
