using System.Net.Sockets;
using System.Text;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hardening;

/// <summary>The attack: to fill the memory with bodies that are sent slowly and never end.</summary>
public sealed class BodiesInFlightTests
{
    private const int Sent = 300_000;
    private const int Announced = 390_000;
    private const string Bound = "CComet:Limits:BodiesInFlightBytes=1048576";

    [Theory]
    [InlineData("Content-Length: 390000", "")]
    [InlineData("Transfer-Encoding: chunked", "493e0\r\n")]
    public async Task Bodies_that_do_not_end_are_refused_over_the_bound_while_small_publishes_go_on(string header, string chunk)
    {
        await using var server = await LiveServer.StartAsync(Bound);
        var begun = new List<TcpClient>();
        for (var i = 0; i < 3; i++)
        {
            begun.Add(await BeginAsync(server.Port, header, chunk));
            var counted = (i + 1) * (Sent - (16 << 10));
            await Eventually.TrueAsync(() => server.Hub.Context.Bodies.Used == counted, "Counting of a body");
        }

        using var oneTooMany = await BeginAsync(server.Port, header, chunk);
        using var reader = new StreamReader(oneTooMany.GetStream(), Encoding.UTF8);
        Assert.Equal("HTTP/1.1 429 Too Many Requests", await reader.ReadLineAsync());
        await server.PublishAsync("c", "small");
        (await server.Http.AskAsync("/pub?channel=c", Asking.Body(new string('x', Sent), "text/plain"))).AssertProblem(429, "body");

        begun.ForEach(b => b.Dispose());
        await Eventually.TrueAsync(() => server.Hub.Context.Bodies.Used == 0, "Freeing of what was begun");
        (await server.Http.AskAsync("/pub?channel=c", Asking.Body(new string('x', Sent), "text/plain"))).AssertProblem(413, "msg");
        Assert.Equal(["small"], await server.Http.KeptAsync("c"));
    }

    [Fact]
    public async Task Body_that_only_says_that_it_is_long_counts_for_nothing()
    {
        await using var server = await LiveServer.StartAsync(Bound);
        using var saying = await BeginAsync(server.Port, "Content-Length: 1000000", "", sent: 16 << 10);
        Assert.Equal(200, (await server.Http.AskAsync("/pub?channel=c", Asking.Body(new string('x', 60_000), "text/plain"))).Status);
        await Eventually.TrueAsync(() => server.Hub.Context.Bodies.Used == 0, "Freeing of the publish");
    }

    [Fact]
    public async Task WebSocket_messages_that_do_not_end_are_closed_with_1013_over_the_bound()
    {
        await using var server = await LiveServer.StartAsync(Bound);
        var begun = new List<RawSocket>();
        for (var i = 0; i < 3; i++)
        {
            begun.Add(await BeginMessageAsync(server.Port));
            var least = (i + 1) * (Sent - (16 << 10));
            await Eventually.TrueAsync(() => server.Hub.Context.Bodies.Used >= least, "Counting of a message");
        }

        using var oneTooMany = await BeginMessageAsync(server.Port);
        Assert.Equal(1013, await oneTooMany.CloseCodeAsync());
        begun.ForEach(b => b.Dispose());
        await Eventually.TrueAsync(() => server.Hub.Context.Bodies.Used == 0, "Freeing of what was begun");
    }

    private static async Task<TcpClient> BeginAsync(int port, string header, string chunk, int sent = Sent)
    {
        var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"POST /pub?channel=c HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n{header}\r\n\r\n{chunk}{new string('x', sent)}"));
        return client;
    }

    private static async Task<RawSocket> BeginMessageAsync(int port)
    {
        var socket = await RawSocket.OpenAsync(port, "channel=c");
        await socket.ElementsAsync();
        await socket.SendRawAsync([.. RawSocket.Header(RawSocket.Text, Announced), .. new byte[4], .. new byte[Sent]]);
        return socket;
    }
}
