using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>Which transport the JS client uses when it is not told one, against the real server.</summary>
[Collection(Chromium.Wire)]
public sealed class TransportTests(Chromium chromium)
{
    [Fact]
    public async Task Client_polls_behind_a_proxy_that_holds_the_stream_back()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        var kept = 0;
        await browser.Page.RouteAsync(server.Url + "/sse**", async _ =>
        {
            kept++;
            await browser.Page.EvaluateAsync("() => endPatience()");
        });

        // The eight seconds that it waits for a first event are over as soon as the proxy has the request.
        await browser.Page.EvaluateAsync(
            """
            url => {
              let patience;
              globalThis.endPatience = () => patience();
              const setTimer = (fn, ms) => { if (ms === 8000) patience ??= fn; return setTimeout(fn, ms); };
              record({ url, channel: 'a', env: { setTimeout: setTimer } });
            }
            """,
            server.Url);
        await browser.UntilOpenAsync();
        for (var i = 0; i < 3; i++) await server.PublishAsync("a", $"m{i}");

        Assert.Equal(["m0", "m1", "m2"], await browser.TextsAsync(3));
        Assert.Equal("[\"fetch\",[]]", await browser.JsonAsync("[room.transport, log.errors]"));
        Assert.Equal(1, kept);
    }

    [Fact]
    public async Task Publish_by_socket_whose_receipt_was_lost_is_sent_again_and_stored_once()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync(
            """
            url => {
              globalThis.sockets = 0;
              const openSocket = url => {
                const socket = new WebSocket(url);
                // The first breaks at the first receipt, which the client never sees.
                if (++sockets === 1) socket.addEventListener('message', event => {
                  if (!event.data.includes('"pub"')) return;
                  event.stopImmediatePropagation();
                  const { onclose } = socket;
                  socket.close();
                  onclose({ code: 1006 });
                });
                return socket;
              };
              record({ url, channel: 'a', transport: 'websocket', env: { openSocket } });
            }
            """,
            server.Url);

        Assert.True(await browser.Page.EvaluateAsync<bool>("room.publish('once').then(receipt => receipt.seqid === 0 && receipt.duplicate)"));
        await server.PublishAsync("a", "end");
        Assert.Equal(["once", "end"], await browser.TextsAsync(2));
        Assert.Equal(2, await browser.Page.EvaluateAsync<int>("sockets"));
    }

    [Fact]
    public async Task Client_streams_by_default()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.FollowAsync(new { url = server.Url, channel = "a" });
        await browser.UntilOpenAsync();
        for (var i = 0; i < 5; i++) await server.PublishAsync("a", $"m{i}");

        Assert.Equal(["m0", "m1", "m2", "m3", "m4"], await browser.TextsAsync(5));
        Assert.Equal("/sse", new Uri(Assert.Single(browser.Polls)).AbsolutePath);
        Assert.Equal("sse", await browser.Page.EvaluateAsync<string>("room.transport"));
    }

    [Fact]
    public async Task Client_polls_without_an_error_where_something_else_answers_for_the_stream()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        var streams = 0;
        await browser.Page.RouteAsync(server.Url + "/sse**", route =>
        {
            streams++;
            return route.FulfillAsync(new() { Status = 404, ContentType = "text/html", Body = "<h1>Not here</h1>", Headers = [new("Access-Control-Allow-Origin", "*")] });
        });
        await browser.FollowAsync(new { url = server.Url, channel = "a" });
        await browser.UntilOpenAsync();
        for (var i = 0; i < 3; i++) await server.PublishAsync("a", $"m{i}");

        Assert.Equal(["m0", "m1", "m2"], await browser.TextsAsync(3));
        Assert.Equal("fetch", await browser.Page.EvaluateAsync<string>("room.transport"));
        Assert.Equal("[[\"connecting\",\"open\"],[]]", await browser.JsonAsync("[log.states, log.errors]"));

        // Remembered by the page: another channel does not try again.
        await browser.FollowAsync(new { url = server.Url, channel = "b", sname = "other" });
        await browser.UntilOpenAsync();
        Assert.Equal(1, streams);
    }

    [Fact]
    public async Task Client_polls_by_script_where_no_fetch_gets_through()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.RouteAsync(server.Url + "/**", route => route.Request.ResourceType == "script" ? route.ContinueAsync() : route.AbortAsync());
        await browser.FollowAsync(new { url = server.Url, channel = "a", sname = "alice", sign = true });
        await browser.UntilOpenAsync();
        await browser.Page.EvaluateAsync("room.publish('by script')");

        Assert.Equal(["SIGN", "by script"], await browser.TextsAsync(2));
        Assert.Equal("jsonp", await browser.Page.EvaluateAsync<string>("room.transport"));
    }

    [Fact]
    public async Task Outage_leaves_no_client_polling_for_good()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();

        // Away from the very first on, so that nothing is known of streams.
        await server.StopAsync();
        await browser.FollowAsync(new { url = server.Url, channel = "a" });
        await browser.UntilAsync("() => log.errors.length >= 2");
        await browser.UntilAsync("() => room.transport === 'sse'");
        await browser.Page.EvaluateAsync("room.close()");
        await using var restarted = await LiveServer.StartAsync(server.Port);
        await browser.FollowAsync(new { url = server.Url, channel = "a" });
        await browser.UntilOpenAsync();

        Assert.Equal("sse", await browser.Page.EvaluateAsync<string>("room.transport"));
    }

    [Fact]
    public async Task Poll_that_took_the_place_of_a_stream_gives_it_back_after_an_outage()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.RouteAsync(server.Url + "/sse**", route => route.AbortAsync());
        await browser.FollowAsync(new { url = server.Url, channel = "a" });
        await browser.UntilOpenAsync();
        Assert.Equal("fetch", await browser.Page.EvaluateAsync<string>("room.transport"));

        await browser.Page.UnrouteAsync(server.Url + "/sse**");
        await server.StopAsync();
        await browser.UntilAsync("() => log.errors.length > 0");
        await using var restarted = await LiveServer.StartAsync(server.Port);
        await browser.UntilAsync("() => room.state === 'open' && room.transport === 'sse'");
        await restarted.PublishAsync("a", "by a stream again");

        Assert.Equal(["by a stream again"], await browser.TextsAsync(1));
    }

    [Fact]
    public async Task Cursor_goes_along_from_a_stream_to_polls()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.FollowAsync(new { url = server.Url, channel = "a" });
        await browser.UntilOpenAsync();
        await server.PublishAsync("a", "by a stream");
        await browser.TextsAsync(1);

        await browser.Page.RouteAsync(server.Url + "/sse**", route => route.AbortAsync());
        await browser.Page.EvaluateAsync("window.dispatchEvent(new Event('online'))");
        await server.PublishAsync("a", "meanwhile");
        await browser.UntilAsync("() => room.transport === 'fetch'");
        await server.PublishAsync("a", "by polls");

        Assert.Equal(["by a stream", "meanwhile", "by polls"], await browser.TextsAsync(3));
        Assert.Equal("[0,0]", await browser.JsonAsync("[log.gaps.length, log.resets.length]"));
    }

    [Fact]
    public async Task Several_channels_share_one_connection_and_each_keeps_its_place()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync(
            """
            url => {
              globalThis.names = Array.from({ length: 70 }, (_, i) => `channel ${i} ☄️,=&`);
              globalThis.got = {};
              globalThis.rooms = names.map(channel => new CComet({ url, channel, retryMin: 20, retryMax: 100, callback: message => (got[channel] ??= []).push(message.msg) }));
            }
            """,
            server.Url);
        await browser.UntilAsync("() => rooms.every(room => room.state === 'open')");
        Assert.Equal(2, server.Hub.SubscriberCount);
        Assert.Equal(2, browser.Polls.Count);

        for (var round = 0; round < 2; round++)
        {
            foreach (var i in new[] { 0, 1, 63, 64, 69 }) await server.PublishAsync($"channel {i} ☄️,=&", $"{i} {round}");
            await browser.UntilAsync("count => Object.values(got).flat().length === count", 5 * (round + 1));

            // Cut by hand: each goes on from its own place. Between channels of two connections there is no order.
            await browser.Page.EvaluateAsync("window.dispatchEvent(new Event('online'))");
        }

        Assert.Equal("[[\"0 0\",\"0 1\"],[\"1 0\",\"1 1\"],[\"63 0\",\"63 1\"],[\"64 0\",\"64 1\"],[\"69 0\",\"69 1\"]]", await browser.JsonAsync("[0, 1, 63, 64, 69].map(i => got[names[i]])"));
    }

    [Theory, InlineData("sse"), InlineData("fetch"), InlineData("jsonp"), InlineData("websocket")]
    public async Task Channels_come_and_go_on_a_shared_connection_and_the_others_miss_nothing(string transport)
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.FollowAsync(new { url = server.Url, channel = "a", sname = "alice", transport });
        await browser.UntilOpenAsync();
        await server.PublishAsync("a", "alone");
        await browser.TextsAsync(1);

        await browser.Page.EvaluateAsync(
            "([url, transport]) => { globalThis.others = ['b', 'c'].map(channel => new CComet({ url, channel, sname: 'alice', transport })); globalThis.heard = []; others.forEach(room => room.on('message', message => heard.push(message.msg))); }",
            new[] { server.Url, transport });
        await server.PublishAsync("a", "as they come");
        await browser.UntilAsync("() => others.every(room => room.state === 'open')");
        await server.PublishAsync("b", "for b");
        await server.PublishAsync("c", "for c");
        await browser.UntilAsync("() => heard.length === 2");
        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 1, "One connection for three");
        await browser.Page.EvaluateAsync("others.forEach(room => room.close())");
        await server.PublishAsync("b", "for nobody");
        await server.PublishAsync("a", "as they go");

        Assert.Equal(["alone", "as they come", "as they go"], await browser.TextsAsync(3));
        Assert.Equal("[[\"for b\",\"for c\"],[],[],[]]", await browser.JsonAsync("[heard.sort(), log.gaps, log.resets, log.errors]"));
    }

    [Theory, InlineData("sse"), InlineData("fetch"), InlineData("jsonp"), InlineData("websocket")]
    public async Task Channel_that_is_refused_does_not_take_the_others_along(string transport)
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync(
            "([url, transport]) => { globalThis.bad = new CComet({ url, channel: 'x'.repeat(201), transport }); record({ url, channel: 'a', transport }); }",
            new[] { server.Url, transport });
        await browser.UntilAsync("() => bad.state === 'refused'");
        await browser.UntilOpenAsync();
        await server.PublishAsync("a", "well");

        Assert.Equal(["well"], await browser.TextsAsync(1));
        Assert.Equal(0, await browser.Page.EvaluateAsync<int>("log.errors.length"));
    }
}
