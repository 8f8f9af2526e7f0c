namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>The JS client's habits with streams: silence, cuts and planned ends, with a scripted server and a clock turned by hand.</summary>
[Collection(Chromium.Wire)]
public sealed class ClientStreamTests(Chromium chromium)
{
    private const string Begin =
        """
        options => {
          globalThis.clock = handClock();
          globalThis.streams = [];
          const server = scripted(request => {
            if (request.verb === 'sub') return request.query.wait === '0' ? answer([], { 'CComet-Cursor': 'e:0' }) : undefined;
            streams.push(eventStream(request));
            return streams.at(-1).answer;
          });
          globalThis.socketServer = scriptedSocket();
          Object.assign(globalThis, server);
          record({ url: 'http://x', channel: 'a', ...options, env: { fetch: server.fetch, openSocket: socketServer.openSocket, random: () => 0, ...clock } });
          globalThis.verbs = () => requests.map(({ verb }) => verb);
        }
        """;

    [Fact]
    public async Task Stream_that_says_goodbye_is_opened_again_exactly_when_it_said()
    {
        await using var browser = await BeginAsync(new { });
        await SayAsync(browser, "retry: 1000\\n\\nid: e:5\\n\\n");
        await browser.UntilOpenAsync();
        await SayAsync(browser, "retry: 4321\\nevent: bye\\ndata: {\"type\":\"BYE\",\"retry\":4321}\\n\\n");
        await browser.UntilAsync("() => room.state === 'reconnecting' && clock.waits().includes(4321)");

        await browser.Page.EvaluateAsync("() => { document.dispatchEvent(new Event('visibilitychange')); clock.turn(4320); }");
        Assert.Equal("[\"sse\"]", await browser.JsonAsync("verbs()"));
        await browser.Page.EvaluateAsync("clock.turn(1)");
        await browser.UntilAsync("() => requests.length === 2");
        Assert.Equal("[\"sse\",\"5\",\"e\",0]", await browser.JsonAsync("[requests[1].verb, requests[1].query.seqid, requests[1].query.epoch, log.errors.length]"));
    }

    [Fact]
    public async Task Poll_that_is_sent_away_is_asked_again_exactly_when_it_was_told()
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync(
            """
            () => {
              globalThis.clock = handClock();
              const server = scripted(() => answer([], { 'CComet-Cursor': 'e:0' }), () => answer([], { 'CComet-Cursor': 'e:0', 'CComet-Retry': '2345' }), () => undefined);
              Object.assign(globalThis, server);
              record({ url: 'http://x', channel: 'a', transport: 'fetch', env: { fetch: server.fetch, ...clock } });
            }
            """);
        await browser.UntilAsync("() => clock.waits().includes(2345)");
        Assert.Equal("reconnecting", await browser.Page.EvaluateAsync<string>("room.state"));

        await browser.Page.EvaluateAsync("clock.turn(2344)");
        Assert.Equal(2, await browser.Page.EvaluateAsync<int>("requests.length"));
        await browser.Page.EvaluateAsync("clock.turn(1)");
        await browser.UntilAsync("() => requests.length === 3");
        Assert.Equal(0, await browser.Page.EvaluateAsync<int>("log.errors.length"));
    }

    [Fact]
    public async Task Socket_that_says_goodbye_is_opened_again_exactly_when_it_said()
    {
        await using var browser = await BeginAsync(new { transport = "websocket" });
        await browser.UntilAsync("() => socketServer.sockets.length === 1");
        await browser.Page.EvaluateAsync("() => { const [socket] = socketServer.sockets; socket.say([{ type: 'CURSOR', channel: 'a', epoch: 'e', seqid: 3 }]); socket.say([{ type: 'BYE', retry: 3456 }]); }");
        await browser.UntilAsync("() => clock.waits().includes(3456)");

        await browser.Page.EvaluateAsync("clock.turn(3456)");
        await browser.UntilAsync("() => socketServer.sockets.length === 2");
        Assert.Equal("ws://x/ws?channel=a&seqid=3&epoch=e", await browser.Page.EvaluateAsync<string>("socketServer.sockets[1].url"));
        Assert.Equal("[[\"connecting\",\"open\",\"reconnecting\"],[]]", await browser.JsonAsync("[log.states, log.errors]"));
    }

    [Fact]
    public async Task Stream_of_which_nothing_comes_gives_way_to_polls()
    {
        await using var browser = await BeginAsync(new { });
        await browser.UntilAsync("() => streams.length === 1");

        // It was answered, as by a proxy that collects what follows.
        await browser.Page.EvaluateAsync("clock.turn(8000)");
        await browser.UntilOpenAsync();

        Assert.Equal("[true,\"fetch\",[]]", await browser.JsonAsync("[requests[0].aborted, room.transport, log.errors]"));
    }

    [Fact]
    public async Task Stream_that_never_gave_a_sign_of_life_gives_way_to_polls_after_two()
    {
        await using var browser = await BeginAsync(new { });
        await SayAsync(browser, "retry: 1000\\n\\nid: e:5\\n\\n");
        await browser.UntilOpenAsync();
        await browser.Page.EvaluateAsync("clock.turn(33000)");
        await browser.UntilAsync("() => requests.length === 3");

        Assert.Equal("[[\"sse\",\"sub\",\"sub\"],\"5\",[]]", await browser.JsonAsync("[verbs(), requests[1].query.seqid, log.errors]"));
    }

    [Fact]
    public async Task Stream_that_was_alive_and_fell_silent_is_opened_again()
    {
        await using var browser = await BeginAsync(new { });
        await SayAsync(browser, "retry: 1000\\n\\nid: e:5\\n\\n");
        await browser.UntilOpenAsync();
        for (var i = 0; i < 3; i++)
        {
            await browser.Page.EvaluateAsync("clock.turn(15000)");
            await SayAsync(browser, ":\\n\\n");
            await browser.UntilAsync("() => clock.waits().includes(33000)");
        }

        await browser.Page.EvaluateAsync("clock.turn(33000)");
        await browser.UntilAsync("() => log.errors.length === 1");
        await browser.Page.EvaluateAsync("clock.turn(log.errors[0].retryIn)");
        await browser.UntilAsync("() => requests.length === 2");

        Assert.Equal("[[\"sse\",\"sse\"],\"sse\"]", await browser.JsonAsync("[verbs(), room.transport]"));
    }

    [Fact]
    public async Task Poll_that_is_the_first_to_find_the_server_after_an_outage_gives_way_to_a_stream()
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync(
            """
            () => {
              globalThis.clock = handClock();
              const gone = () => new TypeError('gone');
              const there = () => answer([], { 'CComet-Cursor': 'e:0' });
              // No stream gets through, polls do; then nothing does; then the server is back between a stream and a poll.
              const server = scripted(gone, there, gone, gone, there, () => undefined);
              Object.assign(globalThis, server);
              record({ url: 'http://x', channel: 'a', env: { fetch: server.fetch, random: () => 0, ...clock } });
            }
            """);
        await browser.UntilAsync("() => log.errors.length === 1");
        await browser.Page.EvaluateAsync("clock.turn(log.errors[0].retryIn)");
        await browser.UntilAsync("() => requests.length === 6");

        Assert.Equal("[\"sse\",\"sub\",\"sub\",\"sse\",\"sub\",\"sse\"]", await browser.JsonAsync("requests.map(({ verb }) => verb)"));
    }

    [Fact]
    public async Task Event_may_come_in_any_pieces()
    {
        await using var browser = await BeginAsync(new { });
        await browser.UntilAsync("() => streams.length === 1");
        await browser.Page.EvaluateAsync(
            """
            () => {
              const item = seqid => `id: e:${seqid + 1}\n` + `data: ${JSON.stringify({ type: 'MSG', channel: 'a', msg: `☄️ ${seqid}`, seqid })}\n\n`;
              const bytes = new TextEncoder().encode(`retry: 1\n\nid: e:0\n\n${item(0)}:\n\n${item(1)}`);
              for (const byte of bytes) streams[0].sayBytes(Uint8Array.of(byte));
            }
            """);

        Assert.Equal(["☄️ 0", "☄️ 1"], await browser.TextsAsync(2));
        Assert.Equal("e:2", await browser.Page.EvaluateAsync<string>("room.cursor"));
    }

    [Fact]
    public async Task Receipts_belong_to_publishes_in_their_order_and_what_has_none_is_sent_again_by_its_id()
    {
        await using var browser = await BeginAsync(new { transport = "websocket" });
        await browser.UntilAsync("() => socketServer.sockets.length === 1");
        await browser.Page.EvaluateAsync(
            """
            () => {
              globalThis.told = {};
              for (const text of ['one', 'two', 'three']) room.publish(text).then(receipt => { told[text] = receipt.seqid; }, error => { told[text] = error.status; });
              socketServer.sockets[0].say([{ type: 'CURSOR', channel: 'a', epoch: 'e', seqid: 0 }]);
            }
            """);
        await browser.UntilAsync("() => socketServer.sockets[0].sent.length === 1");
        await browser.Page.EvaluateAsync("socketServer.sockets[0].say([{ type: 'pub', channel: 'a', epoch: 'e', seqid: 0 }])");
        await browser.UntilAsync("() => socketServer.sockets[0].sent.length === 2");
        await browser.Page.EvaluateAsync("socketServer.sockets[0].say([{ type: '413', reason: 'msg: is too long' }])");
        await browser.UntilAsync("() => socketServer.sockets[0].sent.length === 3");

        await browser.Page.EvaluateAsync("socketServer.sockets[0].onclose({ code: 1006 })");
        await browser.UntilAsync("() => log.errors.length === 1");
        await browser.UntilAsync("() => { clock.turn(20); return socketServer.sockets.length === 2; }");
        await browser.Page.EvaluateAsync("socketServer.sockets[1].say([{ type: 'CURSOR', channel: 'a', epoch: 'e', seqid: 0 }])");
        await browser.UntilAsync("() => { clock.turn(20); return socketServer.sockets[1].sent.length === 1; }");
        await browser.Page.EvaluateAsync("socketServer.sockets[1].say([{ type: 'pub', channel: 'a', epoch: 'e', seqid: 1, duplicate: true }])");
        await browser.UntilAsync("() => 'three' in told");

        Assert.Equal("{\"one\":0,\"two\":413,\"three\":1}", await browser.JsonAsync("told"));
        Assert.True(await browser.Page.EvaluateAsync<bool>("socketServer.sockets[0].sent[2].id === socketServer.sockets[1].sent[0].id"));
    }

    private static Task SayAsync(BrowserPage browser, string text) => browser.UntilAsync($"() => streams.length > 0 && (streams.at(-1).say('{text}'), true)");

    private async Task<BrowserPage> BeginAsync(object options)
    {
        var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync(Begin, options);
        return browser;
    }
}
