using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Access;

/// <summary>A refusal says what is missing, in the form that its client can read.</summary>
public sealed class RefusalTests
{
    [Fact]
    public async Task Challenge_names_the_scope_that_is_missing()
    {
        await using var server = await TokenServer.StartAsync();
        Assert.Equal("Bearer realm=\"ccomet\", scope=\"ccomet:subscribe\"", (await server.AskAsync(null, "/sub?channel=hall&wait=0")).Header("WWW-Authenticate"));
        var denied = await server.AskAsync(server.TokenOf("ann", "subscribe=room.*"), "/sub?channel=hall&wait=0");
        Assert.Equal("Bearer realm=\"ccomet\", error=\"insufficient_scope\", scope=\"ccomet:subscribe\"", denied.Header("WWW-Authenticate"));
        Assert.Contains("ccomet:subscribe", denied.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Contains("error=\"invalid_token\", error_description=\"", (await server.AskAsync("no.token.atall", "/sub?channel=hall&wait=0")).Header("WWW-Authenticate"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("e:7")]
    [InlineData("room.1=e:7")]
    public async Task EventSource_that_repeats_an_expired_ticket_is_told_and_keeps_its_cursor(string cursor)
    {
        await using var server = await TokenServer.StartAsync();
        var ticket = await server.TicketAsync(server.TokenOf("ann", "subscribe=room.*"), "subscribe", "room.1");
        server.Time.Advance(TimeSpan.FromSeconds(61));
        using var stream = await OpenAnswer.GetAsync($"{server.Live.Url}/sse?channel=room.1&ticket={ticket}", ("Last-Event-ID", cursor));
        Assert.Equal(200, (int)stream.Head.StatusCode);
        Assert.Equal("text/event-stream", stream.Head.Content.Headers.ContentType?.MediaType);
        var refused = (await stream.EventAsync())!;
        Assert.Equal(("refused", cursor, "300000"), (refused.Event, refused.Id, refused.Retry));
        Assert.Equal(401, refused.Data.GetProperty("code").GetInt32());
        Assert.Null(await stream.EventAsync());
    }

    [Fact]
    public async Task EventSource_by_the_Accept_header_is_told_in_the_same_way()
    {
        await using var server = await TokenServer.StartAsync();
        using var stream = await OpenAnswer.GetAsync($"{server.Live.Url}/sub?channel=room.1&ticket=none", ("Accept", "text/event-stream"));
        Assert.Equal("refused", (await stream.EventAsync())!.Event);
    }

    [Fact]
    public async Task Rule_gives_everyone_a_right_and_users_theirs()
    {
        await using var server = await TokenServer.StartAsync(
            "CComet:Auth:Rules:0:Who=anonymous", "CComet:Auth:Rules:0:Verbs:0=subscribe", "CComet:Auth:Rules:0:Channels:0=news",
            "CComet:Auth:Rules:1:Who=user", "CComet:Auth:Rules:1:Verbs:0=subscribe", "CComet:Auth:Rules:1:Verbs:1=publish", "CComet:Auth:Rules:1:Channels:0=inbox.{sub}");
        Assert.Equal(200, (await server.AskAsync(null, "/sub?channel=news&wait=0")).Status);
        Assert.Equal(401, (await server.AskAsync(null, "/sub?channel=inbox.ann&wait=0")).Status);
        var ann = server.TokenOf("ann");
        Assert.Equal(200, (await server.AskAsync(ann, "/sub?channel=news&channel=inbox.ann&wait=0")).Status);
        Assert.Equal(200, (await server.PublishAsync(ann, "inbox.ann", "m")).Status);
        Assert.Equal(403, (await server.AskAsync(ann, "/sub?channel=inbox.bob&wait=0")).Status);
    }
}
