using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>The JS client's habits when things go wrong, in a real page with a scripted server and clock.</summary>
[Collection(Chromium.Client)]
public sealed class ClientLoopTests(Chromium chromium)
{
    [Fact]
    public async Task Pauses_grow_from_a_floor_to_a_ceiling_with_each_failure()
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        const string Script =
            """
            share => new Promise(done => {
              const { fetch } = scripted(() => new TypeError('no network'));
              record({ url: 'http://x', transport: 'fetch', channel: 'a', retryMin: 500, retryMax: 30000, env: { fetch, random: () => share, setTimeout: fn => setTimeout(fn) } });
              room.on('error', () => { if (log.errors.length === 9) { room.close(); done(log.errors.map(error => error.retryIn)); } });
            })
            """;

        var most = await browser.Page.EvaluateAsync<int[]>(Script, 1);
        Assert.Equal([1000, 1500, 2500, 4500, 8500, 16500, 30500, 30500, 30500], most);
        Assert.Equal(Enumerable.Repeat(500, 9), await browser.Page.EvaluateAsync<int[]>(Script, 0));
    }

    [Fact]
    public async Task Retry_After_is_obeyed_by_polls_and_by_publishes()
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        var pauses = await browser.Page.EvaluateAsync<int[]>(
            """
            async () => {
              const pauses = [];
              const busy = () => answer({ type: 'urn:ccomet:error:503', status: 503, code: '503', detail: 'Draining.' }, { status: 503, 'Retry-After': '7' });
              let tries = 0;
              const { fetch } = scripted(({ verb }) => (verb === 'pub' && ++tries > 1 ? answer([{ type: 'pub', seqid: 0 }]) : busy()));
              record({ url: 'http://x', transport: 'fetch', channel: 'a', env: { fetch, random: () => 0, setTimeout: (fn, ms) => { pauses.push(ms); return setTimeout(fn); } } });
              await new Promise(told => room.on('error', told));
              await room.publish('x');
              room.close();
              return [log.errors[0].status, log.errors[0].retryIn, pauses.filter(ms => ms === 7000).length >= 2 ? 1 : 0];
            }
            """);

        Assert.Equal([503, 7000, 1], pauses);
    }

    [Fact]
    public async Task Publish_gives_up_within_its_time()
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        var tries = await browser.Page.EvaluateAsync<int[]>(
            """
            async () => {
              let clock = 0;
              const { fetch, requests } = scripted(({ verb }) => (verb === 'pub' ? new TypeError('no network') : undefined));
              record({ url: 'http://x', transport: 'fetch', channel: 'a', retryMin: 500, env: { fetch, now: () => clock, random: () => 0, setTimeout: (fn, ms) => { if (ms === 500) { clock += ms; setTimeout(fn); } } } });
              const error = await room.publish('x', { timeout: 2100 }).catch(error => error);
              const sent = requests.filter(({ verb }) => verb === 'pub');
              return [error.status, sent.length, new Set(sent.map(({ body }) => body.id)).size];
            }
            """);

        Assert.Equal([0, 5, 1], tries);
    }

    [Fact]
    public async Task Message_already_seen_is_dropped_and_an_unannounced_hole_is_told()
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync(
            """
            () => {
              const item = seqid => ({ type: 'MSG', channel: 'a', msg: `m${seqid}`, seqid });
              const { fetch } = scripted(
                () => answer([], { 'CComet-Cursor': 'e:0' }),
                () => answer([item(0), item(1)], { 'CComet-Cursor': 'e:2' }),
                () => answer([item(0), item(1), item(2)], { 'CComet-Cursor': 'e:3' }),
                () => answer([item(5)], { 'CComet-Cursor': 'e:6' }),
                () => undefined);
              record({ url: 'http://x', transport: 'fetch', channel: 'a', env: { fetch } });
            }
            """);

        Assert.Equal(["m0", "m1", "m2", "m5"], await browser.TextsAsync(4));
        Assert.Equal("[3,4]", await browser.JsonAsync("log.gaps.flatMap(gap => [gap.from, gap.to])"));
        Assert.Equal("e:6", await browser.Page.EvaluateAsync<string>("room.cursor"));
    }

    [Theory]
    [InlineData("window.dispatchEvent(new Event('online'))")]
    [InlineData("clock.now += 60_000; document.dispatchEvent(new Event('visibilitychange'))")]
    public async Task Poll_in_flight_is_given_up_after_sleep_and_the_server_is_asked_at_once(string wake)
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync(
            """
            () => {
              globalThis.clock = { now: 0 };
              const server = scripted(({ query }) => (query.wait === '0' ? answer([], { 'CComet-Cursor': 'e:0' }) : undefined));
              record({ url: 'http://x', transport: 'fetch', channel: 'a', env: { fetch: server.fetch, now: () => clock.now } });
              Object.assign(globalThis, server);
            }
            """);
        await browser.UntilAsync("() => requests.length === 2");

        await browser.Page.EvaluateAsync($"() => {{ {wake} }}");

        await browser.UntilAsync("() => requests.length === 4");
        Assert.Equal(["0", "28", "0", "28"], await browser.Page.EvaluateAsync<string[]>("requests.map(request => request.query.wait)"));
        Assert.Equal("[false,true,false,false]", await browser.JsonAsync("requests.map(request => request.aborted)"));
        Assert.Equal(0, await browser.Page.EvaluateAsync<int>("log.errors.length"));
    }

    [Fact]
    public async Task Server_that_answers_every_poll_at_once_with_nothing_is_not_stormed()
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        var requests = await browser.Page.EvaluateAsync<int>(
            """
            () => new Promise(done => {
              let pauses = 0;
              const { fetch, requests } = scripted(() => answer([], { 'CComet-Cursor': 'e:0' }));
              record({ url: 'http://x', transport: 'fetch', channel: 'a', retryMin: 500, env: { fetch, now: () => 0, random: () => 0, setTimeout: (fn, ms) => {
                if (ms === 500 && ++pauses < 5) setTimeout(fn);
                if (pauses === 5 || requests.length > 20) { room.close(); done(requests.length); }
              } } });
            })
            """);

        // The first asks whether the server is there, and each of the others is followed by a pause.
        Assert.Equal(6, requests);
    }

    [Fact]
    public async Task Listener_that_throws_stops_no_other_and_is_reported()
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync(
            """
            () => {
              const item = seqid => ({ type: 'MSG', channel: 'a', msg: `m${seqid}`, seqid });
              const { fetch } = scripted(() => answer([item(0), item(1)], { 'CComet-Cursor': 'e:2' }), () => undefined);
              globalThis.room = new CComet({ url: 'http://x', transport: 'fetch', channel: 'a', env: { fetch } });
              room.on('message', () => { throw new Error('mine'); });
              record({ url: 'http://x', transport: 'fetch', channel: 'a' });
            }
            """);

        Assert.Equal(["m0", "m1"], await browser.TextsAsync(2));
        await browser.UntilOpenAsync();
        await Eventually.TrueAsync(() => Complaints() >= 2, "Reporting of both");
        Assert.Equal(2, Complaints());

        int Complaints() => browser.Complaints.Count(complaint => complaint.Contains("mine", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_instance_lives_for_one_url_channel_and_name()
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        var same = await browser.Page.EvaluateAsync<bool[]>(
            """
            async () => {
              const { fetch, requests } = scripted(() => undefined);
              const make = more => new CComet({ url: 'http://x', transport: 'fetch', channel: 'a', sname: 'n', env: { fetch }, ...more });
              const first = make();
              const answers = [make() === first, make({ url: 'http://x/' }) === first, make({ channel: 'b' }) !== first, make({ sname: 'm' }) !== first];
              await until(() => requests.length >= 3);
              answers.push(requests.length === 3);
              first.close();
              answers.push(make() !== first);
              return answers;
            }
            """);

        Assert.All(same, Assert.True);
    }

    [Fact]
    public async Task Answer_of_something_that_is_no_CComet_is_told_and_asked_again()
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync(
            """
            () => {
              const { fetch } = scripted(
                () => answer('<html>Bad gateway</html>', { status: 502 }),
                () => answer('<html>Not found</html>', { status: 404 }),
                () => answer('<html>Please log in</html>'),
                () => answer([], { 'CComet-Cursor': 'e:0' }),
                () => undefined);
              record({ url: 'http://x', transport: 'fetch', channel: 'a', env: { fetch } });
            }
            """);
        await browser.UntilOpenAsync();

        Assert.Equal("[502,404,200]", await browser.JsonAsync("log.errors.map(error => error.status)"));
    }
}
