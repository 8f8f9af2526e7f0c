using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using CComet.Channels;
using CComet.Messages;
using CComet.Subscriptions;
using CComet.Transports;

namespace CComet.Dialects.Icomet;

/// <summary>A stream to a client of icomet: lines, events, or scripts, by its framing. A silent one is told a counted <c>noop</c>.</summary>
/// <param name="output">The wire.</param>
/// <param name="socket">The socket under it, or null.</param>
/// <param name="subscriber">Whose stream it is; it has begun.</param>
/// <param name="request">What asked for it.</param>
/// <param name="framing">What stands around each object.</param>
/// <param name="noop">The first number of a <c>noop</c>.</param>
/// <param name="tellsNext">Whether it begins with the seq from which it goes on, because the client's was none of the channel's.</param>
internal sealed class IcometStream(PipeWriter output, Socket? socket, Subscriber subscriber, IStreamRequest request, IcometFraming framing, long noop, bool tellsNext)
    : StreamLoop(output, socket, subscriber, request)
{
    private long _noop = noop;

    private byte[] Channel => JsonString.Quote(Subscriber.Cursors.First().Channel);

    private long Next => Subscriber.Cursors.First().Cursor.Seqid!.Value;

    /// <inheritdoc/>
    protected override void Begin()
    {
        Output.Write(framing.Opening);
        if (tellsNext) Put(IcometJson.NextSeq(Channel, Next));
    }

    /// <inheritdoc/>
    /// <remarks>A client sees a gap by the seq of the next message. A log that started over must be told, or the client drops its messages as old ones.</remarks>
    protected override void Write(int channelIndex, Notice notice, bool isLast)
    {
        if (notice.Kind == NoticeKind.Reset) Put(IcometJson.NextSeq(Channel, 0));
        else if (notice.Kind == NoticeKind.Close) Put(IcometJson.Close(Channel, Next));
        else if (isLast) Put(IcometJson.NextSeq(Channel, Next));
    }

    /// <inheritdoc/>
    protected override void Write(int channelIndex, Batch batch, bool isLast) => Output.Write(batch.As(framing.Framed).Span);

    /// <inheritdoc/>
    protected override ReadOnlyMemory<byte> ForSocket(Batch batch) => batch.As(framing.Chunks);

    /// <inheritdoc/>
    protected override bool TryHeartbeat()
    {
        Put(IcometJson.Noop(Channel, _noop++));
        return true;
    }

    /// <inheritdoc/>
    protected override void Finish(WakeReason reason, TimeSpan retry)
    {
        // Its clients connect again after any other end.
    }

    private void Put(byte[] json) => Output.Write(framing.Frame(json));
}
