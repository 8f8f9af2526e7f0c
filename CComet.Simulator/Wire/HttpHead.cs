using System.Buffers.Text;

namespace CComet.Simulator.Wire;

/// <summary>What a response's head says, as far as a subscriber or a publisher needs it. Its spans are good during the call only.</summary>
internal ref struct HttpHead
{
    public int Status;

    /// <summary>In bytes; -1 when not told.</summary>
    public long ContentLength;

    public bool IsChunked;

    /// <summary>The server ends the connection behind this response.</summary>
    public bool Closes;

    /// <summary><c>CComet-Cursor</c>, or empty.</summary>
    public ReadOnlySpan<byte> Cursor;

    /// <summary><c>Sec-WebSocket-Accept</c>, or empty.</summary>
    public ReadOnlySpan<byte> WebSocketAccept;

    /// <summary>From <c>CComet-Retry</c> or <c>Retry-After</c>, in milliseconds; -1 when not told.</summary>
    public int RetryMilliseconds;

    /// <summary>Reads the lines of a head, without the empty one that ends it.</summary>
    public static HttpHead Parse(ReadOnlySpan<byte> lines)
    {
        if (lines.Length < 12 || !lines.StartsWith("HTTP/1."u8) || !Utf8Parser.TryParse(lines[9..], out int status, out _))
            throw new WireException("the answer is not HTTP/1.1");
        var head = new HttpHead { Status = status, ContentLength = -1, RetryMilliseconds = -1 };
        var lineEnd = lines.IndexOf("\r\n"u8);
        while (lineEnd >= 0)
        {
            lines = lines[(lineEnd + 2)..];
            lineEnd = lines.IndexOf("\r\n"u8);
            head.Take(lineEnd < 0 ? lines : lines[..lineEnd]);
        }

        return head;
    }

    private void Take(ReadOnlySpan<byte> line)
    {
        var colon = line.IndexOf((byte)':');
        if (colon <= 0) return;
        var name = line[..colon];
        var value = line[(colon + 1)..].Trim(" \t"u8);
        if (Is(name, "content-length"u8)) ContentLength = Number(value);
        else if (Is(name, "transfer-encoding"u8)) IsChunked = Is(value, "chunked"u8);
        else if (Is(name, "connection"u8)) Closes = Is(value, "close"u8);
        else if (Is(name, "ccomet-cursor"u8)) Cursor = value;
        else if (Is(name, "sec-websocket-accept"u8)) WebSocketAccept = value;
        else if (Is(name, "ccomet-retry"u8)) RetryMilliseconds = (int)Number(value);
        else if (Is(name, "retry-after"u8) && RetryMilliseconds < 0) RetryMilliseconds = (int)Math.Min(Number(value), 3600) * 1000;
    }

    private static long Number(ReadOnlySpan<byte> value) =>
        Utf8Parser.TryParse(value, out long number, out var used) && used == value.Length && number >= 0 ? number : throw new WireException("a header's number cannot be read");

    private static bool Is(ReadOnlySpan<byte> text, ReadOnlySpan<byte> lower) => System.Text.Ascii.EqualsIgnoreCase(text, lower);
}
