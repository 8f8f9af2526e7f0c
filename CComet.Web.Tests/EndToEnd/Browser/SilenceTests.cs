namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>The JS client notices a connection that died without a sign, on every transport and in every state, with a clock turned by hand.</summary>
[Collection(Chromium.Wire)]
public sealed class SilenceTests(Chromium chromium)
{
    private const string Begin =
        """
        options => {
          globalThis.clock = handClock();
          globalThis.streams = [];
          globalThis.answers = { sub: ({ query }) => (query.wait === '0' ? answer([], { 'CComet-Cursor': 'e:0' }) : undefined), pub: () => undefined };
          const server = scripted(request => {
            if (request.verb !== 'sse') return answers[request.verb](request);
            streams.push(eventStream(request));
            return streams.at(-1).answer;
          });
          globalThis.socketServer = scriptedSocket();
          globalThis.scripts = [];
          const page = {
            baseURI: 'http://page/',
            createElement: () => { const script = { isGone: false, remove: () => { script.isGone = true; } }; scripts.push(script); return script; },
            head: { append: () => {} },
            addEventListener: () => {},
            removeEventListener: () => {},
          };
          Object.assign(globalThis, server);
          record({ url: 'http://x', channel: 'a', ...options, env: { fetch: server.fetch, openSocket: socketServer.openSocket, random: () => 0, ...(options.transport === 'jsonp' ? { document: page } : {}), ...clock } });
          globalThis.cursorFrame = seqid => [{ type: 'CURSOR', channel: 'a', epoch: 'e', seqid }];
          globalThis.item = seqid => ({ type: 'MSG', channel: 'a', msg: `m${seqid}`, seqid });
          globalThis.calledBack = script => { globalThis[new URL(script.src).searchParams.get('callback')](JSON.stringify(cursorFrame(3))); script.onload(); };
        }
        """;

    [Fact]
    public async Task Socket_that_falls_silent_is_opened_again_from_its_cursor()
    {
        await using var browser = await BeginAsync("websocket");
        await browser.UntilAsync("() => socketServer.sockets.length === 1");
        await browser.Page.EvaluateAsync("() => { socketServer.sockets[0].say(cursorFrame(0)); socketServer.sockets[0].say([item(0)]); }");
        for (var i = 0; i < 4; i++) await browser.Page.EvaluateAsync("() => { clock.turn(15000); socketServer.sockets[0].say([]); }");
        Assert.Equal("[[\"m0\"],[\"connecting\",\"open\"],[]]", await browser.JsonAsync("[texts(), log.states, log.errors]"));

        await browser.Page.EvaluateAsync("clock.turn(33000)");
        await browser.UntilAsync("() => room.state === 'reconnecting' && log.errors.length === 1");
        await browser.Page.EvaluateAsync("clock.turn(room.retryIn)");
        await browser.UntilAsync("() => socketServer.sockets.length === 2");

        Assert.Equal("ws://x/ws?channel=a&seqid=1&epoch=e", await browser.Page.EvaluateAsync<string>("socketServer.sockets[1].url"));
        Assert.True(await browser.Page.EvaluateAsync<bool>("socketServer.sockets[0].closed"));
        await browser.Page.EvaluateAsync("() => { socketServer.sockets[1].say(cursorFrame(1)); socketServer.sockets[1].say([item(1)]); }");
        Assert.Equal(["m0", "m1"], await browser.TextsAsync(2));
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Empty_frame_is_harmless_before_the_first_notice()
    {
        await using var browser = await BeginAsync("websocket");
        await browser.UntilAsync("() => socketServer.sockets.length === 1");
        await browser.Page.EvaluateAsync("() => { socketServer.sockets[0].say([]); socketServer.sockets[0].say(cursorFrame(0)); socketServer.sockets[0].say([item(0)]); }");

        Assert.Equal(["m0"], await browser.TextsAsync(1));
        Assert.Empty(browser.Complaints);
    }

    [Theory]
    [InlineData("not JSON")]
    [InlineData("{}")]
    [InlineData("[null]")]
    [InlineData("7")]
    public async Task Frame_that_is_no_answer_of_CComet_does_not_break_the_client(string frame)
    {
        await using var browser = await BeginAsync("websocket");
        await browser.UntilAsync("() => socketServer.sockets.length === 1");
        await browser.Page.EvaluateAsync("frame => { socketServer.sockets[0].say(cursorFrame(0)); socketServer.sockets[0].onmessage({ data: frame }); socketServer.sockets[0].say([item(0)]); }", frame);
        await browser.UntilAsync("() => { clock.turn(20); return texts().length === 1 || socketServer.sockets.length === 2; }");

        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Socket_that_is_never_answered_is_opened_again()
    {
        await using var browser = await BeginAsync("websocket");
        await browser.UntilAsync("() => socketServer.sockets.length === 1");
        await browser.Page.EvaluateAsync("clock.turn(15000)");
        await browser.UntilAsync("() => { clock.turn(20); return socketServer.sockets.length === 2; }");

        Assert.Equal("[true,0]", await browser.JsonAsync("[socketServer.sockets[0].closed, log.errors[0].status]"));
    }

    [Fact]
    public async Task Publish_over_a_dead_socket_goes_by_a_request_with_the_same_id_when_no_other_socket_opens()
    {
        await using var browser = await BeginAsync("websocket");
        await browser.UntilAsync("() => socketServer.sockets.length === 1");
        await browser.Page.EvaluateAsync(
            """
            () => {
              answers.pub = () => answer([{ type: 'pub', channel: 'a', epoch: 'e', seqid: 0, duplicate: true }]);
              socketServer.sockets[0].say(cursorFrame(0));
              room.publish('once').then(receipt => { globalThis.receipt = receipt; });
            }
            """);
        await browser.UntilAsync("() => socketServer.sockets[0].sent.length === 1");
        await browser.Page.EvaluateAsync("clock.turn(15000)");
        await browser.UntilAsync("() => socketServer.sockets.length === 2");
        await browser.UntilAsync("() => { clock.turn(100); return 'receipt' in globalThis; }");

        Assert.Equal("[0,[],true]", await browser.JsonAsync("[receipt.seqid, socketServer.sockets[1].sent, requests.at(-1).body.id === socketServer.sockets[0].sent[0].id]"));
    }

    [Fact]
    public async Task Poll_that_hangs_is_given_up_and_asked_again_from_its_cursor()
    {
        await using var browser = await BeginAsync("fetch");
        await browser.UntilAsync("() => requests.length === 2");
        await browser.Page.EvaluateAsync("clock.turn(35000)");
        await browser.UntilAsync("() => log.errors.length === 1");
        await browser.UntilAsync("() => { clock.turn(20); return requests.length === 4; }");

        Assert.Equal("[true,[\"0\",\"28\",\"0\",\"28\"],\"0\"]", await browser.JsonAsync("[requests[1].aborted, requests.map(request => request.query.wait), requests[2].query.seqid]"));
    }

    [Fact]
    public async Task Poll_whose_answer_stops_in_the_middle_is_given_up_but_not_while_it_comes()
    {
        await using var browser = await BeginAsync("fetch");
        await browser.UntilAsync("() => requests.length === 2");
        await browser.Page.EvaluateAsync(
            """
            () => { answers.sub = request => { const stream = eventStream(request); streams.push(stream); return stream.answer; }; }
            """);
        await browser.Page.EvaluateAsync("() => { room.close(); record({ url: 'http://y', channel: 'a', transport: 'fetch', cursor: 'e:0', env: { fetch, random: () => 0, ...clock } }); }");
        await browser.UntilAsync("() => streams.length === 1");

        // Two minutes, but never silent for long: a slow line.
        await browser.Page.EvaluateAsync(
            """
            async () => {
              for (const piece of ['[', JSON.stringify(item(0)), ',', JSON.stringify(item(1)), ' ', ' ', ' ', ' ', ' ', ' ']) {
                streams[0].say(piece);
                await new Promise(done => setTimeout(done));
                clock.turn(12000);
              }
            }
            """);
        Assert.Equal("[0,false]", await browser.JsonAsync("[log.errors.length, requests.at(-1).aborted]"));

        await browser.Page.EvaluateAsync("clock.turn(33000)");
        await browser.UntilAsync("() => log.errors.length === 1");
        Assert.True(await browser.Page.EvaluateAsync<bool>("requests.at(-1).aborted"));
    }

    [Fact]
    public async Task Jsonp_that_is_never_answered_is_given_up_and_asked_again()
    {
        await using var browser = await BeginAsync("jsonp");
        await browser.UntilAsync("() => scripts.length === 1");
        await browser.Page.EvaluateAsync("calledBack(scripts[0])");
        await browser.UntilAsync("() => scripts.length === 2");
        await browser.Page.EvaluateAsync("clock.turn(35000)");
        await browser.UntilAsync("() => { clock.turn(20); return scripts.length === 3; }");

        Assert.Equal("[true,1,\"3\"]", await browser.JsonAsync("[scripts[1].isGone, log.errors.length, new URL(scripts[2].src).searchParams.get('seqid')]"));
    }

    [Theory]
    [InlineData("id: e:1\\ndata: {\"type\":\"MSG\",\"chan")]
    [InlineData("id: e:1\\ndata: {\"type\":\"MSG\",\"channel\":\"a\",\"msg\":\"m0\",\"seqid\":0}\\n")]
    [InlineData(":")]
    public async Task Stream_that_stops_within_an_event_is_opened_again_from_its_cursor(string half)
    {
        await using var browser = await BeginAsync("sse");
        await browser.UntilAsync($"() => streams.length === 1 && (streams[0].say('retry: 1000\\n\\nid: e:0\\n\\n{half}'), true)");
        await browser.UntilOpenAsync();
        await browser.Page.EvaluateAsync("clock.turn(33000)");
        await browser.UntilAsync("() => log.errors.length === 1");
        await browser.UntilAsync("() => { clock.turn(20); return streams.length === 2; }");
        await browser.Page.EvaluateAsync("() => streams[1].say(`id: e:0\\n\\nid: e:1\\ndata: ${JSON.stringify(item(0))}\\n\\n`)");

        Assert.Equal(["m0"], await browser.TextsAsync(1));
        Assert.Equal("[true,\"0\"]", await browser.JsonAsync("[requests[0].aborted, requests[1].query.seqid]"));
    }

    [Fact]
    public async Task Stream_that_is_answered_and_never_begins_is_given_up()
    {
        await using var browser = await BeginAsync("sse");
        await browser.UntilAsync("() => streams.length === 1");
        await browser.Page.EvaluateAsync("clock.turn(8000)");
        await browser.UntilAsync("() => { clock.turn(20); return streams.length === 2; }");

        Assert.Equal("[true,1]", await browser.JsonAsync("[requests[0].aborted, log.errors.length]"));
    }

    [Theory, InlineData("fetch"), InlineData("jsonp"), InlineData("websocket"), InlineData("sse")]
    public async Task Reconnecting_tells_when_it_tries_again_and_resume_tries_at_once(string transport)
    {
        await using var browser = await BeginAsync(transport);
        const string Asked = "requests.length + scripts.length + socketServer.sockets.length";
        await browser.UntilAsync($"() => {Asked} > 0");
        await browser.Page.EvaluateAsync("() => { answers.sub = () => undefined; }");
        await browser.UntilAsync("() => room.retryIn !== null || (clock.turn(500), false)");
        var asked = await browser.Page.EvaluateAsync<int>(Asked);
        Assert.Equal(20, await browser.Page.EvaluateAsync<double>("room.retryIn"));
        await browser.Page.EvaluateAsync("clock.turn(5)");
        Assert.Equal(15, await browser.Page.EvaluateAsync<double>("room.retryIn"));

        await browser.Page.EvaluateAsync("room.resume()");
        await browser.UntilAsync($"asked => {Asked} === asked + 1", asked);
        Assert.True(await browser.Page.EvaluateAsync<bool>("room.retryIn === null"));
    }

    private async Task<BrowserPage> BeginAsync(string transport)
    {
        var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync(Begin, new { transport });
        return browser;
    }
}
