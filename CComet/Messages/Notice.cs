using System.Text.Json;

namespace CComet.Messages;

/// <summary>The kinds of things that are told to a subscriber without being in the log.</summary>
public enum NoticeKind
{
    /// <summary>Some seqids are no longer kept.</summary>
    Gap,

    /// <summary>The log began anew.</summary>
    Reset,

    /// <summary>Where the subscriber stands.</summary>
    Cursor,

    /// <summary>The server ends the stream on purpose.</summary>
    Bye,
}

/// <summary>Something told to one subscriber that is not an entry of the log and uses up no seqid.</summary>
public sealed class Notice
{
    private Notice(NoticeKind kind, byte[] json, Cursor after = default)
    {
        Kind = kind;
        Json = json;
        After = after;
    }

    /// <summary>Where the subscriber stands once it has been told; <see cref="Cursor.None"/> when that does not change.</summary>
    public Cursor After { get; }

    /// <summary>What is told.</summary>
    public NoticeKind Kind { get; }

    /// <summary>The notice as a JSON object, UTF-8.</summary>
    public byte[] Json { get; }

    /// <summary>The seqids <paramref name="from"/> to <paramref name="to"/>, both included, are no longer kept.</summary>
    public static Notice Gap(string channel, string epoch, long from, long to) => new(NoticeKind.Gap, Write("GAP", json =>
    {
        json.WriteString("channel", channel);
        json.WriteString("epoch", epoch);
        json.WriteNumber("from", from);
        json.WriteNumber("to", to);
        json.WriteNumber("seqid", to);
    }), new Cursor(epoch, to + 1));

    /// <summary>The log began anew; the subscriber goes on from seqid 0 of the new epoch.</summary>
    public static Notice Reset(string channel, string epoch) => new(NoticeKind.Reset, Place("RESET", channel, epoch, 0), new Cursor(epoch, 0));

    /// <summary>The subscriber's place: the next seqid it will get is <paramref name="next"/>.</summary>
    public static Notice Cursor(string channel, string epoch, long next) => new(NoticeKind.Cursor, Place("CURSOR", channel, epoch, next));

    /// <summary>The server ends the stream; the client may come back after the given time.</summary>
    public static Notice Bye(TimeSpan retry) => new(NoticeKind.Bye, Write("BYE", json => json.WriteNumber("retry", (long)retry.TotalMilliseconds)));

    private static byte[] Place(string type, string channel, string epoch, long seqid) => Write(type, json =>
    {
        json.WriteString("channel", channel);
        json.WriteString("epoch", epoch);
        json.WriteNumber("seqid", seqid);
    });

    private static byte[] Write(string type, Action<Utf8JsonWriter> members) => JsonText.ObjectOf(json =>
    {
        json.WriteString("type", type);
        members(json);
    });
}
