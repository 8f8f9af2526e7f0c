using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace CComet.Web.Tests.Support;

/// <summary>A frame as the server sent it.</summary>
public sealed record RawFrame(int FirstByte, bool IsMasked, byte[] Payload)
{
    public int Opcode => FirstByte & 0x0F;

    public string Text => Encoding.UTF8.GetString(Payload);

    /// <summary>The code of a close frame.</summary>
    public int CloseCode => BinaryPrimitives.ReadUInt16BigEndian(Payload);

    /// <summary>The elements of the array in a frame of text.</summary>
    public JsonElement[] Elements => JsonSerializer.Deserialize<JsonElement[]>(Payload)!;
}

/// <summary>A WebSocket client that does what no good library lets a program do.</summary>
public sealed class RawSocket : IDisposable
{
    public const int Continuation = 0x0;
    public const int Text = 0x1;
    public const int Binary = 0x2;
    public const int Close = 0x8;
    public const int Ping = 0x9;
    public const int Pong = 0xA;

    /// <summary>The headers of a good handshake; the key is RFC 6455's own example.</summary>
    public static readonly IReadOnlyList<string> Upgrade =
    [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];

    private readonly TcpClient _client;
    private readonly NetworkStream _stream;

    private RawSocket(TcpClient client)
    {
        _client = client;
        _stream = client.GetStream();
    }

    /// <summary>Opens a WebSocket.</summary>
    /// <param name="port">The server's port.</param>
    /// <param name="query">Such as <c>channel=a</c>.</param>
    /// <param name="headers">Further headers of the request.</param>
    public static async Task<RawSocket> OpenAsync(int port, string query, params string[] headers)
    {
        var (socket, head) = await ShakeHandsAsync(port, query, [.. Upgrade, .. headers]);
        Assert.StartsWith("HTTP/1.1 101 ", head, StringComparison.Ordinal);
        return socket;
    }

    /// <summary>Asks for a WebSocket with just these headers; gives the head of the answer.</summary>
    public static async Task<(RawSocket Socket, string Head)> ShakeHandsAsync(int port, string query, IEnumerable<string> headers, string path = "/ws")
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync("127.0.0.1", port);
        var socket = new RawSocket(client);
        await socket.SendRawAsync(Encoding.ASCII.GetBytes($"GET {path}?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n{string.Concat(headers.Select(h => h + "\r\n"))}\r\n"));
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await socket.ReadExactlyAsync(one);
            head.Append((char)one[0]);
        }

        return (socket, head.ToString());
    }

    /// <summary>Sends a frame of a length that says its own; masked, as a client's must be.</summary>
    public Task SendAsync(int opcode, byte[] payload, bool isFinal = true)
    {
        byte[] mask = [0x37, 0xFA, 0x21, 0x3D];
        return SendRawAsync([.. Header(opcode, payload.Length, isFinal, isMasked: true), .. mask, .. payload.Select((b, i) => (byte)(b ^ mask[i & 3]))]);
    }

    public Task SendTextAsync(string text) => SendAsync(Text, Encoding.UTF8.GetBytes(text));

    public Task SendJsonAsync(object value) => SendAsync(Text, JsonSerializer.SerializeToUtf8Bytes(value));

    /// <summary>Closes with a code.</summary>
    public Task SendCloseAsync(int code) => SendAsync(Close, [(byte)(code >> 8), (byte)code]);

    /// <summary>Sends any bytes.</summary>
    public async Task SendRawAsync(byte[] bytes)
    {
        using var deadline = new CancellationTokenSource(Patience.Limit);
        await _stream.WriteAsync(bytes, deadline.Token);
    }

    /// <summary>The head of a frame, without the mask.</summary>
    public static byte[] Header(int opcode, long length, bool isFinal = true, bool isMasked = true)
    {
        var first = (byte)((isFinal ? 0x80 : 0) | opcode);
        var mask = isMasked ? 0x80 : 0;
        if (length <= 125) return [first, (byte)(mask | (int)length)];
        if (length <= ushort.MaxValue) return [first, (byte)(mask | 126), (byte)(length >> 8), (byte)length];
        var header = new byte[10];
        header[0] = first;
        header[1] = (byte)(mask | 127);
        BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(2), length);
        return header;
    }

    /// <summary>The next frame; null when the connection has ended.</summary>
    public async Task<RawFrame?> FrameAsync()
    {
        var head = new byte[2];
        try
        {
            await ReadExactlyAsync(head);
        }
        catch (Exception e) when (e is EndOfStreamException or IOException { InnerException: SocketException })
        {
            return null;
        }

        long length = head[1] & 0x7F;
        if (length >= 126)
        {
            var extended = new byte[length == 126 ? 2 : 8];
            await ReadExactlyAsync(extended);
            length = extended.Aggregate(0L, (sum, b) => (sum << 8) | b);
        }

        var payload = new byte[length];
        await ReadExactlyAsync(payload);
        return new RawFrame(head[0], (head[1] & 0x80) != 0, payload);
    }

    /// <summary>The elements of the next frame, which must be one of text.</summary>
    public async Task<JsonElement[]> ElementsAsync()
    {
        var frame = await FrameAsync();
        Assert.NotNull(frame);
        Assert.Equal(0x80 | Text, frame.FirstByte);
        Assert.False(frame.IsMasked, "A server's frames are not masked.");
        return frame.Elements;
    }

    /// <summary>The code of the next frame, which must be a close, and the last.</summary>
    public async Task<int> CloseCodeAsync()
    {
        var frame = await FrameAsync();
        Assert.NotNull(frame);
        Assert.Equal(0x80 | Close, frame.FirstByte);
        return frame.CloseCode;
    }

    public void Dispose() => _client.Dispose();

    private async Task ReadExactlyAsync(byte[] buffer)
    {
        using var deadline = new CancellationTokenSource(Patience.Limit);
        await _stream.ReadExactlyAsync(buffer, deadline.Token);
    }
}
