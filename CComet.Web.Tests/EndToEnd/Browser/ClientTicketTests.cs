namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>How the JS client goes by tickets where it has nothing but an address (JSONP), with a scripted server and a clock turned by hand.</summary>
[Collection(Chromium.Client)]
public sealed class ClientTicketTests(Chromium chromium)
{
    /// <summary>A client that knows its place, and polls.</summary>
    private const string Open =
        """
        const tickets = script => addressOf(script).searchParams.getAll('ticket');
        const cursor = more => [{ type: 'CURSOR', channel: 'a', epoch: 'e', seqid: 0, ...more }];
        const asksFor = () => requests.map(request => `${by(request)} ${request.body.verb} ${request.body.channels}`);
        enter({ transport: 'jsonp' });
        await until(() => scripts.length === 1);
        """;

    [Fact]
    public async Task Script_has_a_ticket_in_its_address_and_no_token()
    {
        var seen = await RunAsync(
            """
            callBack(scripts[0], cursor());
            await until(() => scripts.length === 2);
            return [requests.map(({ url, body }) => [url, body]), asksFor(), scripts.map(tickets), scripts.some(({ src }) => src.includes('eyJ'))];
            """);

        Assert.Equal("[[[\"http://x/ticket?\",{\"channels\":[\"a\"],\"verb\":\"subscribe\",\"ttl\":60}]],[\"1 subscribe a\"],[[\"ticket-1-subscribe-1\"],[\"ticket-1-subscribe-1\"]],false]", seen);
    }

    [Fact]
    public async Task Ticket_that_comes_with_an_answer_is_used_next_and_is_no_message()
    {
        var seen = await RunAsync(
            """
            callBack(scripts[0], [...cursor(), { type: 'TICKET', ticket: 'second', expires: START + 60_000 }]);
            await until(() => scripts.length === 2);
            await pass(28_000);
            callBack(scripts[1], [item(0), { type: 'TICKET', ticket: 'third', expires: START + 88_000 }]);
            await until(() => scripts.length === 3);
            await pass(28_000);
            callBack(scripts[2], [{ type: 'TICKET', ticket: 'fourth', expires: START + 116_000 }]);
            await until(() => scripts.length === 4);
            return [scripts.map(tickets).flat(), requests.length, log.messages, log.gaps, log.errors];
            """);

        Assert.Equal("[[\"ticket-1-subscribe-1\",\"second\",\"third\",\"fourth\"],1,[{\"type\":\"MSG\",\"channel\":\"a\",\"msg\":\"m0\",\"seqid\":0}],[],[]]", seen);
    }

    [Fact]
    public async Task Each_verb_has_its_own_tickets()
    {
        var seen = await RunAsync(
            """
            callBack(scripts[0], cursor());
            await until(() => scripts.length === 2);
            room.publish('x');
            await until(() => scripts.length === 3);
            callBack(scripts[2], [{ type: 'pub', channel: 'a', epoch: 'e', seqid: 0 }]);
            room.sign();
            await until(() => scripts.length === 4);
            callBack(scripts[3], cursor());
            await until(() => scripts.length === 5);
            return [scripts.map(script => [addressOf(script).pathname, ...tickets(script)]), asksFor()];
            """);

        const string Subscribe = "\"ticket-1-subscribe-1\"";
        const string Publish = "\"ticket-1-publish-2\"";
        Assert.Equal($"[[[\"/sub\",{Subscribe}],[\"/sub\",{Subscribe}],[\"/pub\",{Publish}],[\"/sub\",{Subscribe}],[\"/sign\",{Subscribe},{Publish}]],[\"1 subscribe a\",\"1 publish a\"]]", seen);
    }

    [Fact]
    public async Task Ticket_that_is_nearly_over_is_not_used()
    {
        var seen = await RunAsync(
            """
            callBack(scripts[0], cursor());
            await until(() => scripts.length === 2);
            await pass(35_000);
            await until(() => scripts.length === 3, () => pass(20, 20));
            callBack(scripts[2], cursor());
            await until(() => scripts.length === 4);
            await pass(20_000);
            callBack(scripts[3], []);
            await until(() => scripts.length === 5);
            return [scripts.map(tickets).flat(), log.errors.length];
            """);

        Assert.Equal("[[\"ticket-1-subscribe-1\",\"ticket-1-subscribe-1\",\"ticket-1-subscribe-1\",\"ticket-1-subscribe-1\",\"ticket-1-subscribe-2\"],1]", seen);
    }

    [Fact]
    public async Task Ticket_that_was_good_before_is_replaced_at_once_and_its_token_kept()
    {
        var seen = await RunAsync(
            """
            callBack(scripts[0], cursor());
            await until(() => scripts.length === 2);
            callBack(scripts[1], [{ type: '401', reason: 'The ticket is not of this server.' }]);
            await until(() => scripts.length === 3);
            return [scripts.map(tickets).flat(), asked.length, log.errors, room.state];
            """);

        Assert.Equal("[[\"ticket-1-subscribe-1\",\"ticket-1-subscribe-1\",\"ticket-1-subscribe-2\"],1,[],\"open\"]", seen);
    }

    [Fact]
    public async Task New_ticket_that_is_refused_gets_one_more_token()
    {
        var seen = await RunAsync(
            """
            callBack(scripts[0], [{ type: '401', reason: 'The token was revoked.' }]);
            await until(() => scripts.length === 2, () => pass(20, 20));
            callBack(scripts[1], [{ type: '401', reason: 'The token was revoked.' }]);
            await until(() => room.state === 'refused');
            return [asksFor(), log.errors.map(({ code, detail, retryIn }) => [code, detail, retryIn])];
            """);

        Assert.Equal("[[\"1 subscribe a\",\"2 subscribe a\"],[[\"401\",\"The token was revoked.\",20],[\"401\",\"The token was revoked.\",null]]]", seen);
    }

    [Fact]
    public async Task Next_token_has_tickets_of_its_own()
    {
        var seen = await RunAsync(
            """
            callBack(scripts[0], cursor({ expires: START + 40_000 }));
            await until(() => scripts.length === 2);
            await pass(29_000);
            callBack(scripts[1], [{ type: 'TICKET', ticket: 'second', expires: START + 40_000 }]);
            await until(() => scripts.length === 3);
            await pass(1_000);
            callBack(scripts[2], [{ type: 'TICKET', ticket: 'third', expires: START + 40_000 }]);
            await until(() => scripts.length === 4);
            return [asked, scripts.map(tickets).flat(), asksFor()];
            """);

        Assert.Equal("[[0,30000],[\"ticket-1-subscribe-1\",\"ticket-1-subscribe-1\",\"second\",\"ticket-2-subscribe-2\"],[\"1 subscribe a\",\"2 subscribe a\"]]", seen);
    }

    [Theory]
    [InlineData("403", "channels: you have no right to subscribe to 'a'.", "refused")]
    [InlineData("429", "Too many tickets.", "reconnecting")]
    public async Task Ticket_that_is_not_given_is_told_with_the_reason(string code, string reason, string state)
    {
        var seen = await ScriptedAccess.RunAsync(
            chromium,
            $$"""
            async () => {
              enter({ transport: 'jsonp' }, { ticket: () => refusal({{code}}, "{{reason}}") });
              await until(() => room.state === '{{state}}');
              return [scripts.length, log.errors[0].code, log.errors[0].detail];
            }
            """);

        Assert.Equal($"[0,\"{code}\",\"{reason}\"]", seen);
    }

    [Theory]
    [InlineData("jsonp")]
    [InlineData("auto")]
    public async Task Page_that_may_not_ask_for_tickets_is_told_so(string transport)
    {
        var seen = await ScriptedAccess.RunAsync(
            chromium,
            $$"""
            async () => {
              const blocked = () => new TypeError('Failed to fetch');
              enter({ transport: '{{transport}}' }, { ticket: blocked, sse: blocked, sub: blocked });
              await until(() => log.errors.length === 1);
              const told = log.errors[0];
              await until(() => log.errors.length === 2, () => pass(20, 20));
              return [scripts.length, told.detail.includes('JSONP needs a ticket') && told.detail.includes('CORS'), told.retryIn, room.state, asked.length];
            }
            """);

        Assert.Equal("[0,true,20,\"reconnecting\",1]", seen);
    }

    [Fact]
    public async Task Page_without_a_token_asks_for_no_ticket()
    {
        var seen = await ScriptedAccess.RunAsync(
            chromium,
            """
            async () => {
              enter({ transport: 'jsonp', token: () => null });
              await until(() => scripts.length === 1);
              return [requests.length, addressOf(scripts[0]).searchParams.has('ticket')];
            }
            """);

        Assert.Equal("[0,false]", seen);
    }

    private Task<string> RunAsync(string script) => ScriptedAccess.RunAsync(chromium, $"async () => {{ {Open} {script} }}");
}
