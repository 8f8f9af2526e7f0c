using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Presence;

/// <summary>Who may see who is in a channel, and as whom a caller with a token is seen.</summary>
public sealed class PresenceAccessTests
{
    [Fact]
    public async Task Presence_needs_its_own_right_to_be_asked_for_and_to_be_followed()
    {
        await using var server = await StartAsync();
        foreach (var token in new[] { server.TokenOf("bob", "subscribe=*", "publish=*"), server.TokenOf("bob", "presence=room.b") })
        {
            foreach (var path in new[] { "/presence?channel=room.a", "/sub?channel=%24presence:room.a&wait=0", "/sse?channel=%24presence:room.a" })
            {
                var refused = await server.AskAsync(token, path);
                Assert.Equal(403, refused.Status);
                Assert.Contains("ccomet:presence", refused.Text, StringComparison.Ordinal);
            }
        }

        Assert.Equal(401, (await server.AskAsync(null, "/presence?channel=room.a")).Status);
        Assert.Equal((204, ""), await server.AskAsync(null, "/presence?channel=room.a&optional=1") is var quiet ? (quiet.Status, quiet.Text) : default);
        var watcher = server.TokenOf("bob", "presence=room.*");
        Assert.Equal(200, (await server.AskAsync(watcher, "/presence?channel=room.a")).Status);
        Assert.Equal(200, (await server.AskAsync(watcher, "/sub?channel=%24presence:room.a&wait=0")).Status);
        Assert.Equal(403, (await server.AskAsync(watcher, "/sub?channel=room.a&wait=0")).Status);
    }

    [Fact]
    public async Task Ticket_for_the_log_of_presence_is_given_and_opens_it_and_nothing_else()
    {
        await using var server = await StartAsync();
        var issued = await server.AskAsync(server.TokenOf("bob", "presence=room.*"), "/ticket", JsonContent.Create(Wanted));
        var ticket = issued.Json.GetProperty("ticket").GetString();
        Assert.Equal(200, (await server.AskAsync(null, $"/sub?channel=%24presence:room.a&wait=0&ticket={ticket}")).Status);
        Assert.Equal(403, (await server.AskAsync(null, $"/sub?channel=%24presence:room.b&wait=0&ticket={ticket}")).Status);
        Assert.Equal(403, (await server.AskAsync(null, $"/presence?channel=room.a&ticket={ticket}")).Status);

        var refused = await server.AskAsync(server.TokenOf("bob", "subscribe=*"), "/ticket", JsonContent.Create(Wanted));
        Assert.Equal(403, refused.Status);
    }

    [Theory]
    [InlineData("/sub")]
    [InlineData("/sse")]
    public async Task User_is_the_grants_with_the_info_of_its_token_whatever_the_sname(string path)
    {
        await using var server = await StartAsync();
        var token = server.Token().With("ccomet:sname", "*").With("ccomet:presence", "*").With("ccomet:info", new JsonObject { ["name"] = "Ann Ä", ["age"] = 7 }).Sign(TokenServer.Key);
        using var client = await RawHttp.ConnectAsync(server.Port);
        await client.SendAsync($"GET {path}?channel=room.a&sname=zoe HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n");
        await Eventually.TrueAsync(async () => (await server.AskAsync(token, "/presence?channel=room.a&counts=1")).Json.GetProperty("count").GetInt32() == 1, "One user");
        var user = (await server.AskAsync(token, "/presence?channel=room.a")).Json.GetProperty("users")[0];
        Assert.Equal(("ann", """{"name":"Ann Ä","age":7}"""), (user.GetProperty("user").GetString(), JsonSerializer.Serialize(JsonNode.Parse(user.GetProperty("info").GetRawText()), Relaxed)));
    }

    [Fact]
    public async Task Info_that_is_too_long_is_refused_by_its_name()
    {
        await using var server = await StartAsync();
        var answer = await server.AskAsync(server.Token().With("ccomet:info", new string('x', 1_100)).Sign(TokenServer.Key), "/sub?channel=room.a&wait=0");
        Assert.Equal((401, "ccomet:info: is longer than 1024 bytes."), (answer.Status, answer.Json.GetProperty("detail").GetString()));
    }

    private static object Wanted { get; } = new { channels = "$presence:room.a", verb = "subscribe" };

    private static JsonSerializerOptions Relaxed { get; } = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static Task<TokenServer> StartAsync() => TokenServer.StartAsync("CComet:Presence:Channels=*");
}
