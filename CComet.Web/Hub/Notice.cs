using System.Buffers;
using System.Text.Json;

namespace CComet.Web.Hub;

/// <summary>The kinds of things that are told to a subscriber without being in the log.</summary>
public enum NoticeKind
{
    /// <summary>Some seqids are no longer kept.</summary>
    Gap,

    /// <summary>The log began anew.</summary>
    Reset,

    /// <summary>Where the subscriber stands.</summary>
    Cursor,
}

/// <summary>Something told to one subscriber that is not an entry of the log and uses up no seqid.</summary>
public sealed class Notice
{
    private Notice(NoticeKind kind, byte[] json)
    {
        Kind = kind;
        Json = json;
    }

    /// <summary>What is told.</summary>
    public NoticeKind Kind { get; }

    /// <summary>The notice as a JSON object, UTF-8.</summary>
    public byte[] Json { get; }

    /// <summary>The seqids <paramref name="from"/> to <paramref name="to"/>, both included, are no longer kept.</summary>
    public static Notice Gap(string channel, string epoch, long from, long to) =>
        new(NoticeKind.Gap, Write("GAP", channel, epoch, to, from, to));

    /// <summary>The log began anew; the subscriber goes on from seqid 0 of the new epoch.</summary>
    public static Notice Reset(string channel, string epoch) => new(NoticeKind.Reset, Write("RESET", channel, epoch, 0));

    /// <summary>The subscriber's place: the next seqid it will get is <paramref name="next"/>.</summary>
    public static Notice Cursor(string channel, string epoch, long next) => new(NoticeKind.Cursor, Write("CURSOR", channel, epoch, next));

    private static byte[] Write(string type, string channel, string epoch, long seqid, long? from = null, long? to = null)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using var json = new Utf8JsonWriter(buffer, JsonText.Compact);
        json.WriteStartObject();
        json.WriteString("type", type);
        json.WriteString("channel", channel);
        json.WriteString("epoch", epoch);
        if (from is not null) json.WriteNumber("from", from.Value);
        if (to is not null) json.WriteNumber("to", to.Value);
        json.WriteNumber("seqid", seqid);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}
