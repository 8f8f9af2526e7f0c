using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using CComet.Messages;

namespace CComet.Transports;

/// <summary>The forms in which the transports send a batch, in one dialect. Each is made once for a batch, and shared by all subscribers at one cursor (<see cref="Batch.As"/>).</summary>
/// <remarks>One instance for each dialect: a batch knows a form by the reference of its delegate.</remarks>
internal sealed class BatchForms
{
    /// <summary>In bytes. A larger batch is not joined for a poll: few poll from the same old cursor, and the copy would be held for each.</summary>
    public const int MaxJoinedBytes = 64 << 10;

    /// <summary>Makes the forms of a dialect.</summary>
    public BatchForms(IMessageEncoder encoder)
    {
        Encoder = encoder;
        Joined = batch => Join(batch, encoder);
        Array = batch => [(byte)'[', .. batch.As(Joined).Span, (byte)']', (byte)'\n'];
        Events = batch => EncodeEvents(batch, encoder);
        EventChunks = batch => Chunk.Encode(batch.As(Events).Span);
        Lines = batch => EncodeLines(batch, encoder);
        LineChunks = batch => Chunk.Encode(batch.As(Lines).Span);
        Frames = batch => EncodeFrame(batch.As(Joined).Span);
    }

    /// <summary>The dialect's encoder.</summary>
    public IMessageEncoder Encoder { get; }

    /// <summary>The messages joined by commas: the form that all answers of one moment share.</summary>
    public Func<Batch, byte[]> Joined { get; }

    /// <summary>The messages as an array and a newline: the whole answer to a long poll.</summary>
    public Func<Batch, byte[]> Array { get; }

    /// <summary>The messages as server-sent events, each with the cursor behind it as its id.</summary>
    public Func<Batch, byte[]> Events { get; }

    /// <summary>The events with their frame of chunked transfer coding, as they go over a socket.</summary>
    public Func<Batch, byte[]> EventChunks { get; }

    /// <summary>The messages as lines.</summary>
    public Func<Batch, byte[]> Lines { get; }

    /// <summary>The lines with their frame of chunked transfer coding, as they go over a socket.</summary>
    public Func<Batch, byte[]> LineChunks { get; }

    /// <summary>The messages as an array in one WebSocket frame.</summary>
    public Func<Batch, byte[]> Frames { get; }

    private static byte[] Join(Batch batch, IMessageEncoder encoder)
    {
        if (batch.Messages.Count == 1) return BytesOf(encoder.Encode(batch.Messages[0]));
        var joined = new ArrayBufferWriter<byte>((int)batch.Bytes + batch.Messages.Count);
        for (var i = 0; i < batch.Messages.Count; i++)
        {
            if (i > 0) joined.Write(","u8);
            joined.Write(encoder.Encode(batch.Messages[i]).Span);
        }

        return joined.WrittenSpan.ToArray();
    }

    /// <summary>The whole array where the memory is one, as a message's record is; else a copy.</summary>
    private static byte[] BytesOf(ReadOnlyMemory<byte> bytes) =>
        MemoryMarshal.TryGetArray(bytes, out var part) && part.Array!.Length == bytes.Length ? part.Array : bytes.ToArray();

    private static byte[] EncodeEvents(Batch batch, IMessageEncoder encoder)
    {
        var events = new ArrayBufferWriter<byte>((int)batch.Bytes + (batch.Messages.Count * 48));
        foreach (var message in batch.Messages)
        {
            Encoding.UTF8.GetBytes($"id: {new Cursor(batch.Epoch, message.Seqid + 1)}\ndata: ", events);
            events.Write(encoder.Encode(message).Span);
            events.Write("\n\n"u8);
        }

        return events.WrittenSpan.ToArray();
    }

    private static byte[] EncodeLines(Batch batch, IMessageEncoder encoder)
    {
        var lines = new ArrayBufferWriter<byte>((int)batch.Bytes + batch.Messages.Count);
        foreach (var message in batch.Messages)
        {
            lines.Write(encoder.Encode(message).Span);
            lines.Write("\n"u8);
        }

        return lines.WrittenSpan.ToArray();
    }

    private static byte[] EncodeFrame(ReadOnlySpan<byte> joined)
    {
        var frame = new ArrayBufferWriter<byte>(joined.Length + 12);
        WebSocketFrames.WriteHeader(frame, WebSocketOpcode.Text, joined.Length + 2);
        frame.Write("["u8);
        frame.Write(joined);
        frame.Write("]"u8);
        return frame.WrittenSpan.ToArray();
    }
}
