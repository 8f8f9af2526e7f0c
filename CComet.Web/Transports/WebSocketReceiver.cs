using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Text.Unicode;
using CComet.Web.Hub;

namespace CComet.Web.Transports;

/// <summary>The client's side of a WebSocket: takes its messages one after the other, answers its pings, and holds it to the protocol.</summary>
/// <param name="feed">Where answers go.</param>
/// <param name="subscriber">Whose stream it is.</param>
/// <param name="maxMessage">The longest message taken, in bytes.</param>
/// <param name="answer">Answers a message of text.</param>
public sealed class WebSocketReceiver(WebSocketFeed feed, Subscriber subscriber, int maxMessage, Func<byte[], ValueTask<byte[]>> answer)
{
    private const ushort NormalCode = 1000;

    private readonly List<byte[]> _fragments = [];
    private int _fragmentBytes;
    private bool _inMessage;

    /// <summary>Runs until the client closes, vanishes or breaks the protocol; then ends the subscription.</summary>
    public async Task RunAsync(PipeReader input)
    {
        try
        {
            while (true)
            {
                var read = await input.ReadAsync();
                feed.Heard();
                var buffer = read.Buffer;
                while (WebSocketFrames.TryRead(ref buffer, maxMessage, out var frame))
                {
                    if (!await TakeAsync(frame)) return;
                }

                input.AdvanceTo(buffer.Start, buffer.End);
                if (read.IsCompleted) return;
            }
        }
        catch (WebSocketProtocolException e)
        {
            feed.CloseCode = e.Code;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or System.Threading.Channels.ChannelClosedException)
        {
            // The connection broke, or the feed has ended: there is nobody left to answer.
        }
        finally
        {
            subscriber.Signal(Wake.Gone);
        }
    }

    /// <summary>Takes one frame; false when it was the last.</summary>
    private async ValueTask<bool> TakeAsync(WebSocketFrame frame)
    {
        switch (frame.Opcode)
        {
            case WebSocketOpcode.Close:
                feed.CloseCode = CodeOf(frame.Payload);
                return false;
            case WebSocketOpcode.Ping:
                await feed.ReplyAsync(WebSocketOpcode.Pong, frame.Payload);
                return true;
            case WebSocketOpcode.Pong:
                return true;
            case WebSocketOpcode.Binary:
                throw new WebSocketProtocolException(1003, "Messages must be text.");
            case WebSocketOpcode.Text when _inMessage:
                throw new WebSocketProtocolException(1002, "A message began inside another.");
            case WebSocketOpcode.Continuation when !_inMessage:
                throw new WebSocketProtocolException(1002, "There is no message to continue.");
            default:
                break;
        }

        _fragmentBytes += frame.Payload.Length;
        if (_fragmentBytes > maxMessage) throw new WebSocketProtocolException(1009, $"A message may be at most {maxMessage} bytes long.");
        _fragments.Add(frame.Payload);
        _inMessage = !frame.IsFinal;
        if (_inMessage) return true;

        var text = _fragments.Count == 1 ? _fragments[0] : [.. _fragments.SelectMany(f => f)];
        _fragments.Clear();
        _fragmentBytes = 0;
        if (!Utf8.IsValid(text)) throw new WebSocketProtocolException(1007, "Text must be UTF-8.");
        await feed.ReplyAsync(WebSocketOpcode.Text, await answer(text));
        return true;
    }

    /// <summary>The code to echo, which must be one that may be sent (RFC 6455, section 7.4).</summary>
    private static ushort CodeOf(byte[] payload)
    {
        if (payload.Length == 0) return NormalCode;
        if (payload.Length == 1) throw new WebSocketProtocolException(1002, "A close code has two bytes.");
        var code = BinaryPrimitives.ReadUInt16BigEndian(payload);
        if (code is not ((>= 1000 and <= 1003) or (>= 1007 and <= 1014) or (>= 3000 and <= 4999))) throw new WebSocketProtocolException(1002, "That close code may not be sent.");
        if (!Utf8.IsValid(payload.AsSpan(2))) throw new WebSocketProtocolException(1007, "A reason must be UTF-8.");
        return code;
    }
}
