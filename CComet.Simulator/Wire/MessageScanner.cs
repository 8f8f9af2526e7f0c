using System.Buffers.Text;
using System.Text.Json;

namespace CComet.Simulator.Wire;

/// <summary>What an element of the wire is.</summary>
internal enum MessageKind
{
    /// <summary>A type that this tool does not know, which it passes over.</summary>
    Other,

    /// <summary>MSG or SIGN: an entry of the log.</summary>
    Entry,
    Gap,
    Reset,
    Cursor,
    Close,
    Bye,

    /// <summary>The receipt of a publish.</summary>
    Receipt,

    /// <summary>A refusal; its type is a number.</summary>
    Refusal,
}

/// <summary>One element of the wire. Its spans are good during the call only; numbers not told are -1.</summary>
internal ref struct WireMessage
{
    public MessageKind Kind;
    public long Seqid;
    public long From;
    public long To;
    public long Retry;
    public ReadOnlySpan<byte> Epoch;

    /// <summary>The number at the beginning of <c>msg</c>: when it was to be sent, in ticks of <see cref="System.Diagnostics.Stopwatch"/>; 0 for a message that is not timed.</summary>
    public long Stamp;

    /// <summary>The type of a refusal, such as 402; 0 for anything else.</summary>
    public int Code;
}

/// <summary>Whom the elements of an answer are told to.</summary>
internal interface IMessageSink
{
    void Take(in WireMessage message);
}

/// <summary>Reads an element or an array of such from its text, without making an object of anything.</summary>
internal static class MessageScanner
{
    public static void Scan(ReadOnlySpan<byte> json, IMessageSink sink)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            if (!reader.Read()) throw new WireException("an answer is empty where JSON was due");
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                ScanElement(ref reader, sink);
                return;
            }

            if (reader.TokenType != JsonTokenType.StartArray) throw new WireException("an answer is neither an array nor an object");
            while (reader.Read() && reader.TokenType == JsonTokenType.StartObject) ScanElement(ref reader, sink);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new WireException("an answer's JSON cannot be read");
        }
    }

    private static void ScanElement(ref Utf8JsonReader reader, IMessageSink sink)
    {
        var message = new WireMessage { Seqid = -1, From = -1, To = -1, Retry = -1 };
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.ValueSpan;
            reader.Read();
            if (name.SequenceEqual("seqid"u8)) message.Seqid = reader.GetInt64();
            else if (name.SequenceEqual("type"u8)) (message.Kind, message.Code) = KindOf(reader.ValueSpan);
            else if (name.SequenceEqual("msg"u8)) message.Stamp = StampOf(ref reader);
            else if (name.SequenceEqual("epoch"u8)) message.Epoch = reader.ValueSpan;
            else if (name.SequenceEqual("from"u8)) message.From = reader.GetInt64();
            else if (name.SequenceEqual("to"u8)) message.To = reader.GetInt64();
            else if (name.SequenceEqual("retry"u8)) message.Retry = reader.GetInt64();
            else reader.Skip();
        }

        sink.Take(message);
    }

    /// <summary>A message of another publisher has no stamp, and its value is passed over.</summary>
    private static long StampOf(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.String && Utf8Parser.TryParse(reader.ValueSpan, out long stamp, out _)) return stamp;
        reader.Skip();
        return 0;
    }

    private static (MessageKind Kind, int Code) KindOf(ReadOnlySpan<byte> type)
    {
        if (type.SequenceEqual("MSG"u8) || type.SequenceEqual("SIGN"u8)) return (MessageKind.Entry, 0);
        if (type.SequenceEqual("pub"u8)) return (MessageKind.Receipt, 0);
        if (type.SequenceEqual("CURSOR"u8)) return (MessageKind.Cursor, 0);
        if (type.SequenceEqual("GAP"u8)) return (MessageKind.Gap, 0);
        if (type.SequenceEqual("RESET"u8)) return (MessageKind.Reset, 0);
        if (type.SequenceEqual("BYE"u8)) return (MessageKind.Bye, 0);
        if (type.SequenceEqual("CLOSE"u8)) return (MessageKind.Close, 0);
        return Utf8Parser.TryParse(type, out int code, out var used) && used == type.Length ? (MessageKind.Refusal, code) : (MessageKind.Other, 0);
    }
}
