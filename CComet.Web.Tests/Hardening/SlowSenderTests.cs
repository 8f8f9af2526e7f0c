using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Hardening;

/// <summary>Attacks by clients that send without an end: slowly, or what nobody reads.</summary>
public sealed class SlowSenderTests
{
    /// <summary>More than the kernel and the server may hold of one connection together: twice both of the kernel's buffers, and what is read ahead.</summary>
    private const int MostHeld = 512 << 10;

    /// <summary>Much at once and then a trickle keeps any bound on the average rate.</summary>
    [Theory]
    [InlineData("/pub?channel=a", "text/plain", 10)]
    [InlineData("/pub?channel=a", "text/plain", 50_000)]
    [InlineData("/pub", "application/x-www-form-urlencoded", 50_000)]
    [InlineData("/pub", "application/json", 10)]
    [InlineData("/pub", "multipart/form-data; boundary=x", 10)]
    [InlineData("/sign", "application/x-www-form-urlencoded", 10)]
    public async Task Body_that_does_not_end_is_refused_once_its_time_is_over(string path, string type, int sent)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await LiveServer.StartAsync(0, new CCometFactory(time));
        using var http = await RawHttp.ConnectAsync(server.Port);
        var before = server.Hub.Context.Wheel.Count;
        await http.SendAsync($"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {type}\r\nContent-Length: 60000\r\n\r\n{new string('x', sent)}");
        await Eventually.TrueAsync(() => server.Hub.Context.Wheel.Count > before, "Waiting for the rest");
        time.Advance(TimeSpan.FromSeconds(29));
        await http.SendAsync("x");
        time.Advance(TimeSpan.FromSeconds(2));
        var answer = await http.ReadAsync();
        Assert.Equal(408, answer!.Status);
        Assert.Equal("body", answer.Json.GetProperty("parameter").GetString());
        Assert.Null(await http.ReadAsync());
        Assert.Equal(before, server.Hub.Context.Wheel.Count);
    }

    [Fact]
    public async Task Chunked_body_that_does_not_end_is_refused_once_its_time_is_over()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await LiveServer.StartAsync(0, new CCometFactory(time));
        using var http = await RawHttp.ConnectAsync(server.Port);
        await http.SendAsync("POST /pub?channel=a HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
        await Eventually.TrueAsync(() => server.Hub.Context.Wheel.Count > 0, "Waiting for the rest");
        time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(408, (await http.ReadAsync())!.Status);
    }

    [Fact]
    public async Task Body_that_comes_in_time_is_stored_and_the_connection_goes_on()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await LiveServer.StartAsync(0, new CCometFactory(time));
        using var http = await RawHttp.ConnectAsync(server.Port);
        for (var i = 0; i < 3; i++)
        {
            await http.SendAsync("POST /pub?channel=a HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nx");
            await Eventually.TrueAsync(() => server.Hub.Context.Wheel.Count > 0, "Waiting for the rest");
            time.Advance(TimeSpan.FromSeconds(29));
            await http.SendAsync("y");
            Assert.Equal(200, (await http.ReadAsync())!.Status);
            Assert.Equal(0, server.Hub.Context.Wheel.Count);
        }
    }

    /// <summary>The web server's own clock, which no test can turn, drives it: a second is enough to see that bytes that come do not put it off.</summary>
    [Theory]
    [InlineData("GET /sub?channel=")]
    [InlineData("GET /sub?channel=a HTTP/1.1\r\nHost: a\r\nX-Slow: ")]
    [InlineData("POST /pub HTTP/1.1\r\nHost: a\r\n")]
    public async Task Head_that_does_not_end_is_refused_once_its_time_is_over(string head)
    {
        var factory = new CCometFactory { OnServices = services => services.PostConfigure<KestrelServerOptions>(kestrel => kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(1)) };
        await using var server = await LiveServer.StartAsync(0, factory);
        using var http = await RawHttp.ConnectAsync(server.Port);
        await http.SendAsync(head);
        var answering = http.ReadAsync();
        using var trickle = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!answering.IsCompleted && await trickle.WaitForNextTickAsync()) await http.SendToRefusalAsync("x");

        // The answer is lost when a byte comes behind it.
        Assert.True(await answering is null or { Status: 408 });
    }

    [Fact]
    public async Task Head_has_thirty_seconds()
    {
        await using var server = await LiveServer.StartAsync();
        Assert.Equal(TimeSpan.FromSeconds(30), server.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits.RequestHeadersTimeout);
    }

    /// <summary>A waiting request's client has nothing to say: what it says is held for as long as the request waits.</summary>
    [Theory]
    [InlineData("/sub?channel=a", "Content-Length: 100000000\r\n")]
    [InlineData("/sub?channel=a", "")]
    [InlineData("/sse?channel=a", "")]
    [InlineData("/stream?channel=a", "Transfer-Encoding: chunked\r\n")]
    public async Task Client_of_a_waiting_request_that_sends_on_is_held_up_soon(string target, string headers)
    {
        await using var server = await LiveServer.StartAsync("CComet:Poll:Timeout=00:10:00");
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { SendBufferSize = 4096 };
        await socket.ConnectAsync("127.0.0.1", server.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: a\r\n{headers}\r\n"));
        await Eventually.TrueAsync(() => server.Hub.Find("a")?.Waiting == 1, "Waiting");
        Assert.InRange(await SendAllAsync(socket), 1, MostHeld);
    }

    /// <summary>The kernel's room for what is not read, which grows to megabytes by itself, is bounded for every connection.</summary>
    [Fact]
    public async Task Client_of_a_WebSocket_that_reads_no_receipts_is_held_up_soon()
    {
        await using var server = await LiveServer.StartAsync();
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { SendBufferSize = 4096, ReceiveBufferSize = 4096 };
        await socket.ConnectAsync("127.0.0.1", server.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET /ws?channel=other HTTP/1.1\r\nHost: a\r\n{string.Join("\r\n", RawSocket.Upgrade)}\r\n\r\n"));
        await Eventually.TrueAsync(() => server.Hub.Find("other")?.Waiting == 1, "Following");

        // Each message of 3 KB is answered by about as much.
        var array = JsonSerializer.SerializeToUtf8Bytes(Enumerable.Repeat(new { channel = "a", msg = "x" }, 100));
        byte[] frame = [.. RawSocket.Header(RawSocket.Text, array.Length), 0, 0, 0, 0, .. array];
        Assert.InRange(await SendAllAsync(socket, frame), 1, 4 * MostHeld);
    }

    /// <summary>Sends until nothing more is taken; says how much was, in bytes.</summary>
    private static async Task<long> SendAllAsync(Socket socket, byte[]? piece = null)
    {
        const int most = 16 << 20;
        piece ??= new byte[4096];
        long sent = 0;
        var sending = Task.Run(async () =>
        {
            while (Volatile.Read(ref sent) < most) Interlocked.Add(ref sent, await socket.SendAsync(piece));
        });
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        var (last, quiet) = (-1L, 0);
        while (quiet < 30 && !sending.IsCompleted)
        {
            await look.WaitForNextTickAsync();
            (last, quiet) = (Volatile.Read(ref sent), Volatile.Read(ref sent) == last ? quiet + 1 : 0);
        }

        return last;
    }
}
