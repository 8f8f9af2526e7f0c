namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>How the JS client keeps a stream of server-sent events through the lives of its tokens, with a scripted server and a clock turned by hand.</summary>
[Collection(Chromium.Wire)]
public sealed class ClientRenewalTests(Chromium chromium)
{
    private const string Open =
        """
        enter({ transport: 'sse' });
        await until(() => streams.length === 1);
        streams[0].begin(0);
        await until(() => room.state === 'open');
        """;

    [Fact]
    public async Task Old_stream_goes_on_until_the_new_one_has_begun_and_nothing_is_repeated()
    {
        var seen = await RunAsync(
            """
            streams[0].say(eventOf(item(0), 'e:1'));
            await pass(74_000);
            const before = streams.length;
            await pass(1_000);
            // The new one is asked for, from the cursor; meanwhile more comes by the old.
            streams[0].say(eventOf(item(1), 'e:2') + eventOf(item(2), 'e:3'));
            await settle();
            const between = [streams.map(({ n, query }) => [n, query.seqid ?? null, query.epoch ?? null]), streams[0].isGone()];
            streams[1].begin(1, expires(2));
            streams[1].say(eventOf(item(1), 'e:2'));
            await settle();
            streams[1].say(eventOf(item(2), 'e:3') + eventOf(item(3), 'e:4'));
            await settle();
            return [before, ...between, streams[0].isGone(), texts(), room.cursor, log.states, log.gaps, log.resets, log.errors];
            """);

        Assert.Equal("[1,[[1,null,null],[2,\"1\",\"e\"]],false,true,[\"m0\",\"m1\",\"m2\",\"m3\"],\"e:4\",[\"connecting\",\"open\"],[],[],[]]", seen);
    }

    [Fact]
    public async Task Every_token_is_renewed_in_its_turn()
    {
        var seen = await RunAsync(
            """
            for (let n = 2; n <= 6; n++) {
              await until(() => streams.length === n, () => pass(1_000));
              streams.at(-1).begin(0, expires(n));
              await settle();
            }
            return [streams.map(({ n }) => n), streams.filter(({ isGone }) => !isGone()).length, log.states];
            """);

        Assert.Equal("[[1,2,3,4,5,6],1,[\"connecting\",\"open\"]]", seen);
    }

    [Theory]
    [InlineData("new TypeError('no network')", "0")]
    [InlineData("refusal(401, 'The key is unknown.')", "401")]
    [InlineData("refusal(403, 'The token has no right.')", "403")]
    [InlineData("refusal(503, 'The keys cannot be reached.')", "503")]
    public async Task New_stream_that_fails_is_told_and_tried_again_while_the_old_one_goes_on(string failure, string code)
    {
        var seen = await RunAsync(
            $$"""
            const { sse } = answers;
            answers.sse = request => (asked.length < 4 ? {{failure}} : sse(request));
            await until(() => log.errors.length === 1, () => pass(1_000));
            streams[0].say(eventOf(item(0), 'e:1'));
            await settle();
            const during = [log.errors[0].code, log.errors[0].retryIn, room.state, streams[0].isGone(), texts()];
            answers.sse = sse;
            await until(() => streams.length === 2, () => pass(20, 20));
            streams[1].begin(1);
            await settle();
            return [...during, streams[0].isGone(), room.state, log.errors.length];
            """);

        Assert.Equal($"[\"{code}\",20,\"open\",false,[\"m0\"],true,\"open\",1]", seen);
    }

    [Fact]
    public async Task Stream_that_is_cut_while_the_new_one_is_opened_gives_way_to_it()
    {
        var seen = await RunAsync(
            """
            await pass(75_000);
            streams[0].end();
            await settle();
            const between = [room.state, streams.length];
            streams[1].begin(0, expires(2));
            streams[1].say(eventOf(item(0), 'e:1'));
            await settle();
            return [...between, room.state, texts(), log.errors, streams.length];
            """);

        Assert.Equal("[\"open\",2,\"open\",[\"m0\"],[],2]", seen);
    }

    [Fact]
    public async Task New_stream_that_fails_after_the_old_one_was_cut_is_opened_again()
    {
        var seen = await RunAsync(
            """
            await pass(75_000);
            streams[0].end();
            await settle();
            streams[1].end();
            await until(() => streams.length === 3, () => pass(20, 20));
            streams[2].begin(0, expires(2));
            await settle();
            return [log.states, log.errors.length, streams.map(({ n }) => n)];
            """);

        Assert.Equal("[[\"connecting\",\"open\",\"reconnecting\",\"open\"],1,[1,2,2]]", seen);
    }

    [Theory]
    [InlineData("")]
    [InlineData("streams[0].end(); await settle();")]
    public async Task Log_that_is_reset_meanwhile_is_told_once(string end)
    {
        var seen = await RunAsync(
            $$"""
            streams[0].say(eventOf(item(0), 'e:1'));
            await pass(75_000);
            const opened = streams.length;
            streams[0].say(eventOf({ type: 'RESET', channel: 'a', epoch: 'f', seqid: 0 }, 'f:0', 'reset') + eventOf(item(0), 'f:1'));
            await settle();
            {{end}}
            if (!streams[1].isGone()) {
              // As the server tells one that comes from a cursor of the old log.
              streams[1].begin(1, expires(2));
              streams[1].say(eventOf({ type: 'RESET', channel: 'a', epoch: 'f', seqid: 0 }, 'f:0', 'reset') + eventOf(item(0), 'f:1'));
            }

            await until(() => streams.length === 3, () => pass(100));
            streams[2].say(eventOf({ type: 'CURSOR', channel: 'a', epoch: 'f', seqid: 1, expires: expires(2) }, 'f:1', 'cursor') + eventOf(item(1), 'f:2'));
            await until(() => texts().length === 3);
            return [opened, streams[1].isGone(), streams[0].isGone(), streams[2].query.seqid, streams[2].query.epoch, texts(), log.resets.length, room.cursor];
            """);

        Assert.Equal("[2,true,true,\"1\",\"f\",[\"m0\",\"m0\",\"m1\"],1,\"f:2\"]", seen);
    }

    [Fact]
    public async Task Stream_that_ends_with_its_token_is_opened_again_by_the_next_when_it_was_told()
    {
        var seen = await RunAsync(
            """
            // The page slept: no timer went off.
            streams[0].say(`retry: 4321\n${eventOf({ type: 'BYE', reason: 'expired', retry: 4321 }, null, 'bye')}`);
            await until(() => room.state === 'reconnecting');
            await pass(4_320);
            const before = streams.length;
            await pass(1);
            return [before, streams.map(({ n }) => n), log.errors];
            """);

        Assert.Equal("[1,[1,2],[]]", seen);
    }

    [Fact]
    public async Task Stream_that_is_revoked_is_refused_with_the_reason()
    {
        var seen = await RunAsync(
            """
            streams[0].say(`id: e:0\nretry: 300000\n${eventOf({ code: 403, reason: 'The right to follow was revoked.' }, null, 'refused')}`);
            await until(() => room.state === 'refused');
            await pass(600_000, 20_000);
            const before = [streams.length, asked.length, log.errors[0]];
            room.resume();
            await until(() => streams.length === 2);
            return [...before, streams[1].n];
            """);

        Assert.Equal("[1,1,{\"status\":403,\"code\":\"403\",\"detail\":\"The right to follow was revoked.\"},2]", seen);
    }

    [Fact]
    public async Task Stream_that_is_unauthorized_while_open_gets_one_more_token()
    {
        var seen = await RunAsync(
            """
            streams[0].say(eventOf({ code: 401, reason: 'The key was withdrawn.' }, null, 'refused'));
            await until(() => streams.length === 2, () => pass(20, 20));
            streams[1].say(eventOf({ code: 401, reason: 'The key was withdrawn.' }, null, 'refused'));
            await until(() => room.state === 'refused');
            return [streams.map(({ n }) => n), log.errors.map(({ code, retryIn }) => [code, retryIn])];
            """);

        Assert.Equal("[[1,2],[[\"401\",20],[\"401\",null]]]", seen);
    }

    [Fact]
    public async Task Ticket_of_a_stream_is_no_message()
    {
        var seen = await RunAsync(
            """
            streams[0].say(eventOf({ type: 'TICKET', ticket: 't', expires: expires() }, null, 'ticket') + eventOf(item(0), 'e:1') + eventOf({ ticket: 't', expires: expires() }, null, 'ticket'));
            await until(() => texts().length > 0);
            return log.messages;
            """);

        Assert.Equal("[{\"type\":\"MSG\",\"channel\":\"a\",\"msg\":\"m0\",\"seqid\":0}]", seen);
    }

    [Fact]
    public async Task Exclusive_name_that_passes_to_ones_own_new_stream_is_not_replaced()
    {
        var seen = await ScriptedAccess.RunAsync(
            chromium,
            """
            async () => {
              enter({ transport: 'sse', sname: 'n', exclusive: true });
              await until(() => streams.length === 1);
              streams[0].begin(0);
              await until(() => room.state === 'open');
              await pass(75_000);
              streams[0].say(eventOf({ type: '409', sname: 'n', reason: 'sname: is used by a newer subscriber.' }, null, 'close'));
              await settle();
              streams[1].begin(0, expires(2));
              await settle();
              return [log.states, log.errors, streams.length];
            }
            """);

        Assert.Equal("[[\"connecting\",\"open\"],[],2]", seen);
    }

    [Fact]
    public async Task Stream_whose_grant_does_not_end_is_not_opened_again()
    {
        var seen = await ScriptedAccess.RunAsync(
            chromium,
            """
            async () => {
              enter({ transport: 'sse', token: async () => 'opaque' });
              await until(() => streams.length === 1);
              streams[0].say('id: e:0\n\n');
              await until(() => room.state === 'open');
              streams[0].hasBegun = true;
              await pass(600_000);
              return [streams.length, room.state];
            }
            """);

        Assert.Equal("[1,\"open\"]", seen);
    }

    [Fact]
    public async Task Page_that_is_closed_or_joined_by_another_channel_leaves_no_stream_behind()
    {
        var seen = await RunAsync(
            """
            await pass(75_000);
            const other = new CComet({ url: 'http://x', transport: 'sse', channel: 'b', token: tokenOf, env: shared });
            await until(() => streams.length === 3, () => pass(20, 20));
            const joined = streams.map(({ isGone }) => isGone());
            room.close();
            other.close();
            await pass(20, 20);
            return [joined, streams.map(({ isGone }) => isGone()), asked.length];
            """);

        Assert.Equal("[[true,true,false],[true,true,true],2]", seen);
    }

    private Task<string> RunAsync(string script) => ScriptedAccess.RunAsync(chromium, $"async () => {{ {Open} {script} }}");
}
