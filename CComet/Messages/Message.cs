using System.Text;

namespace CComet.Messages;

/// <summary>One entry of a channel's log. It never changes.</summary>
/// <remarks>
/// It holds one array, its record, and finds its parts in it: a log holds many messages, and most are only copied to a wire. The record
/// is what stores keep, and the JSON object that the native dialect sends (<see cref="MessageRecord"/>). It may be read on any thread.
/// </remarks>
public sealed class Message
{
    /// <summary>Makes a message of its record, as a store has kept it. Nothing is checked or copied.</summary>
    /// <param name="seqid">Its number in the channel, from 0, as in the record.</param>
    /// <param name="time">When it was stored, in milliseconds since 1970-01-01 UTC, as in the record.</param>
    /// <param name="record">The record, as <see cref="MessageRecord"/> wrote it; it may not be written to afterwards.</param>
    public Message(long seqid, long time, byte[] record)
    {
        Seqid = seqid;
        Time = time;
        Record = record;
    }

    /// <summary>The number in the channel: 0, 1, 2 … without holes.</summary>
    public long Seqid { get; }

    /// <summary>When it was stored, in milliseconds since 1970-01-01 UTC.</summary>
    public long Time { get; }

    /// <summary>What stores keep of it, in UTF-8. Not to be written to.</summary>
    public byte[] Record { get; }

    /// <summary>What kind of entry it is.</summary>
    public MessageType Type => MessageRecord.ReadType(Record);

    /// <summary>The name of its channel as a JSON string, a slice of the record.</summary>
    public ReadOnlyMemory<byte> Channel => Record.AsMemory(MessageRecord.ReadChannel(Record));

    /// <summary>The publisher's name as a JSON string, a slice of the record; empty when it has none.</summary>
    public ReadOnlyMemory<byte> Sname => Record.AsMemory(MessageRecord.ReadSname(Record));

    /// <summary>The body as JSON, a slice of the record.</summary>
    public ReadOnlyMemory<byte> Body => Record.AsMemory(MessageRecord.ReadBody(Record, Seqid, Time));

    /// <summary>Makes the message that a new one becomes with its place in the log.</summary>
    /// <param name="message">The new message.</param>
    /// <param name="seqid">Its number in the channel, from 0.</param>
    /// <param name="time">When it is stored, in milliseconds since 1970-01-01 UTC.</param>
    /// <returns>The message, with its record.</returns>
    /// <exception cref="ArgumentException">A name of it holds half of a surrogate pair.</exception>
    public static Message Create(NewMessage message, long seqid, long time) => new(seqid, time, MessageRecord.Encode(message, seqid, time));

    /// <summary>Makes the message of its record's opening and its place in the log.</summary>
    /// <param name="opening">What <see cref="MessageRecord.EncodeOpening"/> returned; it is copied.</param>
    /// <param name="seqid">Its number in the channel, from 0.</param>
    /// <param name="time">When it was stored, in milliseconds since 1970-01-01 UTC.</param>
    /// <returns>The message, with its record.</returns>
    public static Message Complete(ReadOnlySpan<byte> opening, long seqid, long time) => new(seqid, time, MessageRecord.Complete(opening, seqid, time));

    /// <summary>Returns the record as text.</summary>
    public override string ToString() => Encoding.UTF8.GetString(Record);
}
