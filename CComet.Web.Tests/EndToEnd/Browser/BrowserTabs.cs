using CComet.Web.Tests.Support;
using Microsoft.Playwright;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>The tabs of one browser, of which one leads.</summary>
internal static class BrowserTabs
{
    /// <summary><c>leads()</c> tells whether the page holds the lock of its group.</summary>
    private const string Leads = """
        globalThis.leads = async () => {
          const { clientId: own } = await navigator.locks.request('own ' + Math.random(), async lock => (await navigator.locks.query()).held.find(one => one.name === lock.name));
          return (await navigator.locks.query()).held.some(one => one.name.startsWith('ccomet ') && one.clientId === own);
        };
        """;

    public static bool IsStream(string url) => new Uri(url).AbsolutePath is "/sse" or "/stream";

    /// <summary>Opens another tab of the same browser, whose pages of the server under /tabs-test/ have the client and the harness.</summary>
    public static async Task<BrowserPage> NewTabAsync(BrowserPage browser)
    {
        var tab = new BrowserPage(browser.Context, await browser.Context.NewPageAsync());
        await tab.Page.AddInitScriptAsync(Leads);
        await tab.Page.RouteAsync("**/tabs-test/", route => route.FulfillAsync(new() { ContentType = "text/html; charset=utf-8", Body = "<!doctype html><title>Test</title><script src=/js/ccomet.js></script><script src=harness.js></script>" }));
        await tab.Page.RouteAsync("**/tabs-test/harness.js", route => route.FulfillAsync(new() { ContentType = "text/javascript; charset=utf-8", Path = Path.Combine(Chromium.Root, "CComet.Web.Tests/EndToEnd/Browser/pages/harness.js") }));
        await tab.Page.RouteAsync("**/tabs-test/client.js", route => route.FulfillAsync(new() { ContentType = "text/javascript; charset=utf-8", Path = Path.Combine(Chromium.Root, "clients/js/dist/index.js") }));
        return tab;
    }

    /// <summary>Waits until one of them leads, and gives it.</summary>
    public static async Task<BrowserPage> LeaderAsync(IReadOnlyList<BrowserPage> tabs)
    {
        BrowserPage? leader = null;
        await Eventually.TrueAsync(
            async () =>
            {
                foreach (var tab in tabs)
                {
                    if (await tab.Page.EvaluateAsync<bool>("leads()")) leader = tab;
                }

                return leader is not null;
            },
            "One tab leads");
        return leader!;
    }

    /// <summary>Ends the leader while messages come, and checks that the others have lost and repeated none.</summary>
    public static async Task EndLeaderAsync(BrowserPage browser, LiveServer server, IReadOnlyList<BrowserPage> tabs, string fate)
    {
        const int Count = 20;
        var leader = await LeaderAsync(tabs);
        var rest = tabs.Where(tab => tab != leader).ToArray();
        for (var i = 0; i < Count; i++)
        {
            await server.PublishAsync("a", $"{i}");
            if (i == Count / 2) await EndAsync(browser, leader, fate);
        }

        foreach (var tab in rest) await tab.TextsAsync(Count);
        await LeaderAsync(rest);
        await server.PublishAsync("a", $"{Count}");
        foreach (var tab in rest)
        {
            Assert.Equal(Enumerable.Range(0, Count + 1).Select(i => $"{i}"), await tab.TextsAsync(Count + 1));
            Assert.Equal("[]", await tab.JsonAsync("[...log.gaps, ...log.resets ?? []]"));
        }
    }

    private static async Task EndAsync(BrowserPage browser, BrowserPage tab, string fate)
    {
        if (fate == "closed")
        {
            await tab.Page.CloseAsync();
        }
        else if (fate == "frozen")
        {
            await FreezeAsync(browser, tab);
        }
        else
        {
            var crashed = new TaskCompletionSource();
            tab.Page.Crash += (_, _) => crashed.TrySetResult();
            var session = await browser.Context.NewCDPSessionAsync(tab.Page);

            // Is never answered: there is nobody left to do it.
            _ = session.SendAsync("Page.crash").ContinueWith(done => done.Exception, TaskScheduler.Default);
            await crashed.Task.WaitAsync(Patience.Limit);
        }
    }

    /// <summary>Stops a tab in the debugger: like a frozen one it does nothing, but keeps its lock and its connection. Chromium freezes only what is hidden, and here nothing is.</summary>
    public static async Task<ICDPSession> FreezeAsync(BrowserPage browser, BrowserPage tab)
    {
        var session = await browser.Context.NewCDPSessionAsync(tab.Page);
        var paused = new TaskCompletionSource();
        session.Event("Debugger.paused").OnEvent += (_, _) => paused.TrySetResult();
        await session.SendAsync("Debugger.enable");
        await session.SendAsync("Debugger.pause");
        await paused.Task.WaitAsync(Patience.Limit);
        return session;
    }
}
