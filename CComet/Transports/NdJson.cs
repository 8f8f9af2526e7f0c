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

    /// <inheritdoc/>
    protected override void Begin()
    {
        foreach (var place in Subscriber.CursorNotices) Put(forms.Encoder.Encode(place));
    }

    /// <inheritdoc/>
    protected override void Write(int channelIndex, Notice notice, bool isLast) => Put(forms.Encoder.Encode(notice));

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
        if (reason is WakeReason.Draining or WakeReason.Expired) Put(forms.Encoder.Encode(ByeOf(reason, retry)));
        else if (reason == WakeReason.Revoked) Put(forms.Encoder.EncodeRefusal(RevokedCode, RevokedReason));
        else if (reason == WakeReason.Replaced) Put(forms.Encoder.EncodeReplacement(Subscriber));
    }

    private void Put(byte[] json)
    {
        Output.Write(json);
        Output.Write("\n"u8);
    }
}
