using System.Text;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Transports;

/// <summary>How a WebSocket ends: in good order, or because the client broke a rule of RFC 6455.</summary>
public sealed class WebSocketEndTests
{
    private const int Most = 1 << 20;

    /// <summary>What breaks a rule, and the code that says which.</summary>
    public static readonly TheoryData<string, int, byte[]> Breaches = new()
    {
        { "an unmasked frame", 1002, [0x81, 2, (byte)'{', (byte)'}'] },
        { "a reserved bit, as of a compressed message", 1002, [0xC1, 0x80, 0, 0, 0, 0] },
        { "an opcode that nobody knows", 1002, [0x83, 0x80, 0, 0, 0, 0] },
        { "a control frame that nobody knows", 1002, [0x8B, 0x80, 0, 0, 0, 0] },
        { "a ping in pieces", 1002, [0x09, 0x80, 0, 0, 0, 0] },
        { "a long ping", 1002, [0x89, 0xFE, 0, 126, 0, 0, 0, 0] },
        { "more of a message that has not begun", 1002, [0x80, 0x80, 0, 0, 0, 0] },
        { "a message inside another", 1002, [0x01, 0x80, 0, 0, 0, 0, 0x81, 0x80, 0, 0, 0, 0] },
        { "half a close code", 1002, [0x88, 0x81, 0, 0, 0, 0, 3] },
        { "a close code that may not be sent", 1002, [0x88, 0x82, 0, 0, 0, 0, 3, 237] },
        { "a close code below all", 1002, [0x88, 0x82, 0, 0, 0, 0, 3, 231] },
        { "a length below zero", 1009, [0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF] },
        { "a message of bytes", 1003, [0x82, 0x81, 0, 0, 0, 0, 1] },
        { "text that is not UTF-8", 1007, [0x81, 0x82, 0, 0, 0, 0, 0xC3, 0x28] },
        { "text that ends inside a character", 1007, [0x81, 0x82, 0, 0, 0, 0, 0xE2, 0x98] },
        { "a message in too many pieces", 1008, [0x01, 0x80, 0, 0, 0, 0, .. Enumerable.Range(0, 1024).SelectMany(_ => (byte[])[0x00, 0x80, 0, 0, 0, 0])] },
        { "a reason that is not UTF-8", 1007, [0x88, 0x83, 0, 0, 0, 0, 3, 232, 0xFF] },
    };

    [Theory]
    [MemberData(nameof(Breaches))]
    public async Task Breach_of_the_protocol_ends_the_connection_with_the_code_for_it(string what, int code, byte[] bytes)
    {
        await using var server = await LiveServer.StartAsync();
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a");
        await socket.ElementsAsync();
        await socket.SendRawAsync(bytes);
        Assert.True(await socket.CloseCodeAsync() == code, what);
        Assert.Null(await socket.FrameAsync());
        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 0, "Nothing of it stays");
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(1001)]
    [InlineData(3000)]
    [InlineData(4999)]
    public async Task Close_is_answered_by_a_close_of_the_same_code(int code)
    {
        await using var server = await LiveServer.StartAsync();
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a");
        await socket.ElementsAsync();
        await socket.SendAsync(RawSocket.Close, [(byte)(code >> 8), (byte)code, .. Encoding.UTF8.GetBytes("that is all ☄")]);
        Assert.Equal(code, await socket.CloseCodeAsync());
        Assert.Null(await socket.FrameAsync());
    }

    [Fact]
    public async Task Close_without_a_code_is_a_normal_one()
    {
        await using var server = await LiveServer.StartAsync();
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a");
        await socket.ElementsAsync();
        await socket.SendAsync(RawSocket.Close, []);
        Assert.Equal(1000, await socket.CloseCodeAsync());
        Assert.Null(await socket.FrameAsync());
    }

    [Fact]
    public async Task Publish_before_the_close_is_stored_and_answered_before_it()
    {
        await using var server = await LiveServer.StartAsync();
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=other");
        await socket.ElementsAsync();
        await socket.SendJsonAsync(new { channel = "a", msg = "last words" });
        await socket.SendCloseAsync(1000);
        Assert.Equal("pub", (await socket.ElementsAsync()).Single().GetProperty("type").GetString());
        Assert.Equal(1000, await socket.CloseCodeAsync());
    }

    [Fact]
    public async Task Frame_over_the_limit_is_refused_before_its_payload_is_sent()
    {
        await using var server = await LiveServer.StartAsync();
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a");
        await socket.ElementsAsync();
        await socket.SendRawAsync(RawSocket.Header(RawSocket.Text, Most + 1));
        Assert.Equal(1009, await socket.CloseCodeAsync());
        Assert.Null(await socket.FrameAsync());
    }

    [Fact]
    public async Task Message_whose_pieces_together_are_over_the_limit_is_refused()
    {
        await using var server = await LiveServer.StartAsync();
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a");
        await socket.ElementsAsync();
        await socket.SendAsync(RawSocket.Text, new byte[Most], isFinal: false);
        await socket.SendAsync(RawSocket.Continuation, new byte[1], isFinal: false);
        Assert.Equal(1009, await socket.CloseCodeAsync());
    }

    [Fact]
    public async Task Connection_that_breaks_without_a_close_leaves_nothing_behind()
    {
        await using var server = await LiveServer.StartAsync();
        var socket = await RawSocket.OpenAsync(server.Port, "channel=a&sname=alice");
        await socket.ElementsAsync();
        Assert.Equal(1, server.Hub.SubscriberCount);
        socket.Dispose();
        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 0, "Nothing of it stays");
    }
}
