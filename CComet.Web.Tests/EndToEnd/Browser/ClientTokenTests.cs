namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>When the JS client asks for a token, and what it does when the token does not hold, with a scripted server and a clock turned by hand.</summary>
[Collection(Chromium.Client)]
public sealed class ClientTokenTests(Chromium chromium)
{
    [Theory]
    [InlineData("fetch")]
    [InlineData("sse")]
    public async Task Token_goes_in_a_header_and_never_in_an_address(string transport)
    {
        var seen = await RunAsync(
            $$"""
            async () => {
              enter({ transport: '{{transport}}', credentials: 'include' });
              await until(() => requests.length > 0);
              await room.publish('x');
              return [asked.length, requests.map(by), requests.every(({ credentials }) => credentials === 'include'), requests.some(({ url }) => url.includes('eyJ'))];
            }
            """);

        Assert.Matches(@"^\[1,\[1,1(,1)?\],true,false\]$", seen);
    }

    [Fact]
    public async Task Next_token_is_asked_for_at_three_quarters_of_the_life_and_goes_with_the_next_poll()
    {
        var seen = await RunAsync(
            """
            async () => {
              const waiting = [];
              enter({ transport: 'fetch' }, { life: 100_000, sub: ({ query }) => (query.wait === '0' ? answer([], { 'CComet-Cursor': 'e:0' }) : new Promise(done => { waiting.push(() => done(answer([], { 'CComet-Cursor': 'e:0' }))); })) });
              for (let polls = 1; polls <= 10; polls++) {
                await until(() => waiting.length === polls);
                await pass(20_000);
                waiting.at(-1)();
              }
              return [asked, requests.map(by).join('')];
            }
            """);

        // Polls begin at 0, 20, 40, 60 and 80 s; the one at 80 s is the first after 75 s.
        Assert.Equal("[[0,80000,160000],\"11111222233\"]", seen);
    }

    [Theory]
    [InlineData(0, 40_000)]
    [InlineData(86_400_000, 75_000)]
    [InlineData(-86_400_000, 75_000)]
    public async Task Life_is_what_the_server_tells_unless_the_clock_of_the_page_is_wrong(int offset, int due)
    {
        var seen = await RunAsync(
            $$"""
            async () => {
              enter({ transport: 'sse' }, { life: 100_000 });
              // The token says 100 s of itself; its grant ends sooner where the page's clock is right.
              const ends = {{offset}} === 0 ? START + 53_333 : START + 100_000 - {{offset}};
              await until(() => streams.length === 1);
              streams[0].begin(0, ends);
              await until(() => room.state === 'open');
              await pass({{due}} - 1_000);
              const before = asked.length;
              await pass(1_000);
              return [before, asked.length];
            }
            """);

        Assert.Equal("[1,2]", seen);
    }

    [Fact]
    public async Task Unauthorized_asks_once_for_another_token_after_a_pause()
    {
        var seen = await RunAsync(
            """
            async () => {
              enter({ transport: 'fetch' }, { sub: request => (by(request) === 1 ? refusal(401, 'The token has expired.') : undefined) });
              await until(() => log.errors.length === 1);
              const before = [asked.length, room.state, log.errors[0].retryIn];
              await pass(20, 1);
              return [...before, asked, requests.map(by)];
            }
            """);

        Assert.Equal("[1,\"reconnecting\",20,[0,20],[1,2]]", seen);
    }

    [Fact]
    public async Task Second_token_that_is_refused_ends_it_and_resume_begins_again()
    {
        var seen = await RunAsync(
            """
            async () => {
              enter({ transport: 'fetch' }, { sub: request => (by(request) < 3 ? refusal(401, 'The key is unknown.') : undefined) });
              await until(() => room.state === 'refused', () => clock.turn(20));
              await pass(600_000, 20_000);
              const before = [asked.length, requests.length, log.errors.at(-1)];
              room.resume();
              await until(() => requests.length === 3);
              return [...before, by(requests[2])];
            }
            """);

        Assert.Equal("[2,2,{\"status\":401,\"code\":\"401\",\"detail\":\"The key is unknown.\"},3]", seen);
    }

    [Fact]
    public async Task Token_function_that_gives_the_refused_token_again_ends_it()
    {
        var seen = await RunAsync(
            """
            async () => {
              enter({ transport: 'fetch' }, { sub: () => refusal(401, 'The token has expired.') });
              const one = jwt({ n: 7 });
              giveToken = () => one;
              await until(() => room.state === 'refused', () => clock.turn(20));
              await pass(600_000, 20_000);
              const before = [asked.length, requests.map(by), log.errors.map(({ code }) => code)];
              room.resume();
              await until(() => requests.length === 2);
              return [...before, by(requests[1])];
            }
            """);

        Assert.Equal("[2,[7],[\"401\",\"401\"],7]", seen);
    }

    [Theory]
    [InlineData("undefined", 401, "null")]
    [InlineData("jwt({ n: 5 })", 401, "5")]
    [InlineData("() => (asked.push(0), jwt({ n: 6 }))", 403, "6")]
    public async Task Refusal_that_no_other_token_changes_is_final(string token, int status, string by)
    {
        var seen = await RunAsync(
            $$"""
            async () => {
              enter({ transport: 'fetch', token: {{token}} }, { sub: () => refusal({{status}}, 'channel: you have no right.') });
              await until(() => room.state === 'refused');
              await pass(600_000, 20_000);
              return [asked.length < 2, requests.map(by), log.errors.map(({ code, detail, retryIn }) => [code, detail, retryIn])];
            }
            """);

        Assert.Equal($"[true,[{by}],[[\"{status}\",\"channel: you have no right.\",null]]]", seen);
    }

    [Fact]
    public async Task Server_that_cannot_decide_is_asked_again_when_it_said_by_the_same_token()
    {
        var seen = await RunAsync(
            """
            async () => {
              enter({ transport: 'sse' }, { sse: () => refusal(503, 'The keys cannot be reached.', { 'Retry-After': '7' }) });
              await until(() => log.errors.length === 1);
              await pass(log.errors[0].retryIn - 1);
              const before = requests.length;
              await pass(1);
              return [log.errors[0].retryIn, before, requests.map(by), asked.length];
            }
            """);

        Assert.Equal("[7000,1,[1,1],1]", seen);
    }

    [Theory]
    [InlineData("() => { throw new Error('signed out'); }", "No token could be had: signed out")]
    [InlineData("async () => { throw 'signed out'; }", "No token could be had: signed out")]
    [InlineData("async () => ({ token: 'x' })", "No token could be had: What it gave is no token.")]
    [InlineData("async () => 'two words'", "No token could be had: What it gave is no token.")]
    public async Task Token_function_that_fails_is_told_and_called_again_with_growing_pauses(string fails, string detail)
    {
        var seen = await RunAsync(
            $$"""
            async () => {
              enter({ transport: 'sse', retryMin: 100, retryMax: 400, token: () => { asked.push(clock.now()); return asked.length < 4 ? ({{fails}})() : jwt({ n: 1 }); } }, { share: 1 });
              await until(() => log.errors.length === 1);
              await until(() => requests.length === 1, () => pass(100));
              return [asked, log.errors.map(({ code, status, detail }) => `${status} ${code} ${detail}`), by(requests[0]), room.state];
            }
            """);

        var error = $"\"0 token {detail}\"";
        Assert.Equal($"[[0,200,500,1000],[{error},{error},{error}],1,\"reconnecting\"]", seen);
    }

    [Fact]
    public async Task Token_function_that_never_answers_is_called_again_after_15_seconds()
    {
        var seen = await RunAsync(
            """
            async () => {
              enter({ transport: 'fetch' });
              const { length } = asked;
              giveToken = () => (asked.length === 1 ? new Promise(() => {}) : jwt({ n: asked.length }));
              await until(() => asked.length === 1);
              await pass(14_999);
              const before = [length, log.errors.length];
              await pass(21, 1);
              return [...before, log.errors[0].code, asked, by(requests[0])];
            }
            """);

        Assert.Equal("[0,0,\"token\",[0,15020],2]", seen);
    }

    [Fact]
    public async Task Token_that_still_holds_is_used_while_the_next_cannot_be_had()
    {
        var seen = await RunAsync(
            """
            async () => {
              enter({ transport: 'fetch' });
              await until(() => requests.length === 2);
              const give = giveToken;
              giveToken = () => { throw new Error('away'); };
              await pass(80_000, 20_000);
              await room.publish('x');
              await room.publish('y');
              const failed = [asked.length, by(requests.at(-1)), log.errors.filter(({ code }) => code === 'token').map(({ retryIn }) => retryIn)];
              giveToken = give;
              await pass(3_000);
              await room.publish('z');
              return [failed, by(requests.at(-1)), requests.filter(({ verb }) => verb === 'pub').map(by)];
            }
            """);

        // The poll that was given up after 35 s asked again at 70 s, before the token was due.
        Assert.Equal("[[2,1,[1000]],3,[1,1,3]]", seen);
    }

    [Fact]
    public async Task Publish_that_is_unauthorized_is_sent_again_by_the_next_token_and_the_same_id()
    {
        var seen = await RunAsync(
            """
            async () => {
              enter({ transport: 'fetch' }, { pub: request => (by(request) === 1 ? refusal(401, 'The token has expired.') : answer([{ type: 'pub', channel: 'a', epoch: 'e', seqid: 3 }])) });
              await until(() => requests.length === 2);
              let receipt;
              room.publish('x').then(told => { receipt = told; });
              await until(() => receipt, () => clock.turn(20));
              const sent = requests.filter(({ verb }) => verb === 'pub');
              return [receipt.seqid, sent.map(by), sent[0].body.id === sent[1].body.id, room.state];
            }
            """);

        Assert.Equal("[3,[1,2],true,\"open\"]", seen);
    }

    [Fact]
    public async Task Publish_rejects_when_the_next_token_is_refused_too()
    {
        var seen = await RunAsync(
            """
            async () => {
              enter({ transport: 'fetch' }, { pub: () => refusal(401, 'The token was revoked.') });
              await until(() => requests.length === 2);
              let error;
              room.publish('x').catch(told => { error = told; });
              await until(() => error, () => clock.turn(20));
              return [error.code, error.detail, requests.filter(({ verb }) => verb === 'pub').map(by)];
            }
            """);

        Assert.Equal("[\"401\",\"The token was revoked.\",[1,2]]", seen);
    }

    [Fact]
    public async Task Function_is_asked_once_for_all_that_share_it_and_is_not_mixed_with_another()
    {
        var seen = await RunAsync(
            """
            async () => {
              const calls = [0, 0];
              const one = () => { calls[0]++; return jwt({ n: 1 }); };
              const other = () => { calls[1]++; return jwt({ n: 2 }); };
              enter({ transport: 'fetch', token: one });
              const make = more => new CComet({ url: 'http://x', transport: 'fetch', token: one, ...more, env: shared });
              await until(() => requests.length > 0);
              make({ channel: 'b' });
              make({ channel: 'c', sname: 'n', exclusive: true });
              make({ channel: 'd', token: other });
              await until(() => ['b', 'c', 'd'].every(channel => requests.some(({ query }) => query.channel?.includes(channel))), () => clock.turn(20));
              const of = channel => by(requests.find(({ query }) => query.channel?.includes(channel)));
              return [calls, of('b'), of('c'), of('d')];
            }
            """);

        Assert.Equal("[[1,1],1,1,2]", seen);
    }

    [Fact]
    public async Task Unauthorized_token_of_several_channels_is_no_matter_of_one_of_them()
    {
        var seen = await RunAsync(
            """
            async () => {
              enter({ transport: 'fetch' }, { sub: request => (by(request) === 1 ? refusal(401, 'The token has expired.') : undefined) });
              const other = new CComet({ url: 'http://x', transport: 'fetch', channel: 'b', token: tokenOf, retryMin: 20, env: shared });
              await until(() => requests.length === 2, () => clock.turn(20));
              return [requests.map(({ url }) => new URL(url).searchParams.getAll('channel').join()), requests.map(by), other.state];
            }
            """);

        Assert.Equal("[[\"a,b\",\"a,b\"],[1,2],\"reconnecting\"]", seen);
    }

    [Fact]
    public async Task Channel_without_a_right_is_refused_and_the_others_go_on()
    {
        var seen = await RunAsync(
            """
            async () => {
              enter({ transport: 'fetch' }, { sub: ({ url, query }) => (new URL(url).searchParams.getAll('channel').includes('b') ? refusal(403, "channel: you have no right to subscribe to 'b'.") : query.wait === '0' ? answer([], { 'CComet-Cursor': 'e:0' }) : undefined) });
              const other = new CComet({ url: 'http://x', transport: 'fetch', channel: 'b', token: tokenOf, retryMin: 20, env: shared });
              await until(() => other.state === 'refused' && room.state === 'open', () => clock.turn(20));
              return [asked.length, log.errors.length];
            }
            """);

        Assert.Equal("[1,0]", seen);
    }

    [Fact]
    public async Task Token_that_is_null_is_none_and_options_that_make_no_sense_are_refused()
    {
        var seen = await RunAsync(
            """
            async () => {
              enter({ transport: 'fetch', token: async () => null });
              await until(() => requests.length === 2);
              const refused = more => { try { new CComet({ channel: 'z', ...more }); return null; } catch (error) { return error.constructor.name; } };
              return [requests.map(by), refused({ token: 5 }), refused({ credentials: 'some' }), refused({ sub_url: '/sub?seqid=', token: 'a.b.c' })];
            }
            """);

        Assert.Equal("[[null,null],\"TypeError\",\"TypeError\",\"TypeError\"]", seen);
    }

    private Task<string> RunAsync(string script) => ScriptedAccess.RunAsync(chromium, script);
}
