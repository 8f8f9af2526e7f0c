using System.Text.Json;
using CComet.Access;
using CComet.Http;
using CComet.Storage;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace CComet.Web.Tests.Access;

/// <summary>Every door asks the authorizer before it does anything.</summary>
public sealed class ChannelAuthorizerTests
{
    /// <summary>The doors are those of the table, so that one that is added is tried as well.</summary>
    [Fact]
    public async Task Authorizer_that_denies_everything_stops_every_verb_by_every_method()
    {
        await using var factory = new CCometFactory("CComet:Presence:Channels=*") { Authorizer = new Rules() };
        await using var server = await LiveServer.StartAsync(0, factory);
        var verbs = factory.Services.GetRequiredService<WirePaths>().All.Where(path => path is { IsVerb: true, IsOfCredentials: false, IsOfAdministration: false }).ToArray();
        Assert.Equal(9, verbs.Length);
        foreach (var verb in verbs)
        {
            foreach (var method in verb.Methods.Where(method => method != "CONNECT"))
            {
                var query = $"{verb.Path}?channel=a&sname=s&msg=m&wait=0";
                var answer = await server.Http.AskAsync(new HttpMethod(method!), query);
                answer.AssertProblem(403, "channel");
                if (method == "GET") (await server.Http.AskAsync($"{query}&callback=f")).AssertJsonpProblem("f", "403", "channel");
            }
        }

        Assert.Equal((0, 0), (server.Hub.ChannelCount, server.Hub.SubscriberCount));
        Assert.Equal(0, (await factory.Services.GetRequiredService<IMessageStore>().ReadAsync("a", 0, 1)).Head.End);
    }

    [Fact]
    public async Task Authorizer_that_denies_everything_stops_the_handshake_of_a_WebSocket()
    {
        await using var server = await LiveServer.StartAsync(0, new CCometFactory { Authorizer = new Rules() });
        var (socket, head) = await RawSocket.ShakeHandsAsync(server.Port, "channel=a", RawSocket.Upgrade);
        using (socket) Assert.StartsWith("HTTP/1.1 403 ", head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Publish_over_a_WebSocket_is_denied_in_band_and_the_stream_goes_on()
    {
        await using var server = await LiveServer.StartAsync(0, new CCometFactory { Authorizer = new Rules((ChannelRight.Subscribe, "a"), (ChannelRight.Publish, "b")) });
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a");
        Assert.Equal("CURSOR", (await ReceiveAsync()).GetProperty("type").GetString());
        foreach (var (channel, type) in new[] { ("a", "403"), ("b", "pub") })
        {
            await socket.SendJsonAsync(new { channel, msg = "m" });
            Assert.Equal(type, (await ReceiveAsync()).GetProperty("type").GetString());
        }

        async Task<JsonElement> ReceiveAsync() => (await socket.ElementsAsync())[0];
    }

    [Fact]
    public async Task Array_with_one_channel_that_is_denied_stores_nothing()
    {
        await using var factory = new CCometFactory { Authorizer = new Rules((ChannelRight.Publish, "a"), (ChannelRight.Subscribe, "a")) };
        using var http = factory.CreateClient();
        (await http.AskAsync("/pub", Asking.Body("""[{"channel":"a","msg":"m"},{"channel":"b","msg":"m"}]"""))).AssertProblem(403, "channel");
        Assert.Empty(await http.KeptAsync("a"));
        (await http.AskAsync("/sub?channel=a&channel=b&wait=0")).AssertProblem(403, "channel");
    }

    /// <summary>A sign-in gives the history and writes to the channel: it needs both rights.</summary>
    [Theory]
    [InlineData(ChannelRight.Publish)]
    [InlineData(ChannelRight.Subscribe)]
    public async Task Sign_in_with_one_right_alone_is_denied(ChannelRight right)
    {
        await using var factory = new CCometFactory { Authorizer = new Rules((right, "a")) };
        using var http = factory.CreateClient();
        (await http.AskAsync("/sign?channel=a")).AssertProblem(403, "channel");
    }

    [Fact]
    public async Task Reason_of_the_authorizer_is_told()
    {
        await using var factory = new CCometFactory { Authorizer = new Rules() { Reason = "the room is closed." } };
        using var http = factory.CreateClient();
        Assert.Equal("channel: the room is closed.", (await http.AskAsync("/pub?channel=a&msg=m")).Json.GetProperty("detail").GetString());
    }

    /// <summary>Allows what is listed, and nothing else.</summary>
    private sealed class Rules(params (ChannelRight Right, string Channel)[] allowed) : IChannelAuthorizer
    {
        public string? Reason { get; init; }

        public ValueTask<AccessDecision> AuthorizeAsync(CallerContext caller, ChannelRight right, string channel, CancellationToken cancellation = default) =>
            ValueTask.FromResult(allowed.Contains((right, channel)) ? AccessDecision.Allowed : AccessDecision.Denied(Reason));
    }
}
