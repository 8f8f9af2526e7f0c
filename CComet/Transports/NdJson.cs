using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using CComet.Channels;
using CComet.Messages;
using CComet.Subscriptions;

namespace CComet.Transports;

/// <summary>One JSON object a line. A silent stream repeats where the subscriber stands, which any reader of lines can take.</summary>
internal sealed class NdJson(PipeWriter output, Socket? socket, Subscriber subscriber, IStreamRequest request, BatchForms forms) : StreamLoop(output, socket, subscriber, request)
{
    /// <summary>The content type.</summary>
    public const string ContentType = "application/x-ndjson; charset=utf-8";

    /// <summary>Writes a line.</summary>
    public static void WriteLine(IBufferWriter<byte> output, ReadOnlySpan<byte> json)
    {
        output.Write(json);
        output.Write("\n"u8);
    }

    /// <summary>Writes the end of a stream that the client is to open again, or whose right was revoked.</summary>
    public static void WriteEnd(IBufferWriter<byte> output, WakeReason reason, TimeSpan retry, IMessageEncoder encoder)
    {
        if (IsBye(reason)) WriteLine(output, encoder.Encode(ByeOf(reason, retry)));
        else if (reason == WakeReason.Revoked) WriteLine(output, encoder.EncodeRefusal(RevokedCode, RevokedReason));
    }

    /// <inheritdoc/>
    protected override void Begin()
    {
        foreach (var place in Subscriber.CursorNotices) WriteLine(Output, forms.Encoder.Encode(place));
    }

    /// <inheritdoc/>
    protected override void Write(int channelIndex, Notice notice, bool isLast) => WriteLine(Output, forms.Encoder.Encode(notice));

    /// <inheritdoc/>
    protected override void Write(int channelIndex, Batch batch, bool isLast) => Output.Write(batch.As(forms.Lines).Span);

    /// <inheritdoc/>
    protected override ReadOnlyMemory<byte> ForSocket(Batch batch) => batch.As(forms.LineChunks);

    /// <inheritdoc/>
    protected override bool TryHeartbeat()
    {
        Begin();
        return true;
    }

    /// <inheritdoc/>
    protected override void Finish(WakeReason reason, TimeSpan retry)
    {
        if (reason == WakeReason.Replaced) WriteLine(Output, forms.Encoder.EncodeReplacement(Subscriber));
        else WriteEnd(Output, reason, retry, forms.Encoder);
    }
}
