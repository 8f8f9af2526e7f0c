using System.Buffers;
using System.Buffers.Binary;

namespace CComet.Transports;

/// <summary>What a frame of a WebSocket is (RFC 6455, section 5.2).</summary>
internal enum WebSocketOpcode : byte
{
    /// <summary>More of a message that has begun.</summary>
    Continuation = 0x0,

    /// <summary>A message of text.</summary>
    Text = 0x1,

    /// <summary>A message of bytes.</summary>
    Binary = 0x2,

    /// <summary>The end.</summary>
    Close = 0x8,

    /// <summary>A sign of life that wants one in return.</summary>
    Ping = 0x9,

    /// <summary>The sign of life in return.</summary>
    Pong = 0xA,
}

/// <summary>What comes before the payload of a client's frame.</summary>
/// <param name="Opcode">What the frame is.</param>
/// <param name="IsFinal">Whether it is the last of its message.</param>
/// <param name="Length">The payload's length, in bytes.</param>
/// <param name="Mask">What the payload is masked with, the first byte the highest.</param>
internal readonly record struct WebSocketFrameHeader(WebSocketOpcode Opcode, bool IsFinal, long Length, uint Mask)
{
    /// <summary>Whether it is a close, a ping or a pong, which may stand between the frames of a message.</summary>
    public bool IsControl => Opcode >= WebSocketOpcode.Close;
}

/// <summary>The client broke a rule of the protocol; the connection ends with the code.</summary>
internal sealed class WebSocketProtocolException(ushort code, string reason) : Exception(reason)
{
    /// <summary>The close code (RFC 6455, section 7.4.1).</summary>
    public ushort Code { get; } = code;
}

/// <summary>
/// Frames as they lie on the wire. Our own because a frame from a server is not masked: the bytes of a message are the same for
/// every subscriber and are framed once, and because pings then come from the one timing wheel.
/// </summary>
internal static class WebSocketFrames
{
    /// <summary>The longest payload of a control frame, in bytes.</summary>
    public const int MaxControlPayload = 125;

    private const int FinalBit = 0x80;
    private const int ReservedBits = 0x70;
    private const int MaskBit = 0x80;

    /// <summary>Writes the header of an unfragmented frame from the server.</summary>
    public static void WriteHeader(IBufferWriter<byte> output, WebSocketOpcode opcode, long length)
    {
        var header = output.GetSpan(10);
        header[0] = (byte)(FinalBit | (int)opcode);
        switch (length)
        {
            case <= MaxControlPayload:
                header[1] = (byte)length;
                output.Advance(2);
                break;
            case <= ushort.MaxValue:
                header[1] = 126;
                BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)length);
                output.Advance(4);
                break;
            default:
                header[1] = 127;
                BinaryPrimitives.WriteInt64BigEndian(header[2..], length);
                output.Advance(10);
                break;
        }
    }

    /// <summary>Writes a whole frame from the server.</summary>
    public static void Write(IBufferWriter<byte> output, WebSocketOpcode opcode, ReadOnlySpan<byte> payload)
    {
        WriteHeader(output, opcode, payload.Length);
        output.Write(payload);
    }

    /// <summary>Writes a close from the server, without a reason in words.</summary>
    public static void WriteClose(IBufferWriter<byte> output, ushort code)
    {
        Span<byte> payload = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(payload, code);
        Write(output, WebSocketOpcode.Close, payload);
    }

    /// <summary>Reads the header of a client's frame and moves the buffer behind it; false when it has not come whole.</summary>
    /// <param name="buffer">What has come.</param>
    /// <param name="maxMessage">The longest message taken, in bytes.</param>
    /// <param name="room">How much of that is left to the message that the frame may be of.</param>
    /// <param name="header">The header.</param>
    /// <exception cref="WebSocketProtocolException">It breaks the protocol, or announces more than there is room for.</exception>
    public static bool TryReadHeader(ref ReadOnlySequence<byte> buffer, int maxMessage, int room, out WebSocketFrameHeader header)
    {
        header = default;
        var reader = new SequenceReader<byte>(buffer);
        if (!reader.TryRead(out var first) || !reader.TryRead(out var second)) return false;

        var opcode = (WebSocketOpcode)(first & 0x0F);
        var isFinal = (first & FinalBit) != 0;
        if ((first & ReservedBits) != 0) throw new WebSocketProtocolException(1002, "A reserved bit is set; no extension was agreed on.");
        if (!Enum.IsDefined(opcode)) throw new WebSocketProtocolException(1002, "Unknown opcode.");
        if ((second & MaskBit) == 0) throw new WebSocketProtocolException(1002, "A client's frame must be masked.");
        long length = second & 0x7F;
        var isControl = opcode >= WebSocketOpcode.Close;
        if (isControl && (!isFinal || length > MaxControlPayload)) throw new WebSocketProtocolException(1002, "A control frame must be short and whole.");

        if (length == 126)
        {
            if (!reader.TryReadBigEndian(out short shortLength)) return false;
            length = (ushort)shortLength;
        }
        else if (length == 127 && !reader.TryReadBigEndian(out length))
        {
            return false;
        }

        // Before the payload has come, so that a client does not send what will not be taken.
        if (!isControl && (length < 0 || length > room)) throw new WebSocketProtocolException(1009, $"A message may be at most {maxMessage} bytes long.");
        if (!reader.TryReadBigEndian(out int mask)) return false;
        buffer = buffer.Slice(reader.Position);
        header = new WebSocketFrameHeader(opcode, isFinal, length, (uint)mask);
        return true;
    }
}
