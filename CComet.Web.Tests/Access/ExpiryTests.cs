using System.Text.Json;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Access;

/// <summary>A client is told when its grant expires, has a moment to bring a new one, and is then sent away, not cut.</summary>
public sealed class ExpiryTests
{
    /// <summary>So long that no sign of life falls into a test.</summary>
    private const string Quiet = "CComet:Stream:Heartbeat=00:05:00";

    public static readonly TheoryData<string> Paths = Follower.Paths;

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Stream_ends_25_seconds_after_the_expiry_with_a_BYE(string path)
    {
        await using var server = await TokenServer.StartAsync(Quiet);
        using var follower = await OpenAsync(server, path, seconds: 30);
        server.Time.Advance(TimeSpan.FromSeconds(54));
        await server.PublishAsync(server.TokenOf("bob", "publish=room.1"), "room.1", "still here");
        Assert.Equal("still here", (await follower.ElementButTicketAsync()).GetProperty("msg").GetString());
        server.Time.Advance(TimeSpan.FromSeconds(2));
        var bye = await follower.ElementButTicketAsync();
        Assert.Equal(("BYE", "expired"), (bye.GetProperty("type").GetString(), bye.GetProperty("reason").GetString()));
        Assert.InRange(bye.GetProperty("retry").GetInt64(), 1, 60_000);
        Assert.Null(await follower.NextAsync());
    }

    [Fact]
    public async Task First_block_of_an_event_stream_tells_the_expiry()
    {
        await using var server = await TokenServer.StartAsync(Quiet);
        var token = server.TokenOf("ann", "subscribe=room.1");
        using var stream = await OpenAnswer.GetAsync($"{server.Live.Url}/sse?channel=room.1", ("Authorization", $"Bearer {token}"));
        Assert.NotNull((await stream.EventAsync())!.Retry);
        var first = (await stream.EventAsync())!;
        Assert.Equal("cursor", first.Event);
        Assert.NotNull(first.Id);
        Assert.Equal(server.Time.GetUtcNow().AddHours(1).ToUnixTimeMilliseconds(), first.Data.GetProperty("expires").GetInt64());
    }

    [Fact]
    public async Task First_line_of_a_stream_tells_the_expiry()
    {
        await using var server = await TokenServer.StartAsync(Quiet);
        var token = server.TokenOf("ann", "subscribe=room.1");
        using var stream = await OpenAnswer.GetAsync($"{server.Live.Url}/stream?channel=room.1", ("Authorization", $"Bearer {token}"));
        Assert.Equal(server.Time.GetUtcNow().AddHours(1).ToUnixTimeMilliseconds(), (await stream.JsonAsync()).GetProperty("expires").GetInt64());
    }

    [Fact]
    public async Task Anonymous_stream_tells_no_expiry()
    {
        await using var server = await LiveServer.StartAsync();
        using var stream = await OpenAnswer.GetAsync($"{server.Url}/stream?channel=c");
        Assert.False((await stream.JsonAsync()).TryGetProperty("expires", out _));
    }

    [Fact]
    public async Task Poll_waits_no_longer_than_25_seconds_after_the_expiry()
    {
        await using var server = await TokenServer.StartAsync("CComet:Poll:Timeout=00:05:00");
        var token = server.Token().With("exp", server.Time.GetUtcNow().AddSeconds(1).ToUnixTimeSeconds()).Sign(TokenServer.Key);
        var poll = server.AskAsync(token, "/sub?channel=room.1");
        await Eventually.TrueAsync(() => server.Live.Hub.Find("room.1")?.Waiting == 1, "Waiting");
        server.Time.Advance(TimeSpan.FromSeconds(27));
        Assert.Empty((await poll).Elements);

        // Clocks may differ by 30 seconds.
        server.Time.Advance(TimeSpan.FromSeconds(10));
        (await server.AskAsync(token, "/sub?channel=room.1&wait=0")).AssertProblem(401);
    }

    [Fact]
    public async Task WebSocket_takes_a_newer_token_in_place()
    {
        await using var server = await TokenServer.StartAsync(Quiet);
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=room.1", $"Authorization: Bearer {TokenOf(30)}");
        await socket.ElementsAsync();
        for (var i = 0; i < 5; i++)
        {
            server.Time.Advance(TimeSpan.FromSeconds(25));
            await socket.SendJsonAsync(new { type = "auth", token = TokenOf(30) });
            var answer = (await socket.ElementsAsync())[0];
            Assert.Equal(("auth", "ann"), (answer.GetProperty("type").GetString(), answer.GetProperty("user").GetString()));
            Assert.Equal(server.Time.GetUtcNow().AddSeconds(30).ToUnixTimeMilliseconds(), answer.GetProperty("expires").GetInt64());
            await server.PublishAsync(server.TokenOf("bob", "publish=room.1"), "room.1", "m");
            Assert.Equal(i, (await socket.ElementsAsync())[0].GetProperty("seqid").GetInt64());
        }

        string TokenOf(int seconds) => server.Token().With("exp", server.Time.GetUtcNow().AddSeconds(seconds).ToUnixTimeSeconds()).Sign(TokenServer.Key);
    }

    [Theory]
    [InlineData("bob", "subscribe=room.*", 403)]
    [InlineData("ann", "subscribe=hall", 403)]
    [InlineData("ann", null, 401)]
    public async Task WebSocket_is_closed_when_the_newer_token_does_not_do(string user, string? right, int code)
    {
        await using var server = await TokenServer.StartAsync(Quiet);
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=room.1", $"Authorization: Bearer {server.TokenOf("ann", "subscribe=room.1")}");
        await socket.ElementsAsync();
        await socket.SendJsonAsync(new { type = "auth", token = right is null ? "no.token.atall" : server.TokenOf(user, right) });
        Assert.Equal($"{code}", (await socket.ElementsAsync())[0].GetProperty("type").GetString());
        Assert.Equal(4000 + code, await socket.CloseCodeAsync());
        await Eventually.TrueAsync(() => server.Live.Hub.Find("room.1")!.Subscribers == 0, "Left");
    }

    [Fact]
    public async Task WebSocket_without_a_credential_is_closed_when_no_frame_brings_one_in_time()
    {
        await using var server = await TokenServer.StartAsync(Quiet);
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=room.1");
        await socket.SendAsync(RawSocket.Ping, "still here"u8.ToArray());
        var pong = await socket.FrameAsync();
        Assert.Equal((RawSocket.Pong, "still here"), (pong!.Opcode, pong.Text));
        server.Time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal("401", (await socket.ElementsAsync())[0].GetProperty("type").GetString());
        Assert.Equal(4401, await socket.CloseCodeAsync());
    }

    /// <summary>The token goes in a frame that comes in pieces, and byte by byte.</summary>
    [Fact]
    public async Task WebSocket_takes_a_credential_that_comes_in_pieces()
    {
        await using var server = await TokenServer.StartAsync(Quiet);
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=room.1");
        var frame = JsonSerializer.SerializeToUtf8Bytes(new { type = "auth", token = server.TokenOf("ann", "subscribe=room.1") });
        await socket.SendAsync(RawSocket.Text, frame[..10], isFinal: false);
        foreach (var piece in frame[10..^1]) await socket.SendAsync(RawSocket.Continuation, [piece], isFinal: false);
        await socket.SendAsync(RawSocket.Continuation, frame[^1..]);
        Assert.Equal("CURSOR", (await socket.ElementsAsync())[0].GetProperty("type").GetString());
    }

    private static async Task<Follower> OpenAsync(TokenServer server, string path, int seconds)
    {
        var token = server.Token().With("exp", server.Time.GetUtcNow().AddSeconds(seconds).ToUnixTimeSeconds()).Sign(TokenServer.Key);
        return await Follower.OpenAsync(path, server.Port, $"channel=room.1&ticket={await server.TicketAsync(token, "subscribe", "room.1")}");
    }
}
