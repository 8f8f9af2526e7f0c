using System.Buffers;
using CComet.Channels;
using CComet.Dialects.Native;
using CComet.Messages;
using CComet.Transports;

namespace CComet.Kestrel.Parking;

/// <summary>How a stream of one channel looks on the wire: as its transport writes it.</summary>
internal abstract class StreamForm
{
    /// <summary>Server-sent events.</summary>
    public static readonly StreamForm Events = new EventForm();

    /// <summary>JSON lines.</summary>
    public static readonly StreamForm Lines = new LineForm();

    /// <summary>One or the other.</summary>
    public static StreamForm Of(bool isOfLines) => isOfLines ? Lines : Events;

    /// <summary>The content type.</summary>
    public abstract string ContentType { get; }

    /// <summary>The path.</summary>
    public abstract string Path { get; }

    /// <summary>A batch with its frame of chunked transfer coding, which all of its streams share.</summary>
    public abstract Func<Batch, byte[]> Chunks { get; }

    private static IMessageEncoder Encoder => NativeEncoder.Forms.Encoder;

    /// <summary>Writes what a stream begins with.</summary>
    /// <param name="output">The wire.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="cursor">Where it begins.</param>
    /// <param name="expires">Until when its grant holds; null for ever.</param>
    public abstract void WriteStart(IBufferWriter<byte> output, string channel, in Cursor cursor, DateTimeOffset? expires);

    /// <summary>Writes a notice.</summary>
    public abstract void WriteNotice(IBufferWriter<byte> output, Notice notice);

    /// <summary>A sign of life with its frame; empty where the start is repeated as one.</summary>
    public virtual ReadOnlyMemory<byte> Heartbeat => default;

    /// <summary>Writes what ends it, behind the notice where there is one.</summary>
    /// <param name="output">The wire.</param>
    /// <param name="reason">Why it ends.</param>
    /// <param name="retry">When the client may come back.</param>
    /// <param name="cursor">Where the stream is.</param>
    public abstract void WriteEnd(IBufferWriter<byte> output, WakeReason reason, TimeSpan retry, string cursor);

    private static Notice NoticeOf(string channel, in Cursor cursor, DateTimeOffset? expires) => Notice.Cursor(channel, cursor.Epoch!, cursor.Seqid!.Value, expires);

    private sealed class EventForm : StreamForm
    {
        public override string ContentType => EventStream.ContentType;

        public override string Path => "/sse";

        public override Func<Batch, byte[]> Chunks => NativeEncoder.Forms.EventChunks;

        public override void WriteStart(IBufferWriter<byte> output, string channel, in Cursor cursor, DateTimeOffset? expires) =>
            EventStream.WriteStart(output, cursor, expires is null ? null : Encoder.Encode(NoticeOf(channel, cursor, expires)));

        public override void WriteNotice(IBufferWriter<byte> output, Notice notice) => EventStream.WriteNotice(output, notice, Encoder);

        public override ReadOnlyMemory<byte> Heartbeat { get; } = Chunk.Encode(":\n\n"u8);

        public override void WriteEnd(IBufferWriter<byte> output, WakeReason reason, TimeSpan retry, string cursor)
        {
            if (reason == WakeReason.Revoked) EventStream.WriteRevoked(output, cursor, Encoder);
            else if (reason == WakeReason.Closed) EventStream.WriteClosed(output);
            else EventStream.WriteBye(output, reason, retry, Encoder);
        }
    }

    private sealed class LineForm : StreamForm
    {
        public override string ContentType => NdJson.ContentType;

        public override string Path => "/stream";

        public override Func<Batch, byte[]> Chunks => NativeEncoder.Forms.LineChunks;

        public override void WriteStart(IBufferWriter<byte> output, string channel, in Cursor cursor, DateTimeOffset? expires) => NdJson.WriteLine(output, Encoder.Encode(NoticeOf(channel, cursor, expires)));

        public override void WriteNotice(IBufferWriter<byte> output, Notice notice) => NdJson.WriteLine(output, Encoder.Encode(notice));

        public override void WriteEnd(IBufferWriter<byte> output, WakeReason reason, TimeSpan retry, string cursor) => NdJson.WriteEnd(output, reason, retry, Encoder);
    }
}
