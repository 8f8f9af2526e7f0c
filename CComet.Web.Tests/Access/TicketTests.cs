using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Access;

/// <summary>A ticket opens what it names, for a moment, and nothing else.</summary>
public sealed class TicketTests
{
    [Fact]
    public async Task Ticket_tells_until_when_it_opens()
    {
        await using var server = await TokenServer.StartAsync();
        var answer = await server.AskAsync(server.TokenOf("ann", "subscribe=room.*"), "/ticket", Asking.Body("""{"channels":["room.1"],"verb":"subscribe","ttl":30}"""));
        Assert.Equal(200, answer.Status);
        Assert.Equal("application/json; charset=utf-8", answer.Header("Content-Type"));
        Assert.Equal(server.Time.GetUtcNow().ToUnixTimeMilliseconds() + 30_000, answer.Json.GetProperty("expires").GetInt64());
    }

    [Theory]
    [InlineData("""{"verb":"subscribe"}""", "channels")]
    [InlineData("""{"channels":[],"verb":"subscribe"}""", "channels")]
    [InlineData("""{"channels":"room.1"}""", "verb")]
    [InlineData("""{"channels":["room.1"],"verb":"admin"}""", "verb")]
    [InlineData("""{"channels":["room.1"],"verb":"Subscribe"}""", "verb")]
    [InlineData("""{"channels":["room.1",5],"verb":"subscribe","ttl":"x"}""", "ttl")]
    [InlineData("""{"channels":["room.1"],"verb":"subscribe","ttl":0}""", "ttl")]
    [InlineData("""{"channels":["room.1"],"verb":"subscribe","ttl":61}""", "ttl")]
    [InlineData("""{"channels":["room.1"],"verb":"subscribe","ttl":-1}""", "ttl")]
    [InlineData("""{"channels":["a\nb"],"verb":"subscribe"}""", "channels")]
    public async Task Request_that_is_wrong_is_refused_by_name(string body, string parameter)
    {
        await using var server = await TokenServer.StartAsync();
        (await server.AskAsync(server.TokenOf("ann", "subscribe=room.*"), "/ticket", Asking.Body(body))).AssertProblem(400, parameter);
    }

    [Fact]
    public async Task Ticket_gives_no_more_than_the_callers_own_rights()
    {
        await using var server = await TokenServer.StartAsync();
        var token = server.TokenOf("ann", "subscribe=room.*");
        (await server.AskTicketAsync(token, "subscribe", "room.1", "hall")).AssertProblem(403, "channel");
        (await server.AskTicketAsync(token, "publish", "room.1")).AssertProblem(403, "channel");
        (await server.AskTicketAsync(null, "subscribe", "room.1")).AssertProblem(401, "channel");
    }

    [Fact]
    public async Task Ticket_gives_no_further_ticket_by_request()
    {
        await using var server = await TokenServer.StartAsync();
        var ticket = await server.TicketAsync(server.TokenOf("ann", "subscribe=room.*"), "subscribe", "room.1");
        (await server.AskAsync(null, Asking.Path("/ticket", ("ticket", ticket)), Asking.Body("""{"channels":["room.1"],"verb":"subscribe"}"""))).AssertProblem(403, "ticket");
    }

    [Fact]
    public async Task Ticket_opens_its_channel_and_verb_alone_and_again_until_it_expires()
    {
        await using var server = await TokenServer.StartAsync();
        var ticket = await server.TicketAsync(server.TokenOf("ann", "subscribe=*", "publish=*"), "subscribe", "room.1");
        for (var i = 0; i < 2; i++) Assert.Equal(200, (await PollAsync("room.1")).Status);
        (await PollAsync("room.2")).AssertProblem(403, "channel");
        (await server.AskAsync(null, Asking.Path("/pub", ("channel", "room.1"), ("msg", "m"), ("ticket", ticket)))).AssertProblem(403, "channel");
        server.Time.Advance(TimeSpan.FromSeconds(60));
        (await PollAsync("room.1")).AssertProblem(401);

        Task<Answer> PollAsync(string channel) => server.AskAsync(null, Asking.Path("/sub", ("channel", channel), ("wait", "0"), ("ticket", ticket)));
    }

    [Theory]
    [InlineData("x")]
    [InlineData("AAAA")]
    [InlineData("%25%25")]
    public async Task Ticket_that_was_not_given_is_refused(string ticket)
    {
        await using var server = await TokenServer.StartAsync();
        (await server.AskAsync(null, $"/sub?channel=room.1&wait=0&ticket={ticket}")).AssertProblem(401);
    }

    [Fact]
    public async Task Ticket_that_was_changed_by_one_character_is_refused()
    {
        await using var server = await TokenServer.StartAsync();
        var ticket = await server.TicketAsync(server.TokenOf("ann", "subscribe=room.*"), "subscribe", "room.1");
        var middle = ticket.Length / 2;
        var changed = ticket[..middle] + (ticket[middle] == 'A' ? 'B' : 'A') + ticket[(middle + 1)..];
        (await server.AskAsync(null, Asking.Path("/sub", ("channel", "room.1"), ("wait", "0"), ("ticket", changed)))).AssertProblem(401);
    }

    /// <summary>A sign-in as a script needs both rights, and a ticket has one.</summary>
    [Fact]
    public async Task Tickets_are_added_up()
    {
        await using var server = await TokenServer.StartAsync();
        var token = server.TokenOf("ann", "subscribe=room.*", "publish=room.*");
        var (subscribe, publish) = (await server.TicketAsync(token, "subscribe", "room.1"), await server.TicketAsync(token, "publish", "room.1"));
        (await server.AskAsync(null, Asking.Path("/sign", ("channel", "room.1"), ("callback", "f"), ("ticket", subscribe)))).AssertJsonpProblem("f", "403", "channel");
        var signed = await server.AskAsync(null, Asking.Path("/sign", ("channel", "room.1"), ("callback", "f"), ("ticket", subscribe), ("ticket", publish)));
        Assert.Equal("ann", signed.JsonpElements("f")[0].GetProperty("sname").GetString());
    }

    [Fact]
    public async Task Tickets_of_two_users_are_refused()
    {
        await using var server = await TokenServer.StartAsync();
        var ann = await server.TicketAsync(server.TokenOf("ann", "subscribe=room.*"), "subscribe", "room.1");
        var bob = await server.TicketAsync(server.TokenOf("bob", "subscribe=room.*"), "subscribe", "room.2");
        (await server.AskAsync(null, Asking.Path("/sub", ("channel", "room.1"), ("wait", "0"), ("ticket", ann), ("ticket", bob)))).AssertProblem(401);
    }

    [Fact]
    public async Task Script_is_given_the_next_ticket_with_each_answer()
    {
        await using var server = await TokenServer.StartAsync();
        var ticket = await server.TicketAsync(server.TokenOf("ann", "subscribe=room.*"), "subscribe", "room.1");
        for (var i = 0; i < 5; i++)
        {
            var elements = (await server.AskAsync(null, Asking.Path("/sub", ("channel", "room.1"), ("wait", "0"), ("callback", "f"), ("ticket", ticket)))).JsonpElements("f");
            Assert.Equal(["CURSOR", "TICKET"], elements.Select(e => e.GetProperty("type").GetString()));
            ticket = elements[1].GetProperty("ticket").GetString()!;
            server.Time.Advance(TimeSpan.FromSeconds(50));
        }
    }

    [Fact]
    public async Task Event_stream_is_given_the_next_ticket_before_the_last_one_expires()
    {
        await using var server = await TokenServer.StartAsync();
        var ticket = await server.TicketAsync(server.TokenOf("ann", "subscribe=room.*"), "subscribe", "room.1");
        using var stream = await OpenAnswer.GetAsync($"{server.Live.Url}{Asking.Path("/sse", ("channel", "room.1"), ("ticket", ticket))}");
        for (var i = 0; i < 3; i++)
        {
            // The stream looks at its ticket when it says that it lives, whenever that is by the time at which it last wrote.
            var next = await server.Time.UntilAsync(TicketEventAsync(stream), TimeSpan.FromMilliseconds(100));
            Assert.Equal(200, (await server.AskAsync(null, Asking.Path("/sub", ("channel", "room.1"), ("wait", "0"), ("ticket", next)))).Status);
        }
    }

    private static async Task<string> TicketEventAsync(OpenAnswer stream)
    {
        while (true)
        {
            if (await stream.EventAsync() is { Event: "ticket" } found) return found.Data.GetProperty("ticket").GetString()!;
        }
    }
}
