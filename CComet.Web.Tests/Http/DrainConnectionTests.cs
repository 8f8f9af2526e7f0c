using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Http;

/// <summary>No request is sent into a connection that a stopping server closes: each answer says that it is the connection's last.</summary>
public sealed class DrainConnectionTests
{
    private static readonly string[] Requests =
    [
        "POST /pub?channel=a&msg=m", "GET /pub?channel=a&msg=m", "GET /pub?channel=a&msg=m&callback=f", "GET /pub", "GET /pub?callback=1", "GET /sign?channel=a",
        "GET /sub?channel=a", "GET /sub?channel=a&callback=f", "GET /sse?channel=a", "GET /stream?channel=a", "GET /ws?channel=a",
        "GET /health/live", "GET /health/ready", "GET /nowhere", "PUT /pub", "GET /chat.html",
    ];

    [Fact]
    public async Task Every_answer_of_a_draining_server_says_close_and_the_connection_ends()
    {
        await using var server = await LiveServer.StartAsync();
        var kept = new List<RawHttp>();
        foreach (var _ in Requests)
        {
            kept.Add(await RawHttp.ConnectAsync(server.Port));
            Assert.Null((await kept[^1].GetAsync("/pub?channel=kept&msg=m")).Header("Connection"));
        }

        server.Hub.BeginDrain();
        for (var i = 0; i < Requests.Length; i++)
        {
            await kept[i].SendAsync($"{Requests[i]} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
            var answer = (await kept[i].ReadAsync())!;
            Assert.True(answer.Header("Connection") == "close", $"{Requests[i]}: {answer.Status}, Connection: {answer.Header("Connection")}");
            Assert.Equal(-1, await kept[i].ReadByteAsync());
            kept[i].Dispose();
        }
    }

    [Theory]
    [InlineData("/sub?channel=a")]
    [InlineData("/sub?channel=a&seqid=0&callback=f")]
    public async Task Poll_that_a_message_ends_while_the_server_drains_says_close(string path)
    {
        await using var server = await LiveServer.StartAsync();
        using var raw = await PollAsync(server, path);
        server.Hub.BeginDrain();
        await server.PublishAsync("a", "m");
        Assert.Equal("close", (await raw.ReadAsync())!.Header("Connection"));
        Assert.Equal(-1, await raw.ReadByteAsync());
    }

    [Theory]
    [InlineData("/sub?channel=a")]
    [InlineData("/sub?channel=a&seqid=0&callback=f")]
    public async Task Poll_that_the_drain_ends_says_close(string path)
    {
        await using var server = await LiveServer.StartAsync();
        using var raw = await PollAsync(server, path);
        server.Hub.Drain();
        Assert.Equal("close", (await raw.ReadAsync())!.Header("Connection"));
        Assert.Equal(-1, await raw.ReadByteAsync());
    }

    /// <summary>The head of a stream was sent before; its connection ends behind it.</summary>
    [Theory]
    [InlineData("/sse?channel=a")]
    [InlineData("/stream?channel=a")]
    public async Task Stream_that_the_drain_ends_takes_its_connection_with_it(string path)
    {
        await using var server = await LiveServer.StartAsync();
        using var raw = await RawHttp.ConnectAsync(server.Port);
        await raw.SendAsync(RawHttp.Get(path));
        await Eventually.TrueAsync(() => server.Hub.Find("a")?.Waiting == 1, "The stream waits");
        server.Hub.Drain();
        Assert.Contains("BYE", (await raw.ReadAsync())!.Text, StringComparison.Ordinal);
        Assert.Equal(-1, await raw.ReadByteAsync());
    }

    [Fact]
    public async Task Connection_made_while_the_server_drains_is_answered_though_its_request_comes_late()
    {
        var step = TimeSpan.FromMilliseconds(100);
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await LiveServer.StartAsync(0, new CCometFactory(time, "CComet:Drain:Grace=00:00:01"));
        var stopping = server.StopAsync();
        await Eventually.TrueAsync(() => server.Hub.IsDraining, "The stop has begun");
        using var late = await RawHttp.ConnectAsync(server.Port);
        using var silent = await RawHttp.ConnectAsync(server.Port);
        await time.UntilAsync(() => !Ports.Listens(server.Port), step, "The listener is closed");

        Assert.False(stopping.IsCompleted);
        var answer = await late.GetAsync("/pub?channel=a&msg=m");
        Assert.Equal((200, "close"), (answer.Status, answer.Header("Connection")));

        // One that says nothing is waited for a moment, and no longer.
        await time.UntilAsync(() => stopping.IsCompleted, step, "The stop is over");
        await stopping;
        Assert.Equal(-1, await silent.ReadByteAsync());
    }

    private static async Task<RawHttp> PollAsync(LiveServer server, string path)
    {
        var raw = await RawHttp.ConnectAsync(server.Port);
        await raw.SendAsync(RawHttp.Get(path));
        await Eventually.TrueAsync(() => server.Hub.Find("a")?.Waiting == 1, "The poll waits");
        return raw;
    }
}
