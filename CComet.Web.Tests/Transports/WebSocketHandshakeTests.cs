using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Transports;

/// <summary>How a WebSocket is opened, and to whom.</summary>
public sealed class WebSocketHandshakeTests
{
    [Fact]
    public async Task Handshake_proves_that_it_was_understood_and_agrees_on_no_extension()
    {
        await using var server = await LiveServer.StartAsync();
        var (socket, head) = await RawSocket.ShakeHandsAsync(server.Port, "channel=a", [.. RawSocket.Upgrade, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"]);
        using (socket)
        {
            Assert.StartsWith("HTTP/1.1 101 ", head, StringComparison.Ordinal);
            Assert.Contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", head, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("\r\nUpgrade: websocket\r\n", head, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("Sec-WebSocket-Extensions", head, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("Sec-WebSocket-Protocol", head, StringComparison.OrdinalIgnoreCase);
            Assert.Equal("CURSOR", (await socket.ElementsAsync()).Single().GetProperty("type").GetString());
        }
    }

    [Theory]
    [InlineData("channel=a", "Connection", 426)]
    [InlineData("channel=a", "Upgrade", 426)]
    [InlineData("channel=a", "Sec-WebSocket-Version", 426)]
    [InlineData("channel=a", "Sec-WebSocket-Key", 400)]
    [InlineData("", "", 400)]
    [InlineData("channel=a&channel=a", "", 400)]
    [InlineData("channel=a&seqid=x", "", 400)]
    [InlineData("channel=a&cursor=x", "", 400)]
    [InlineData("channel=a&seqid=5", "", 409)]
    public async Task Handshake_that_lacks_something_is_refused_with_a_status(string query, string without, int status)
    {
        await using var server = await LiveServer.StartAsync();
        var (socket, head) = await RawSocket.ShakeHandsAsync(server.Port, query, RawSocket.Upgrade.Where(h => without.Length == 0 || !h.StartsWith(without + ":", StringComparison.Ordinal)));
        using (socket)
        {
            Assert.StartsWith($"HTTP/1.1 {status} ", head, StringComparison.Ordinal);
            Assert.Contains("application/problem+json", head, StringComparison.Ordinal);
            if (status == 426) Assert.Contains("\r\nUpgrade: websocket\r\n", head, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Theory]
    [InlineData("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 13")]
    [InlineData("Upgrade: websocket", "Upgrade: h2c", "Upgrade: websocket")]
    public async Task Handshake_of_another_version_is_told_the_supported_one(string right, string wrong, string told)
    {
        await using var server = await LiveServer.StartAsync();
        var (socket, head) = await RawSocket.ShakeHandsAsync(server.Port, "channel=a", RawSocket.Upgrade.Select(h => h == right ? wrong : h));
        using (socket)
        {
            Assert.StartsWith("HTTP/1.1 426 ", head, StringComparison.Ordinal);
            Assert.Contains($"\r\n{told}\r\n", head, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Theory]
    [InlineData("dG9vIHNob3J0")]
    [InlineData("not base64!")]
    public async Task Key_that_is_not_sixteen_bytes_is_refused(string key)
    {
        await using var server = await LiveServer.StartAsync();
        var (socket, head) = await RawSocket.ShakeHandsAsync(server.Port, "channel=a", [.. RawSocket.Upgrade.Take(3), $"Sec-WebSocket-Key: {key}"]);
        using (socket) Assert.StartsWith("HTTP/1.1 400 ", head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Words_of_the_handshake_are_taken_in_any_case_and_among_others()
    {
        await using var server = await LiveServer.StartAsync();
        var (socket, head) = await RawSocket.ShakeHandsAsync(server.Port, "channel=a", ["connection: keep-alive, upgrade", "upgrade: WebSocket", .. RawSocket.Upgrade.Skip(2)]);
        using (socket) Assert.StartsWith("HTTP/1.1 101 ", head, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://evil.example", 403)]
    [InlineData("https://ok.example.evil.example", 403)]
    [InlineData("http://ok.example", 403)]
    [InlineData("null", 403)]
    [InlineData("https://ok.example", 101)]
    [InlineData(null, 101)]
    public async Task Only_pages_of_the_origins_named_may_open_one(string? origin, int status)
    {
        await using var server = await LiveServer.StartAsync("CComet:WebSocket:Origins:0=https://ok.example");
        var (socket, head) = await RawSocket.ShakeHandsAsync(server.Port, "channel=a", origin is null ? RawSocket.Upgrade : [.. RawSocket.Upgrade, $"Origin: {origin}"]);
        using (socket) Assert.StartsWith($"HTTP/1.1 {status} ", head, StringComparison.Ordinal);
    }
}
