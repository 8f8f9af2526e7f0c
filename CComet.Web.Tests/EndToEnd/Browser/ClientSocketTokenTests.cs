namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>How the JS client says over a WebSocket who it is, with a scripted server and a clock turned by hand.</summary>
[Collection(Chromium.Wire)]
public sealed class ClientSocketTokenTests(Chromium chromium)
{
    /// <summary>A WebSocket that has been let in by its first frame.</summary>
    private const string Open =
        """
        enter({ transport: 'websocket' });
        const cursor = (seqid = 0, n = asked.length) => [{ type: 'CURSOR', channel: 'a', epoch: 'e', seqid, expires: expires(n) }];
        const frames = i => sockets[i].sent.map(frame => (frame.type === 'auth' ? `auth ${numberOf(frame.token)}` : frame.msg));
        const refuse = (i, status, reason) => {
          sockets[i].say([{ type: String(status), reason }]);
          sockets[i].onclose?.({ code: 4000 + status, reason: '' });
        };
        await until(() => sockets.length === 1);
        sockets[0].onopen();
        sockets[0].say(cursor());
        await until(() => room.state === 'open');
        """;

    [Fact]
    public async Task Token_is_the_first_frame_and_not_in_the_address()
    {
        var seen = await RunAsync(
            """
            let receipt;
            room.publish('x').then(told => { receipt = told.seqid; });
            await settle();
            sockets[0].say([{ type: 'pub', channel: 'a', epoch: 'e', seqid: 5 }]);
            await until(() => receipt !== undefined);
            return [sockets[0].url, frames(0), receipt];
            """);

        Assert.Equal("[\"ws://x/ws?channel=a\",[\"auth 1\",\"x\"],5]", seen);
    }

    [Fact]
    public async Task Next_token_is_told_in_place_between_what_is_published()
    {
        var seen = await RunAsync(
            """
            const told = {};
            const publish = text => room.publish(text).then(({ seqid }) => { told[text] = seqid; });
            await pass(74_000);
            const before = frames(0);
            publish('one');
            await pass(1_000);
            sockets[0].say([{ type: 'pub', channel: 'a', epoch: 'e', seqid: 0 }]);
            await settle();
            publish('two');
            await settle();
            sockets[0].say([{ type: 'auth', user: 'u', expires: expires(2) }]);
            sockets[0].say([item(0)]);
            sockets[0].say([{ type: 'pub', channel: 'a', epoch: 'e', seqid: 1 }]);
            await settle();
            const once = frames(0);
            await pass(75_000);
            return [before, once, frames(0), told, sockets.length, texts(), log.states, log.errors];
            """);

        Assert.Equal("[[\"auth 1\"],[\"auth 1\",\"one\",\"auth 2\",\"two\"],[\"auth 1\",\"one\",\"auth 2\",\"two\",\"auth 3\"],{\"one\":0,\"two\":1},1,[\"m0\"],[\"connecting\",\"open\"],[]]", seen);
    }

    [Fact]
    public async Task Server_that_lets_everybody_follow_tells_the_end_by_its_answer()
    {
        var seen = await ScriptedAccess.RunAsync(
            chromium,
            """
            async () => {
              enter({ transport: 'websocket', token: () => { asked.push(clock.now()); return `opaque${asked.length}`; } });
              await until(() => sockets.length === 1);
              sockets[0].onopen();
              sockets[0].say([{ type: 'CURSOR', channel: 'a', epoch: 'e', seqid: 0 }]);
              sockets[0].say([{ type: 'auth', user: 'u', expires: START + 40_000 }]);
              await pass(31_000);
              return [room.state, sockets[0].sent.map(({ token }) => token), sockets.length];
            }
            """);

        Assert.Equal("[\"open\",[\"opaque1\",\"opaque2\"],1]", seen);
    }

    [Fact]
    public async Task Refused_first_frame_gets_one_more_token()
    {
        var seen = await RunAsync(
            """
            room.close();
            record({ url: 'http://x', channel: 'b', transport: 'websocket', token: () => { asked.push(clock.now()); return giveToken(); }, env: shared });
            await until(() => sockets.length === 2);
            sockets[1].onopen();
            refuse(1, 401, 'The token has expired.');
            await until(() => sockets.length === 3, () => pass(20, 20));
            sockets[2].onopen();
            refuse(2, 401, 'The token has expired.');
            await until(() => room.state === 'refused');
            await pass(600_000, 20_000);
            const before = [frames(1), frames(2), sockets.length, log.errors.map(({ code, detail, retryIn }) => [code, detail, retryIn])];
            room.resume();
            await until(() => sockets.length === 4);
            sockets[3].onopen();
            return [...before, frames(3)];
            """);

        Assert.Equal("[[\"auth 2\"],[\"auth 3\"],3,[[\"401\",\"The token has expired.\",20],[\"401\",\"The token has expired.\",null]],[\"auth 4\"]]", seen);
    }

    [Theory]
    [InlineData("refuse(0, 403, 'The right to follow was revoked.')", "The right to follow was revoked.")]
    [InlineData("sockets[0].onclose({ code: 4403, reason: 'By the close alone.' })", "By the close alone.")]
    [InlineData("sockets[0].onclose({ code: 4403, reason: '' })", "The server has refused the connection.")]
    public async Task Forbidden_connection_is_refused_with_the_reason(string refuse, string reason)
    {
        var seen = await RunAsync(
            $$"""
            {{refuse}};
            await until(() => room.state === 'refused');
            await pass(600_000, 20_000);
            return [sockets.length, asked.length, log.errors];
            """);

        Assert.Equal($"[1,1,[{{\"status\":403,\"code\":\"403\",\"detail\":\"{reason}\"}}]]", seen);
    }

    [Fact]
    public async Task Later_token_that_is_refused_ends_the_connection_and_no_publish_is_lost()
    {
        var seen = await RunAsync(
            """
            const told = [];
            await pass(75_000);
            room.publish('x').then(({ seqid }) => told.push(seqid));
            await settle();
            refuse(0, 401, 'The key is unknown.');
            await until(() => sockets.length === 2, () => pass(20, 20));
            sockets[1].onopen();
            sockets[1].say(cursor(0, 3));
            await until(() => sockets[1].sent.length === 2, () => pass(20, 20));
            sockets[1].say([{ type: 'pub', channel: 'a', epoch: 'e', seqid: 0 }]);
            await until(() => told.length === 1);
            return [frames(0), frames(1), sockets[0].sent[2].id === sockets[1].sent[1].id, told, log.errors.length, log.states];
            """);

        Assert.Equal("[[\"auth 1\",\"auth 2\",\"x\"],[\"auth 3\",\"x\"],true,[0],1,[\"connecting\",\"open\",\"reconnecting\",\"open\"]]", seen);
    }

    [Fact]
    public async Task Later_token_of_another_user_is_refused()
    {
        var seen = await RunAsync(
            """
            await pass(75_000);
            refuse(0, 403, 'auth: is another user than before.');
            await until(() => room.state === 'refused');
            return [frames(0), log.errors];
            """);

        Assert.Equal("[[\"auth 1\",\"auth 2\"],[{\"status\":403,\"code\":\"403\",\"detail\":\"auth: is another user than before.\"}]]", seen);
    }

    [Fact]
    public async Task Publish_that_is_unauthorized_waits_for_the_next_token_told_in_place()
    {
        var seen = await RunAsync(
            """
            const told = [];
            room.publish('x').then(({ seqid }) => told.push(seqid), error => told.push(error.code));
            await settle();
            sockets[0].say([{ type: '401', reason: 'The token has expired.' }]);
            await until(() => frames(0).length === 4, async () => {
              await pass(20, 20);
              if (frames(0).at(-1) === 'auth 2') sockets[0].say([{ type: 'auth', user: 'u', expires: expires(2) }]);
            });
            sockets[0].say([{ type: 'pub', channel: 'a', epoch: 'e', seqid: 0 }]);
            await until(() => told.length === 1);
            return [frames(0), told, sockets.length, log.errors];
            """);

        Assert.Equal("[[\"auth 1\",\"x\",\"auth 2\",\"x\"],[0],1,[]]", seen);
    }

    [Fact]
    public async Task Publish_without_a_right_is_rejected_and_the_connection_stays()
    {
        var seen = await RunAsync(
            """
            let error;
            room.publish('x').catch(told => { error = told; });
            await settle();
            sockets[0].say([{ type: '403', reason: "channel: you have no right to publish to 'a'." }]);
            await until(() => error);
            return [error.code, error.detail, room.state, sockets[0].closed, asked.length];
            """);

        Assert.Equal("[\"403\",\"channel: you have no right to publish to 'a'.\",\"open\",false,1]", seen);
    }

    [Fact]
    public async Task Token_that_is_not_answered_is_told_over_another_connection()
    {
        var seen = await RunAsync(
            """
            await pass(75_000);
            await until(() => sockets.length === 2, () => pass(1_000));
            sockets[1].onopen();
            sockets[1].say(cursor(0, 2));
            await settle();
            return [frames(0), frames(1), sockets[0].closed, log.states.at(-1)];
            """);

        Assert.Equal("[[\"auth 1\",\"auth 2\"],[\"auth 2\"],true,\"open\"]", seen);
    }

    [Fact]
    public async Task Connection_that_ends_with_its_token_is_opened_again_by_the_next()
    {
        var seen = await RunAsync(
            """
            sockets[0].say([{ type: 'BYE', reason: 'expired', retry: 3_000 }]);
            await pass(3_000);
            sockets[1].onopen();
            return [frames(1), log.errors, sockets.length];
            """);

        Assert.Equal("[[\"auth 2\"],[],2]", seen);
    }

    [Fact]
    public async Task Handshake_that_is_refused_is_explained_by_a_poll_with_the_token()
    {
        var seen = await ScriptedAccess.RunAsync(
            chromium,
            """
            async () => {
              enter({ transport: 'websocket' }, { sub: () => refusal(401, 'The token has expired.') });
              await until(() => sockets.length === 1);
              sockets[0].onclose({ code: 1006, reason: '' });
              await until(() => sockets.length === 2, () => pass(20, 20));
              sockets[1].onclose({ code: 1006, reason: '' });
              await until(() => room.state === 'refused');
              return [requests.map(by), log.errors.map(({ code, retryIn }) => [code, retryIn])];
            }
            """);

        Assert.Equal("[[1,2],[[\"401\",20],[\"401\",null]]]", seen);
    }

    private Task<string> RunAsync(string script) => ScriptedAccess.RunAsync(chromium, $"async () => {{ {Open} {script} }}");
}
