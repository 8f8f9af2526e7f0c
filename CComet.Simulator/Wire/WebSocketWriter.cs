using System.Security.Cryptography;

namespace CComet.Simulator.Wire;

/// <summary>The frames and the handshake of a client.</summary>
internal static class WebSocketWriter
{
    /// <summary>
    /// The header with the key of RFC 6455's own example. What a random key guards against, a cache that replays handshakes, is
    /// not between a load tool and its server.
    /// </summary>
    public static ReadOnlySpan<byte> Handshake =>
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"u8;

    /// <summary>What a server must answer to <see cref="Handshake"/>.</summary>
    public static ReadOnlySpan<byte> Accept => "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="u8;

    /// <summary>Writes a whole control frame, masked as a client's must be; gives its length.</summary>
    /// <param name="output">At least 6 bytes longer than the payload.</param>
    /// <param name="opcode">Close, ping or pong.</param>
    /// <param name="payload">At most 125 bytes.</param>
    public static int WriteControl(Span<byte> output, WebSocketOpcode opcode, ReadOnlySpan<byte> payload)
    {
        if (payload.Length > 125) throw new WireException("a control frame is longer than 125 bytes");
        output[0] = (byte)(0x80 | (int)opcode);
        output[1] = (byte)(0x80 | payload.Length);
        var mask = output.Slice(2, 4);
        RandomNumberGenerator.Fill(mask);
        for (var i = 0; i < payload.Length; i++) output[6 + i] = (byte)(payload[i] ^ mask[i & 3]);
        return 6 + payload.Length;
    }
}
