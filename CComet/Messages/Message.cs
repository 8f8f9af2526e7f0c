using System.Buffers.Text;
using System.Text;

namespace CComet.Messages;

/// <summary>What kind of entry of a log a message is.</summary>
public enum MessageType
{
    /// <summary>Published by somebody.</summary>
    Msg,

    /// <summary>Somebody signed in to the channel.</summary>
    Sign,
}

/// <summary>A message that asks to be appended; the store gives it its seqid and its time.</summary>
/// <param name="Channel">The channel, already checked.</param>
/// <param name="Type">MSG or SIGN.</param>
/// <param name="Sname">Who published it, or null when unknown.</param>
/// <param name="Body">The value of <c>msg</c> as JSON text in UTF-8.</param>
/// <param name="Id">The idempotency id, or null.</param>
public sealed record NewMessage(string Channel, MessageType Type, string? Sname, ReadOnlyMemory<byte> Body, string? Id = null)
{
    /// <summary>The draft of a sign-in. Its msg is the word SIGN, because the 2014 client reads a text from every message.</summary>
    public static NewMessage Sign(string channel, string? sname) => new(channel, MessageType.Sign, sname, SignBody);

    private static readonly byte[] SignBody = "\"SIGN\""u8.ToArray();
}

/// <summary>
/// One entry of a channel's log. It is encoded once, when it is made, and the same bytes go to every subscriber.
/// </summary>
public sealed class Message
{
    /// <summary>Two numbers of at most 20 digits, and what stands around them.</summary>
    private const int MaxClosing = 64;

    /// <summary>Takes an entry as a store kept it.</summary>
    /// <param name="seqid">Its number in the channel, from 0.</param>
    /// <param name="time">When it was stored, in milliseconds since 1970-01-01 UTC.</param>
    /// <param name="json">The whole JSON object, UTF-8.</param>
    public Message(long seqid, long time, byte[] json)
    {
        Seqid = seqid;
        Time = time;
        Json = json;
    }

    /// <summary>The number in the channel: 0, 1, 2 … without holes.</summary>
    public long Seqid { get; }

    /// <summary>When it was stored, in milliseconds since 1970-01-01 UTC.</summary>
    public long Time { get; }

    /// <summary>The message as a JSON object, UTF-8, the same on every transport. Not to be written to.</summary>
    public byte[] Json { get; }

    /// <summary>Encodes a draft that has been given its place in the log.</summary>
    public static Message Encode(NewMessage draft, long seqid, long time) => new(seqid, time, Write(draft, Closing(seqid, time, stackalloc byte[MaxClosing])));

    /// <summary>What is known of a message before it has its place: its JSON up to the value of <c>seqid</c>.</summary>
    public static byte[] Opening(NewMessage draft) => Write(draft, []);

    /// <summary>Makes the message of its <see cref="Opening"/> and its place in the log.</summary>
    public static Message Compose(ReadOnlySpan<byte> opening, long seqid, long time) => new(seqid, time, [.. opening, .. Closing(seqid, time, stackalloc byte[MaxClosing])]);

    /// <inheritdoc/>
    public override string ToString() => Encoding.UTF8.GetString(Json);

    private static ReadOnlySpan<byte> SnameKey => ",\"sname\":"u8;

    private static ReadOnlySpan<byte> MsgKey => ",\"msg\":"u8;

    private static ReadOnlySpan<byte> SeqidKey => ",\"seqid\":"u8;

    private static ReadOnlySpan<byte> TimeKey => ",\"time\":"u8;

    private static byte[] Write(NewMessage draft, ReadOnlySpan<byte> closing)
    {
        var channel = JsonText.Quote(draft.Channel);
        var sname = draft.Sname is null ? null : JsonText.Quote(draft.Sname);
        var type = draft.Type == MessageType.Sign ? "{\"type\":\"SIGN\",\"channel\":"u8 : "{\"type\":\"MSG\",\"channel\":"u8;
        var json = new byte[type.Length + channel.Length
            + (sname is null ? 0 : SnameKey.Length + sname.Length)
            + MsgKey.Length + draft.Body.Length + SeqidKey.Length + closing.Length];
        var rest = json.AsSpan();
        Put(type, ref rest);
        Put(channel, ref rest);
        if (sname is not null)
        {
            Put(SnameKey, ref rest);
            Put(sname, ref rest);
        }

        Put(MsgKey, ref rest);
        Put(draft.Body.Span, ref rest);
        Put(SeqidKey, ref rest);
        Put(closing, ref rest);
        return json;
    }

    /// <summary>A message's place in the log, behind its opening.</summary>
    private static Span<byte> Closing(long seqid, long time, Span<byte> into)
    {
        var rest = into;
        PutNumber(seqid, ref rest);
        Put(TimeKey, ref rest);
        PutNumber(time, ref rest);
        Put("}"u8, ref rest);
        return into[..^rest.Length];
    }

    private static void PutNumber(long number, ref Span<byte> rest)
    {
        Utf8Formatter.TryFormat(number, rest, out var written);
        rest = rest[written..];
    }

    private static void Put(scoped ReadOnlySpan<byte> part, ref Span<byte> rest)
    {
        part.CopyTo(rest);
        rest = rest[part.Length..];
    }
}
