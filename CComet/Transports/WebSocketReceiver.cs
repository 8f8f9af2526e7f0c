using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Text.Unicode;
using CComet.Channels;
using CComet.Subscriptions;

namespace CComet.Transports;

/// <summary>The answer to a message of text.</summary>
/// <param name="Json">What is sent.</param>
/// <param name="CloseCode">With what the WebSocket is closed behind it; 0 when it stays open.</param>
internal readonly record struct WebSocketAnswer(byte[] Json, ushort CloseCode = 0);

/// <summary>The client's side of a WebSocket: takes its messages one after the other, answers its pings, and holds it to the protocol.</summary>
/// <remarks>
/// A payload is unmasked as it comes, into one buffer for the whole message, and nothing is held of what a header announces. So a
/// message that is not finished costs at most twice what was sent of it, whatever the pieces it comes in, and for
/// <c>Limits:BodyTimeout</c> at most.
/// </remarks>
/// <param name="feed">Where answers go.</param>
/// <param name="subscriber">Whose stream it is.</param>
/// <param name="maxMessage">The longest message taken, in bytes.</param>
/// <param name="answer">Answers a message of text.</param>
internal sealed class WebSocketReceiver(WebSocketStream feed, Subscriber subscriber, int maxMessage, Func<ReadOnlyMemory<byte>, ValueTask<WebSocketAnswer>> answer)
{
    /// <summary>The most frames that a message may come in. A client that cuts a message at its limit into pieces of 1 KiB sends as many.</summary>
    public const int MaxFragments = 1024;

    private const ushort NormalCode = 1000;
    private const ushort PolicyCode = 1008;

    /// <summary>Registered for WebSocket with IANA: the server is overloaded for now.</summary>
    private const ushort TryAgainLaterCode = 1013;

    private WebSocketFrameHeader _frame;
    private long _left;
    private bool _inFrame;
    private WebSocketPayload _control;
    private WebSocketPayload _message;
    private int _fragments;
    private ReadDeadline? _deadline;
    private long _heldBytes;

    private bool InMessage => _fragments > 0;

    /// <summary>Runs until the client closes, vanishes or breaks the protocol; then ends the subscription.</summary>
    public async Task RunAsync(PipeReader input)
    {
        try
        {
            while (true)
            {
                var read = await input.ReadAsync();
                var buffer = read.Buffer;
                if (buffer.Length > 0) feed.Heard();
                subscriber.Hub.Bodies.Cover(ref _heldBytes, buffer.Length + _message.Length);
                while (TryTake(ref buffer))
                {
                    if (!await EndFrameAsync()) return;
                }

                input.AdvanceTo(buffer.Start, buffer.End);
                subscriber.Hub.Bodies.Cover(ref _heldBytes, buffer.Length + _message.Length);
                if (read.IsCompleted) return;
                if (read.IsCanceled && _deadline is { IsPassed: true }) throw new WebSocketProtocolException(PolicyCode, "The message took too long to come.");
                if (InMessage || _inFrame || !buffer.IsEmpty) _deadline ??= new ReadDeadline(subscriber.Hub.Wheel, input, subscriber.Hub.Options.Limits.BodyTimeout);
            }
        }
        catch (WebSocketProtocolException e)
        {
            feed.CloseWith(e.Code, e.Message);
        }
        catch (LimitException e)
        {
            feed.CloseWith(TryAgainLaterCode, e.Message);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or System.Threading.Channels.ChannelClosedException)
        {
            // The connection broke, or the feed has ended: there is no client left to answer.
        }
        finally
        {
            _deadline?.Dispose();
            subscriber.Hub.Bodies.Cover(ref _heldBytes, 0);
            subscriber.Signal(WakeReason.Gone);
        }
    }

    /// <summary>Takes what has come of a frame out of the buffer; true when the frame is whole.</summary>
    private bool TryTake(ref ReadOnlySequence<byte> buffer)
    {
        if (!_inFrame)
        {
            if (!WebSocketFrames.TryReadHeader(ref buffer, maxMessage, maxMessage - _message.Length, out _frame)) return false;
            BeginFrame();
        }

        var part = buffer.Slice(0, Math.Min(_left, buffer.Length));
        if (_frame.IsControl) _control.Append(part, _frame.Mask, _frame.Length - _left);
        else _message.Append(part, _frame.Mask, _frame.Length - _left);
        buffer = buffer.Slice(part.End);
        _left -= part.Length;
        _inFrame = _left > 0;
        return !_inFrame;
    }

    private void BeginFrame()
    {
        (_inFrame, _left) = (true, _frame.Length);
        if (_frame.IsControl) return;
        if (_frame.Opcode == WebSocketOpcode.Binary) throw new WebSocketProtocolException(1003, "Messages must be text.");
        if (_frame.Opcode == WebSocketOpcode.Text && InMessage) throw new WebSocketProtocolException(1002, "A message began inside another.");
        if (_frame.Opcode == WebSocketOpcode.Continuation && !InMessage) throw new WebSocketProtocolException(1002, "There is no message to continue.");
        if (++_fragments > MaxFragments) throw new WebSocketProtocolException(PolicyCode, $"A message may come in at most {MaxFragments} frames.");
    }

    /// <summary>Does what a whole frame asks for; false when it was the last.</summary>
    private async ValueTask<bool> EndFrameAsync()
    {
        if (_frame.IsControl)
        {
            EndDeadline();
            var payload = _control.Take();
            if (_frame.Opcode == WebSocketOpcode.Close)
            {
                feed.CloseWith(CodeOf(payload.Span));
                return false;
            }

            if (_frame.Opcode == WebSocketOpcode.Ping) await feed.ReplyAsync(WebSocketOpcode.Pong, payload);
            return true;
        }

        if (!_frame.IsFinal) return true;
        _fragments = 0;
        EndDeadline();
        var text = _message.Take();
        if (!Utf8.IsValid(text.Span)) throw new WebSocketProtocolException(1007, "Text must be UTF-8.");
        var (json, close) = await answer(text);
        await feed.ReplyAsync(WebSocketOpcode.Text, json);
        if (close == 0) return true;
        feed.CloseWith(close);
        return false;
    }

    /// <summary>A message's deadline goes on over the control frames inside it.</summary>
    private void EndDeadline()
    {
        if (InMessage) return;
        _deadline?.Dispose();
        _deadline = null;
    }

    /// <summary>The code to echo, which must be one that may be sent (RFC 6455, section 7.4).</summary>
    private static ushort CodeOf(ReadOnlySpan<byte> payload)
    {
        if (payload.Length == 0) return NormalCode;
        if (payload.Length == 1) throw new WebSocketProtocolException(1002, "A close code has two bytes.");
        var code = BinaryPrimitives.ReadUInt16BigEndian(payload);
        if (code is not ((>= 1000 and <= 1003) or (>= 1007 and <= 1014) or (>= 3000 and <= 4999))) throw new WebSocketProtocolException(1002, "That close code may not be sent.");
        if (!Utf8.IsValid(payload[2..])) throw new WebSocketProtocolException(1007, "A reason must be UTF-8.");
        return code;
    }
}
