using System.Buffers.Binary;

namespace CComet.Simulator.Wire;

/// <summary>What a frame of a WebSocket is (RFC 6455, section 5.2).</summary>
internal enum WebSocketOpcode : byte
{
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xA,
}

/// <summary>Whom a server's messages and control frames are told to; a text is whole, whatever fragments it came in.</summary>
internal interface IWebSocketSink
{
    /// <summary>A text message, or a close, ping or pong; the payload is good during the call only.</summary>
    void Frame(WebSocketOpcode opcode, ReadOnlySpan<byte> payload);
}

/// <summary>Reads the frames of a server from pieces cut anywhere.</summary>
internal sealed class WebSocketReader(IWebSocketSink sink)
{
    private const int MaxPayload = 64 * 1024 * 1024;

    private readonly ByteStore _carry = new();
    private readonly ByteStore _message = new();
    private bool _inMessage;

    public void StreamLoop(ReadOnlySpan<byte> input)
    {
        if (_carry.Length == 0)
        {
            _carry.Append(input[TakeAll(input)..]);
            return;
        }

        _carry.Append(input);
        _carry.Consume(TakeAll(_carry.Span));
    }

    /// <summary>Takes the frames that are whole; gives how many bytes they were.</summary>
    private int TakeAll(ReadOnlySpan<byte> bytes)
    {
        var taken = 0;
        while (TryTake(bytes[taken..], out var length)) taken += length;
        return taken;
    }

    private bool TryTake(ReadOnlySpan<byte> bytes, out int length)
    {
        length = 0;
        if (bytes.Length < 2) return false;
        if ((bytes[0] & 0x70) != 0 || (bytes[1] & 0x80) != 0) throw new WireException("a server's WebSocket frame is masked or has a reserved bit");
        var start = 2;
        long payload = bytes[1] & 0x7F;
        if (payload == 126)
        {
            if (bytes.Length < 4) return false;
            payload = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
            start = 4;
        }
        else if (payload == 127)
        {
            if (bytes.Length < 10) return false;
            payload = BinaryPrimitives.ReadInt64BigEndian(bytes[2..]);
            start = 10;
        }

        if (payload is < 0 or > MaxPayload) throw new WireException("a WebSocket frame is longer than 64 MiB");
        if (bytes.Length - start < payload) return false;
        length = start + (int)payload;
        Take((WebSocketOpcode)(bytes[0] & 0x0F), (bytes[0] & 0x80) != 0, bytes[start..length]);
        return true;
    }

    private void Take(WebSocketOpcode opcode, bool isFinal, ReadOnlySpan<byte> payload)
    {
        if (opcode >= WebSocketOpcode.Close)
        {
            sink.Frame(opcode, payload);
            return;
        }

        if (_inMessage != (opcode == WebSocketOpcode.Continuation)) throw new WireException("WebSocket fragments are out of order");
        if (opcode == WebSocketOpcode.Binary) throw new WireException("a WebSocket message is not text");
        _inMessage = !isFinal;
        if (isFinal && _message.Length == 0)
        {
            sink.Frame(WebSocketOpcode.Text, payload);
            return;
        }

        _message.Append(payload);
        if (!isFinal) return;
        sink.Frame(WebSocketOpcode.Text, _message.Span);
        _message.Clear();
    }
}
