using System.Buffers;
using System.IO.Pipelines;
using CComet.Channels;

namespace CComet.Transports;

/// <summary>Reads the first message of a WebSocket whose client has shown no credential yet: it must come in time, and be small.</summary>
internal static class WebSocketFirstMessage
{
    /// <summary>The close code of one that has shown no credential in time.</summary>
    public const ushort TimedOutCode = WebSocketStream.RefusedCode + 401;

    /// <summary>Reads it.</summary>
    /// <param name="input">What the client sends.</param>
    /// <param name="output">Where pings are answered.</param>
    /// <param name="wheel">The wheel that ends the waiting.</param>
    /// <param name="time">How long it may take.</param>
    /// <param name="maxLength">The longest that is taken, in bytes.</param>
    /// <returns>The text; null when the client closed, or vanished.</returns>
    /// <exception cref="WebSocketProtocolException">It did not come in time, is too long, or breaks the protocol.</exception>
    public static async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(PipeReader input, PipeWriter output, TimingWheel wheel, TimeSpan time, int maxLength)
    {
        using var deadline = new ReadDeadline(wheel, input, time);
        var text = default(WebSocketPayload);
        while (true)
        {
            var (header, payload) = await ReadFrameAsync(input, maxLength, maxLength - text.Length);
            if (header.Opcode == WebSocketOpcode.Close) return null;
            if (header.IsControl)
            {
                if (header.Opcode != WebSocketOpcode.Ping) continue;
                WebSocketFrames.Write(output, WebSocketOpcode.Pong, payload.Span);
                await output.FlushAsync();
                continue;
            }

            if (header.Opcode == WebSocketOpcode.Binary) throw new WebSocketProtocolException(1003, "Messages must be text.");
            if (header.Opcode == WebSocketOpcode.Continuation != text.Length > 0) throw new WebSocketProtocolException(1002, "A message began inside another, or there is none to continue.");
            text.Append(new ReadOnlySequence<byte>(payload), 0, 0);
            if (header.IsFinal) return text.Take();
        }
    }

    private static async ValueTask<(WebSocketFrameHeader Header, ReadOnlyMemory<byte> Payload)> ReadFrameAsync(PipeReader input, int maxLength, int room)
    {
        while (true)
        {
            var read = await input.ReadAsync();
            if (read.IsCanceled) throw new WebSocketProtocolException(TimedOutCode, "No auth frame has come in time.");
            var rest = read.Buffer;
            if (WebSocketFrames.TryReadHeader(ref rest, maxLength, room, out var header) && rest.Length >= header.Length)
            {
                var payload = default(WebSocketPayload);
                var masked = rest.Slice(0, header.Length);
                payload.Append(masked, header.Mask, 0);
                input.AdvanceTo(masked.End);
                return (header, payload.Take());
            }

            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted) return (new WebSocketFrameHeader(WebSocketOpcode.Close, true, 0, 0), default);
        }
    }
}
