using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using CComet.Channels;
using CComet.Messages;
using CComet.Subscriptions;

namespace CComet.Transports;

/// <summary>The server's side of a WebSocket: each frame of text is an array, as from a long poll.</summary>
internal sealed class WebSocketStream(PipeWriter output, Socket? socket, Subscriber subscriber, IStreamRequest request, BatchForms forms) : StreamLoop(output, socket, subscriber, request)
{
    /// <summary>The close code for a subscriber whose name a newer one took; 4000 and up are an application's own.</summary>
    public const ushort ReplacedCode = 4409;

    /// <summary>What is added to the code of a refusal for the close code that tells it.</summary>
    public const ushort RefusedCode = 4000;

    private const ushort NormalCode = 1000;
    private const ushort GoingAwayCode = 1001;
    private const int MaxReplies = 16;

    /// <summary>A frame of text that holds <c>[]</c>.</summary>
    private static ReadOnlySpan<byte> EmptyArray => [0x81, 2, (byte)'[', (byte)']'];

    private System.Threading.Channels.Channel<(WebSocketOpcode Opcode, ReadOnlyMemory<byte> Payload)>? _replies;
    private byte[] _close = [];
    private long _lastHeard = subscriber.Hub.Time.GetTimestamp();

    /// <summary>Sets what the connection is closed with.</summary>
    /// <param name="code">The close code (RFC 6455, section 7.4).</param>
    /// <param name="reason">Why, in ASCII; cut to what a control frame holds.</param>
    public void CloseWith(ushort code, string reason = "") => _close = CloseFrame(code, reason);

    /// <summary>The client has given a sign of life.</summary>
    public void Heard() => Volatile.Write(ref _lastHeard, Hub.Time.GetTimestamp());

    /// <summary>Has a frame sent between the messages. Waits while the client does not take the earlier ones: that is all the backpressure a publisher needs.</summary>
    public ValueTask ReplyAsync(WebSocketOpcode opcode, ReadOnlyMemory<byte> payload)
    {
        // Made on first use: most who listen never speak.
        _replies ??= System.Threading.Channels.Channel.CreateBounded<(WebSocketOpcode, ReadOnlyMemory<byte>)>(MaxReplies);
        return WriteAsync();

        async ValueTask WriteAsync()
        {
            await _replies.Writer.WriteAsync((opcode, payload));
            Subscriber.Signal(WakeReason.Messages);
        }
    }

    /// <summary>Lets no reply wait any more for a feed that has ended.</summary>
    public void Complete() => _replies?.Writer.TryComplete();

    /// <inheritdoc/>
    protected override void Begin() =>
        PutArray([.. Subscriber.CursorNotices.Select(place => forms.Encoder.Encode(place))]);

    /// <inheritdoc/>
    protected override void Write(int channelIndex, Notice notice, bool isLast) => PutArray([forms.Encoder.Encode(notice)]);

    /// <inheritdoc/>
    protected override void Write(int channelIndex, Batch batch, bool isLast) => Output.Write(batch.As(forms.Frames).Span);

    /// <inheritdoc/>
    protected override ReadOnlyMemory<byte> ForSocket(Batch batch) => batch.As(forms.Frames);

    /// <inheritdoc/>
    protected override bool WriteReplies()
    {
        var wrote = false;
        while (_replies?.Reader.TryRead(out var reply) == true)
        {
            WebSocketFrames.Write(Output, reply.Opcode, reply.Payload.Span);
            wrote = true;
        }

        return wrote;
    }

    /// <inheritdoc/>
    protected override bool TryHeartbeat()
    {
        // A page sees no ping, and takes the silence for a dead connection.
        Output.Write(EmptyArray);
        WebSocketFrames.Write(Output, WebSocketOpcode.Ping, []);
        return Hub.Time.GetElapsedTime(Volatile.Read(ref _lastHeard)) <= 3 * Hub.Options.Stream.Heartbeat;
    }

    /// <inheritdoc/>
    protected override void Finish(WakeReason reason, TimeSpan retry)
    {
        WriteReplies();
        var close = _close;
        if (IsBye(reason))
        {
            PutArray([forms.Encoder.Encode(ByeOf(reason, retry))]);
            close = CloseFrame(GoingAwayCode, "");
        }
        else if (reason == WakeReason.Revoked)
        {
            PutArray([forms.Encoder.EncodeRefusal(RevokedCode, RevokedReason)]);
            close = CloseFrame(RefusedCode + RevokedCode, "");
        }
        else if (reason == WakeReason.Replaced)
        {
            PutArray([forms.Encoder.EncodeReplacement(Subscriber)]);
            close = CloseFrame(ReplacedCode, "");
        }
        else if (reason == WakeReason.Closed)
        {
            close = CloseFrame(NormalCode, "");
        }

        if (close.Length > 0) WebSocketFrames.Write(Output, WebSocketOpcode.Close, close);
    }

    private static byte[] CloseFrame(ushort code, string reason)
    {
        var payload = new byte[Math.Min(2 + reason.Length, WebSocketFrames.MaxControlPayload)];
        BinaryPrimitives.WriteUInt16BigEndian(payload, code);
        Encoding.ASCII.GetBytes(reason.AsSpan(0, payload.Length - 2), payload.AsSpan(2));
        return payload;
    }

    private void PutArray(IReadOnlyList<byte[]> elements)
    {
        WebSocketFrames.WriteHeader(Output, WebSocketOpcode.Text, 2 + elements.Count - 1 + elements.Sum(e => (long)e.Length));
        for (var i = 0; i < elements.Count; i++)
        {
            Output.Write(i == 0 ? "["u8 : ","u8);
            Output.Write(elements[i]);
        }

        Output.Write("]"u8);
    }
}
