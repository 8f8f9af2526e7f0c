using System.Buffers;
using System.Buffers.Text;

namespace CComet.Messages;

/// <summary>
/// The record of a message, as stores keep it: a JSON object with the members <c>type</c>, <c>channel</c>, <c>sname</c> (when there is
/// one), <c>msg</c>, <c>seqid</c> and <c>time</c>, in this order, without white space. Of a <see cref="MessageType.Join"/> and a
/// <see cref="MessageType.Leave"/> the sname is the member <c>user</c>, and the body, when there is one, <c>info</c>.
/// </summary>
/// <remarks>It is what the native dialect sends, so that what is read from a store goes to every native subscriber without being encoded again.</remarks>
public static class MessageRecord
{
    /// <summary>Two numbers of at most 20 digits, and what is around them.</summary>
    private const int MaxClosing = 64;

    private static readonly SearchValues<byte> StringEnds = SearchValues.Create("\"\\"u8);

    private static ReadOnlySpan<byte> MsgStart => "{\"type\":\"MSG\",\"channel\":"u8;

    private static ReadOnlySpan<byte> SignStart => "{\"type\":\"SIGN\",\"channel\":"u8;

    private static ReadOnlySpan<byte> JoinStart => "{\"type\":\"JOIN\",\"channel\":"u8;

    private static ReadOnlySpan<byte> LeaveStart => "{\"type\":\"LEAVE\",\"channel\":"u8;

    private static ReadOnlySpan<byte> UserKey => ",\"user\":"u8;

    private static ReadOnlySpan<byte> InfoKey => ",\"info\":"u8;

    private static ReadOnlySpan<byte> SnameKey => ",\"sname\":"u8;

    private static ReadOnlySpan<byte> MsgKey => ",\"msg\":"u8;

    private static ReadOnlySpan<byte> SeqidKey => ",\"seqid\":"u8;

    private static ReadOnlySpan<byte> TimeKey => ",\"time\":"u8;

    /// <summary>Encodes a message with its place in the log.</summary>
    /// <param name="message">The message; its body is copied as it is.</param>
    /// <param name="seqid">Its number in the channel, from 0.</param>
    /// <param name="time">When it is stored, in milliseconds since 1970-01-01 UTC.</param>
    /// <returns>The record, in UTF-8.</returns>
    /// <exception cref="ArgumentException">A name of the message holds half of a surrogate pair.</exception>
    public static byte[] Encode(NewMessage message, long seqid, long time) => Write(message, WriteClosing(seqid, time, stackalloc byte[MaxClosing]));

    /// <summary>Encodes what is known of a message before it has its place: its record up to the value of <c>seqid</c>.</summary>
    /// <remarks>For a store whose server assigns the seqids: it keeps the opening, and each node completes it when it reads.</remarks>
    /// <param name="message">The message; its body is copied as it is.</param>
    /// <returns>The opening, in UTF-8.</returns>
    /// <exception cref="ArgumentException">A name of the message holds half of a surrogate pair.</exception>
    public static byte[] EncodeOpening(NewMessage message) => Write(message, []);

    /// <summary>Completes an opening with the message's place in the log.</summary>
    /// <param name="opening">What <see cref="EncodeOpening"/> returned.</param>
    /// <param name="seqid">The message's number in the channel, from 0.</param>
    /// <param name="time">When it was stored, in milliseconds since 1970-01-01 UTC.</param>
    /// <returns>The record that <see cref="Encode"/> gives for the same message and place.</returns>
    public static byte[] Complete(ReadOnlySpan<byte> opening, long seqid, long time) => [.. opening, .. WriteClosing(seqid, time, stackalloc byte[MaxClosing])];

    /// <summary>Reads the type of a record.</summary>
    internal static MessageType ReadType(ReadOnlySpan<byte> record)
    {
        // Its first letter is behind {"type":" and tells it.
        const int At = 9;
        return record[At] switch
        {
            (byte)'S' => MessageType.Sign,
            (byte)'J' => MessageType.Join,
            (byte)'L' => MessageType.Leave,
            _ => MessageType.Msg,
        };
    }

    /// <summary>Finds the channel in a record, a JSON string.</summary>
    internal static Range ReadChannel(ReadOnlySpan<byte> record) => ReadString(record, StartOf(ReadType(record)).Length);

    /// <summary>Finds the sname in a record, or the user, a JSON string; empty when it has none.</summary>
    internal static Range ReadSname(ReadOnlySpan<byte> record)
    {
        var end = ReadChannel(record).End.Value;
        var key = KeysOf(ReadType(record)).Name;
        return record[end..].StartsWith(key) ? ReadString(record, end + key.Length) : new Range(end, end);
    }

    /// <summary>Finds the body in a record, a JSON value; empty when it has none.</summary>
    internal static Range ReadBody(ReadOnlySpan<byte> record, long seqid, long time)
    {
        var closing = SeqidKey.Length + WriteClosing(seqid, time, stackalloc byte[MaxClosing]).Length;
        var start = ReadSname(record).End.Value;
        var key = KeysOf(ReadType(record)).Body;
        return record[start..].StartsWith(key) ? new Range(start + key.Length, record.Length - closing) : new Range(start, start);
    }

    private static ReadOnlySpan<byte> StartOf(MessageType type) => type switch
    {
        MessageType.Sign => SignStart,
        MessageType.Join => JoinStart,
        MessageType.Leave => LeaveStart,
        _ => MsgStart,
    };

    private static Keys KeysOf(MessageType type) => type is MessageType.Join or MessageType.Leave ? new Keys(UserKey, InfoKey) : new Keys(SnameKey, MsgKey);

    private static Range ReadString(ReadOnlySpan<byte> record, int start)
    {
        var at = start + 1;
        while (true)
        {
            at += record[at..].IndexOfAny(StringEnds);
            if (record[at] == '"') return new Range(start, at + 1);
            at += 2;
        }
    }

    private static byte[] Write(NewMessage message, ReadOnlySpan<byte> closing)
    {
        var channel = JsonString.Quote(message.Channel);
        var sname = message.Sname is null ? null : JsonString.Quote(message.Sname);
        var start = StartOf(message.Type);
        var keys = KeysOf(message.Type);
        var record = new byte[start.Length + channel.Length
            + (sname is null ? 0 : keys.Name.Length + sname.Length)
            + (message.Body.IsEmpty ? 0 : keys.Body.Length + message.Body.Length) + SeqidKey.Length + closing.Length];
        var rest = record.AsSpan();
        Put(start, ref rest);
        Put(channel, ref rest);
        if (sname is not null)
        {
            Put(keys.Name, ref rest);
            Put(sname, ref rest);
        }

        if (!message.Body.IsEmpty)
        {
            Put(keys.Body, ref rest);
            Put(message.Body.Span, ref rest);
        }

        Put(SeqidKey, ref rest);
        Put(closing, ref rest);
        return record;
    }

    /// <summary>Writes what follows the opening: a message's place in the log.</summary>
    private static Span<byte> WriteClosing(long seqid, long time, Span<byte> into)
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

    /// <summary>The members of a type's record, each with the comma before it.</summary>
    private readonly ref struct Keys(ReadOnlySpan<byte> name, ReadOnlySpan<byte> body)
    {
        public ReadOnlySpan<byte> Name { get; } = name;

        public ReadOnlySpan<byte> Body { get; } = body;
    }
}
