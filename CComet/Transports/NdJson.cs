using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using CComet.Channels;
using CComet.Dialects.Native;
using CComet.Messages;
using CComet.Subscriptions;

namespace CComet.Transports;

/// <summary>One JSON object a line. A silent stream repeats where the subscriber stands, which any reader of lines can take.</summary>
internal sealed class NdJson(PipeWriter output, Socket? socket, Subscriber subscriber, IStreamRequest request) : StreamLoop(output, socket, subscriber, request)
{
    /// <summary>The content type.</summary>
    public const string ContentType = "application/x-ndjson; charset=utf-8";

    private static readonly Func<Batch, byte[]> Lines = Encode;
    private static readonly Func<Batch, byte[]> Chunks = batch => Chunk.Encode(batch.As(Lines).Span);

    /// <inheritdoc/>
    protected override void Begin()
    {
        foreach (var place in Subscriber.CursorNotices) Put(NoticeJson.Encode(place));
    }

    /// <inheritdoc/>
    protected override void Write(int channelIndex, Notice notice, bool isLast) => Put(NoticeJson.Encode(notice));

    /// <inheritdoc/>
    protected override void Write(int channelIndex, Batch batch, bool isLast) => Output.Write(batch.As(Lines).Span);

    /// <inheritdoc/>
    protected override ReadOnlyMemory<byte> ForSocket(Batch batch) => batch.As(Chunks);

    /// <inheritdoc/>
    protected override bool TryHeartbeat()
    {
        Begin();
        return true;
    }

    /// <inheritdoc/>
    protected override void Finish(WakeReason reason, TimeSpan retry)
    {
        if (reason == WakeReason.Draining) Put(NoticeJson.Encode(Notice.Bye(retry)));
        else if (reason == WakeReason.Replaced) Put(ReplacementJson.Encode(Subscriber));
    }

    private static byte[] Encode(Batch batch)
    {
        var lines = new ArrayBufferWriter<byte>((int)batch.Bytes + batch.Messages.Count);
        foreach (var message in batch.Messages)
        {
            lines.Write(MessageJson.Encode(message).Span);
            lines.Write("\n"u8);
        }

        return lines.WrittenSpan.ToArray();
    }

    private void Put(byte[] json)
    {
        Output.Write(json);
        Output.Write("\n"u8);
    }
}
