namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>The JS client's lengths of time do not follow the clock of the day, which somebody may set, and have bounds where a server tells them.</summary>
[Collection(Chromium.Client)]
public sealed class ClockTests(Chromium chromium)
{
    [Theory, InlineData(3_600_000), InlineData(-3_600_000)]
    public async Task Publish_gives_up_after_its_time_when_the_clock_is_set_meanwhile(int set)
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        var sent = await browser.Page.EvaluateAsync<int>(
            """
            async set => {
              let passed = 0, moved = 0;
              const monotonic = performance.now(), day = Date.now();
              performance.now = () => monotonic + passed;
              Date.now = () => day + passed + moved;
              const { fetch, requests } = scripted(({ verb }) => (verb === 'pub' ? new TypeError('no network') : undefined));
              record({ url: 'http://x', transport: 'fetch', channel: 'a', retryMin: 500, env: { fetch, random: () => 0, setTimeout: (fn, ms) => { if (ms === 500) { passed += ms; moved = set; setTimeout(fn); } } } });
              await room.publish('x', { timeout: 2100 }).catch(() => {});
              return requests.filter(({ verb }) => verb === 'pub').length;
            }
            """,
            set);

        Assert.Equal(5, sent);
    }

    [Fact]
    public async Task Page_that_is_looked_at_asks_at_once_when_only_the_clock_of_the_day_went_on()
    {
        // As on a computer that slept: the monotonic clock of some stands still meanwhile.
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync(
            """
            () => {
              globalThis.day = 0;
              const server = scripted(({ query }) => (query.wait === '0' ? answer([], { 'CComet-Cursor': 'e:0' }) : undefined));
              Object.assign(globalThis, server);
              record({ url: 'http://x', transport: 'fetch', channel: 'a', env: { fetch: server.fetch, ...handClock(), wallTime: () => day } });
            }
            """);
        await browser.UntilAsync("() => requests.length === 2");
        await browser.Page.EvaluateAsync("() => { day -= 60000; document.dispatchEvent(new Event('visibilitychange')); }");
        Assert.False(await browser.Page.EvaluateAsync<bool>("requests[1].aborted"));
        await browser.Page.EvaluateAsync("() => { day += 120000; document.dispatchEvent(new Event('visibilitychange')); }");

        await browser.UntilAsync("() => requests.length === 4");
        Assert.True(await browser.Page.EvaluateAsync<bool>("requests[1].aborted"));
    }

    [Theory]
    [InlineData("7", 7_000)]
    [InlineData("99999999999", 3_600_000)]
    [InlineData("Fri, 01 Jan 2100 00:00:00 GMT", 300_000)]
    [InlineData("Thu, 01 Jan 1970 00:00:00 GMT", 20)]
    [InlineData("soon", 20)]
    public async Task Retry_After_is_obeyed_within_bounds(string told, int pause)
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        var retryIn = await browser.Page.EvaluateAsync<int>(
            """
            told => new Promise(done => {
              const { fetch } = scripted(() => answer({}, { status: 503, 'Retry-After': told }));
              record({ url: 'http://x', transport: 'fetch', channel: 'a', env: { fetch, random: () => 0, ...handClock() } });
              room.on('error', error => { room.close(); done(error.retryIn); });
            })
            """,
            told);

        Assert.Equal(pause, retryIn);
    }

    [Theory]
    [InlineData("sse")]
    [InlineData("fetch")]
    [InlineData("websocket")]
    public async Task Pause_that_a_stopping_server_tells_has_a_bound(string transport)
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync(
            """
            transport => {
              globalThis.clock = handClock();
              const socketServer = globalThis.socketServer = scriptedSocket();
              const { fetch } = scripted(request => {
                if (request.verb === 'sub') return answer([], { 'CComet-Cursor': 'e:0', 'CComet-Retry': '9999999999' });
                const stream = eventStream(request);
                stream.say('id: e:0\n\nevent: bye\ndata: {"type":"BYE","retry":9999999999}\n\n');
                return stream.answer;
              });
              record({ url: 'http://x', transport, channel: 'a', env: { fetch, openSocket: socketServer.openSocket, random: () => 0, ...clock } });
            }
            """,
            transport);
        if (transport == "websocket") await browser.UntilAsync("() => socketServer.sockets.length === 1 && (socketServer.sockets[0].say([{ type: 'BYE', retry: 9999999999 }]), true)");

        await browser.UntilAsync("() => clock.waits().includes(3600000)");
        Assert.Equal(3_600_000, await browser.Page.EvaluateAsync<double>("room.retryIn"));
    }
}
