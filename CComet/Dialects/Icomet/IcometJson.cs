using System.Buffers;
using System.Buffers.Text;
using System.Text;
using CComet.Messages;
using CComet.Operations;

namespace CComet.Dialects.Icomet;

/// <summary>Encodes what icomet's clients read, each one JSON object in UTF-8. The seq of a message is its seqid and one.</summary>
/// <remarks>
/// It is put into scripts as it is: <c>&lt;</c>, U+2028 and U+2029, which JSON has in strings alone, are escaped.
/// </remarks>
internal static class IcometJson
{
    private static readonly byte[] BroadcastName = JsonString.Quote(ChannelAdministration.BroadcastSname);

    /// <summary>The characters that may end a script or a line of it; U+2028 and U+2029 begin with the byte E2.</summary>
    private static readonly SearchValues<byte> Suspects = SearchValues.Create([(byte)'<', 0xE2]);

    /// <summary>The data of a batch joined by commas; nothing where it holds only sign-ins.</summary>
    public static readonly Func<Batch, byte[]> Joined = batch =>
    {
        var joined = new ArrayBufferWriter<byte>((int)batch.Bytes + (batch.Messages.Count * 32) + 1);
        foreach (var message in batch.Messages)
        {
            if (message.Type != MessageType.Msg) continue;
            if (joined.WrittenCount > 0) joined.Write(","u8);
            joined.Write(EncodeAll(message));
        }

        return joined.WrittenSpan.ToArray();
    };

    /// <summary>How many elements a batch has in this dialect.</summary>
    public static int Count(Batch batch)
    {
        var count = 0;
        for (var i = 0; i < batch.Messages.Count; i++)
        {
            if (batch.Messages[i].Type == MessageType.Msg) count += IsBroadcast(batch.Messages[i]) ? 2 : 1;
        }

        return count;
    }

    /// <summary>Encodes the elements of a batch, each with a text before it and one behind it.</summary>
    public static byte[] Frame(Batch batch, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> suffix)
    {
        var framed = new ArrayBufferWriter<byte>((int)batch.Bytes + (batch.Messages.Count * 32) + 1);
        foreach (var message in batch.Messages)
        {
            if (message.Type != MessageType.Msg) continue;
            Put(prefix, Encode(message), suffix, framed);

            // Clients of old do not count a broadcast.
            if (IsBroadcast(message)) Put(prefix, NextSeq(message.Channel.Span, message.Seqid + 1), suffix, framed);
        }

        return framed.WrittenSpan.ToArray();
    }

    /// <summary>Encodes a message, and behind a broadcast where to go on; a comma is between the two.</summary>
    public static byte[] EncodeAll(Message message) =>
        IsBroadcast(message) ? [.. Encode(message), (byte)',', .. NextSeq(message.Channel.Span, message.Seqid + 1)] : Encode(message);

    /// <summary>Encodes a message.</summary>
    public static byte[] Encode(Message message)
    {
        var body = message.Body.Span;
        return Encode(IsBroadcast(message) ? "broadcast"u8 : "data"u8, message.Channel.Span, message.Seqid + 1, body[0] == '"' ? body : JsonString.Quote(body));
    }

    /// <summary>Encodes that nothing has come for a while.</summary>
    public static byte[] Noop(ReadOnlySpan<byte> channel, long count) => Encode("noop"u8, channel, count, "\"\""u8);

    /// <summary>Encodes where to go on.</summary>
    /// <param name="channel">The channel as a JSON string.</param>
    /// <param name="next">The next seqid.</param>
    public static byte[] NextSeq(ReadOnlySpan<byte> channel, long next) => Encode("next_seq"u8, channel, next + 1, "\"\""u8);

    /// <summary>Encodes that the channel was closed.</summary>
    public static byte[] Close(ReadOnlySpan<byte> channel, long next) => Encode("close"u8, channel, next + 1, "\"\""u8);

    /// <summary>Encodes a refusal.</summary>
    /// <param name="type">Such as <c>401</c>.</param>
    /// <param name="channel">The channel; empty when it is not known.</param>
    /// <param name="reason">Why.</param>
    public static byte[] Refusal(string type, string channel, string reason) => Encode(Encoding.ASCII.GetBytes(type), Quote(channel), 0, Quote(reason));

    /// <summary>Returns a text as a JSON string; a half of a surrogate pair becomes U+FFFD.</summary>
    public static byte[] Quote(string text) => JsonString.Quote(Encoding.UTF8.GetBytes(text).AsSpan());

    /// <summary>Escapes what may not stand in a script as it is.</summary>
    public static byte[] Escape(byte[] json)
    {
        var escaped = new ArrayBufferWriter<byte>(json.Length);
        WriteEscaped(json, escaped);
        return escaped.WrittenSpan.ToArray();
    }

    private static bool IsBroadcast(Message message) => message.Sname.Span.SequenceEqual(BroadcastName);

    private static void Put(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> json, ReadOnlySpan<byte> suffix, ArrayBufferWriter<byte> output)
    {
        output.Write(prefix);
        output.Write(json);
        output.Write(suffix);
    }

    private static byte[] Encode(ReadOnlySpan<byte> type, ReadOnlySpan<byte> channel, long seq, ReadOnlySpan<byte> content)
    {
        var json = new ArrayBufferWriter<byte>(64 + channel.Length + content.Length);
        json.Write("{\"type\":\""u8);
        json.Write(type);
        json.Write("\",\"cname\":"u8);
        WriteEscaped(channel, json);
        json.Write(",\"seq\":"u8);
        Utf8Formatter.TryFormat(seq, json.GetSpan(20), out var length);
        json.Advance(length);
        json.Write(",\"content\":"u8);
        WriteEscaped(content, json);
        json.Write("}"u8);
        return json.WrittenSpan.ToArray();
    }

    private static void WriteEscaped(ReadOnlySpan<byte> text, ArrayBufferWriter<byte> output)
    {
        while (true)
        {
            var plain = text.IndexOfAny(Suspects);
            output.Write(plain < 0 ? text : text[..plain]);
            if (plain < 0) return;
            text = text[plain..];
            var (escape, length) = text switch
            {
                [(byte)'<', ..] => ("\\u003C", 1),
                [0xE2, 0x80, 0xA8, ..] => ("\\u2028", 3),
                [0xE2, 0x80, 0xA9, ..] => ("\\u2029", 3),
                _ => ("", 1),
            };
            if (escape.Length == 0) output.Write(text[..1]);
            else output.Write(Encoding.ASCII.GetBytes(escape));
            text = text[length..];
        }
    }
}
