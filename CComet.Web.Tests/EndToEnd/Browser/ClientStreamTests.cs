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
    public async Task A_stream_that_says_goodbye_is_opened_again_exactly_when_it_said()
    {
        await using var visitor = await BeginAsync(new { });
        await SayAsync(visitor, "retry: 1000\\n\\nid: e:5\\n\\n");
        await visitor.UntilOpenAsync();
        await SayAsync(visitor, "retry: 4321\\nevent: bye\\ndata: {\"type\":\"BYE\",\"retry\":4321}\\n\\n");
        await visitor.UntilAsync("() => room.state === 'reconnecting' && clock.waits().includes(4321)");

        await visitor.Page.EvaluateAsync("() => { document.dispatchEvent(new Event('visibilitychange')); clock.turn(4320); }");
        Assert.Equal("[\"sse\"]", await visitor.JsonAsync("verbs()"));
        await visitor.Page.EvaluateAsync("clock.turn(1)");
        await visitor.UntilAsync("() => requests.length === 2");
        Assert.Equal("[\"sse\",\"5\",\"e\",0]", await visitor.JsonAsync("[requests[1].verb, requests[1].query.seqid, requests[1].query.epoch, log.errors.length]"));
    }

    [Fact]
    public async Task A_poll_that_is_sent_away_is_asked_again_exactly_when_it_was_told()
    {
        await using var visitor = await chromium.VisitAsync();
        await visitor.HostClientAsync();
        await visitor.Page.EvaluateAsync(
            """
            () => {
              globalThis.clock = handClock();
              const server = scripted(() => answer([], { 'CComet-Cursor': 'e:0' }), () => answer([], { 'CComet-Cursor': 'e:0', 'CComet-Retry': '2345' }), () => undefined);
              Object.assign(globalThis, server);
              record({ url: 'http://x', channel: 'a', transport: 'fetch', env: { fetch: server.fetch, ...clock } });
            }
            """);
        await visitor.UntilAsync("() => clock.waits().includes(2345)");
        Assert.Equal("reconnecting", await visitor.Page.EvaluateAsync<string>("room.state"));

        await visitor.Page.EvaluateAsync("clock.turn(2344)");
        Assert.Equal(2, await visitor.Page.EvaluateAsync<int>("requests.length"));
        await visitor.Page.EvaluateAsync("clock.turn(1)");
        await visitor.UntilAsync("() => requests.length === 3");
        Assert.Equal(0, await visitor.Page.EvaluateAsync<int>("log.errors.length"));
    }

    [Fact]
    public async Task A_socket_that_says_goodbye_is_opened_again_exactly_when_it_said()
    {
        await using var visitor = await BeginAsync(new { transport = "websocket" });
        await visitor.UntilAsync("() => socketServer.sockets.length === 1");
        await visitor.Page.EvaluateAsync("() => { const [socket] = socketServer.sockets; socket.say([{ type: 'CURSOR', channel: 'a', epoch: 'e', seqid: 3 }]); socket.say([{ type: 'BYE', retry: 3456 }]); }");
        await visitor.UntilAsync("() => clock.waits().includes(3456)");

        await visitor.Page.EvaluateAsync("clock.turn(3456)");
        await visitor.UntilAsync("() => socketServer.sockets.length === 2");
        Assert.Equal("ws://x/ws?channel=a&seqid=3&epoch=e", await visitor.Page.EvaluateAsync<string>("socketServer.sockets[1].url"));
        Assert.Equal("[[\"connecting\",\"open\",\"reconnecting\"],[]]", await visitor.JsonAsync("[log.states, log.errors]"));
    }

    [Fact]
    public async Task A_stream_of_which_nothing_comes_gives_way_to_polls()
    {
        await using var visitor = await BeginAsync(new { });
        await visitor.UntilAsync("() => streams.length === 1");

        // It was answered, as by a proxy that collects what follows.
        await visitor.Page.EvaluateAsync("clock.turn(8000)");
        await visitor.UntilOpenAsync();

        Assert.Equal("[true,\"fetch\",[]]", await visitor.JsonAsync("[requests[0].aborted, room.transport, log.errors]"));
    }

    [Fact]
    public async Task A_stream_that_never_gave_a_sign_of_life_gives_way_to_polls_after_two()
    {
        await using var visitor = await BeginAsync(new { });
        await SayAsync(visitor, "retry: 1000\\n\\nid: e:5\\n\\n");
        await visitor.UntilOpenAsync();
        await visitor.Page.EvaluateAsync("clock.turn(33000)");
        await visitor.UntilAsync("() => requests.length === 3");

        Assert.Equal("[[\"sse\",\"sub\",\"sub\"],\"5\",[]]", await visitor.JsonAsync("[verbs(), requests[1].query.seqid, log.errors]"));
    }

    [Fact]
    public async Task A_stream_that_was_alive_and_fell_silent_is_opened_again()
    {
        await using var visitor = await BeginAsync(new { });
        await SayAsync(visitor, "retry: 1000\\n\\nid: e:5\\n\\n");
        await visitor.UntilOpenAsync();
        for (var i = 0; i < 3; i++)
        {
            await visitor.Page.EvaluateAsync("clock.turn(15000)");
            await SayAsync(visitor, ":\\n\\n");
            await visitor.UntilAsync("() => clock.waits().includes(33000)");
        }

        await visitor.Page.EvaluateAsync("clock.turn(33000)");
        await visitor.UntilAsync("() => log.errors.length === 1");
        await visitor.Page.EvaluateAsync("clock.turn(log.errors[0].retryIn)");
        await visitor.UntilAsync("() => requests.length === 2");

        Assert.Equal("[[\"sse\",\"sse\"],\"sse\"]", await visitor.JsonAsync("[verbs(), room.transport]"));
    }

    [Fact]
    public async Task A_poll_that_is_the_first_to_find_the_server_after_an_outage_gives_way_to_a_stream()
    {
        await using var visitor = await chromium.VisitAsync();
        await visitor.HostClientAsync();
        await visitor.Page.EvaluateAsync(
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
        await visitor.UntilAsync("() => log.errors.length === 1");
        await visitor.Page.EvaluateAsync("clock.turn(log.errors[0].retryIn)");
        await visitor.UntilAsync("() => requests.length === 6");

        Assert.Equal("[\"sse\",\"sub\",\"sub\",\"sse\",\"sub\",\"sse\"]", await visitor.JsonAsync("requests.map(({ verb }) => verb)"));
    }

    [Fact]
    public async Task An_event_may_come_in_any_pieces()
    {
        await using var visitor = await BeginAsync(new { });
        await visitor.UntilAsync("() => streams.length === 1");
        await visitor.Page.EvaluateAsync(
            """
            () => {
              const item = seqid => `id: e:${seqid + 1}\n` + `data: ${JSON.stringify({ type: 'MSG', channel: 'a', msg: `☄️ ${seqid}`, seqid })}\n\n`;
              const bytes = new TextEncoder().encode(`retry: 1\n\nid: e:0\n\n${item(0)}:\n\n${item(1)}`);
              for (const byte of bytes) streams[0].sayBytes(Uint8Array.of(byte));
            }
            """);

        Assert.Equal(["☄️ 0", "☄️ 1"], await visitor.TextsAsync(2));
        Assert.Equal("e:2", await visitor.Page.EvaluateAsync<string>("room.cursor"));
    }

    [Fact]
    public async Task Receipts_belong_to_publishes_in_their_order_and_what_has_none_is_sent_again_by_its_id()
    {
        await using var visitor = await BeginAsync(new { transport = "websocket" });
        await visitor.UntilAsync("() => socketServer.sockets.length === 1");
        await visitor.Page.EvaluateAsync(
            """
            () => {
              globalThis.told = {};
              for (const text of ['one', 'two', 'three']) room.publish(text).then(receipt => { told[text] = receipt.seqid; }, error => { told[text] = error.status; });
              socketServer.sockets[0].say([{ type: 'CURSOR', channel: 'a', epoch: 'e', seqid: 0 }]);
            }
            """);
        await visitor.UntilAsync("() => socketServer.sockets[0].sent.length === 1");
        await visitor.Page.EvaluateAsync("socketServer.sockets[0].say([{ type: 'pub', channel: 'a', epoch: 'e', seqid: 0 }])");
        await visitor.UntilAsync("() => socketServer.sockets[0].sent.length === 2");
        await visitor.Page.EvaluateAsync("socketServer.sockets[0].say([{ type: '413', reason: 'msg: is too long' }])");
        await visitor.UntilAsync("() => socketServer.sockets[0].sent.length === 3");

        await visitor.Page.EvaluateAsync("socketServer.sockets[0].onclose({ code: 1006 })");
        await visitor.UntilAsync("() => log.errors.length === 1");
        await visitor.UntilAsync("() => { clock.turn(20); return socketServer.sockets.length === 2; }");
        await visitor.Page.EvaluateAsync("socketServer.sockets[1].say([{ type: 'CURSOR', channel: 'a', epoch: 'e', seqid: 0 }])");
        await visitor.UntilAsync("() => { clock.turn(20); return socketServer.sockets[1].sent.length === 1; }");
        await visitor.Page.EvaluateAsync("socketServer.sockets[1].say([{ type: 'pub', channel: 'a', epoch: 'e', seqid: 1, duplicate: true }])");
        await visitor.UntilAsync("() => 'three' in told");

        Assert.Equal("{\"one\":0,\"two\":413,\"three\":1}", await visitor.JsonAsync("told"));
        Assert.True(await visitor.Page.EvaluateAsync<bool>("socketServer.sockets[0].sent[2].id === socketServer.sockets[1].sent[0].id"));
    }

    private static Task SayAsync(Visitor visitor, string text) => visitor.UntilAsync($"() => streams.length > 0 && (streams.at(-1).say('{text}'), true)");

    private async Task<Visitor> BeginAsync(object options)
    {
        var visitor = await chromium.VisitAsync();
        await visitor.HostClientAsync();
        await visitor.Page.EvaluateAsync(Begin, options);
        return visitor;
    }
}
