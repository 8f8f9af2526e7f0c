using System.Text;
using BenchmarkDotNet.Attributes;
using CComet.Messages;

namespace CComet.Microbenchmarks;

/// <summary>Measures encoding one message: its text as JSON, its record, and finding the body in the record.</summary>
[MemoryDiagnoser]
public class MessageBenchmarks
{
    private const long Seqid = 123_456;
    private const long Time = 1_790_000_000_000;

    private string _text = "";
    private byte[] _utf8 = [];
    private byte[] _opening = [];
    private NewMessage? _message;
    private Message? _stored;

    /// <summary>What a message's text consists of.</summary>
    public enum TextKind
    {
        /// <summary>64 characters of ASCII, none to be escaped.</summary>
        Ascii,

        /// <summary>64 Unicode characters, among them quotes, backslashes, line ends, a control character, accents and emoji.</summary>
        Escapes,
    }

    /// <summary>The text of the message.</summary>
    [ParamsAllValues]
    public TextKind Text { get; set; }

    /// <summary>Makes the message and what is read from it.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _text = Text == TextKind.Ascii ? BenchmarkHub.Text : "She said: \"C:\\temp\\new\"\r\n\tand left \u0001 for the café \U0001F600 \U0001F44D – at noon\n";
        _utf8 = Encoding.UTF8.GetBytes(_text);
        _message = new NewMessage(BenchmarkHub.Channel, MessageType.Msg, "ann", JsonString.Quote(_text));
        _opening = MessageRecord.EncodeOpening(_message);
        _stored = Message.Create(_message, Seqid, Time);
    }

    /// <summary>Quotes a text that came as a string, as from a form or JSON.</summary>
    [Benchmark]
    public byte[] QuoteString() => JsonString.Quote(_text);

    /// <summary>Quotes a text that came as UTF-8, as from a raw body.</summary>
    [Benchmark]
    public byte[] QuoteUtf8() => JsonString.Quote(_utf8);

    /// <summary>Makes the message that a store in this process keeps: its record is encoded in one pass.</summary>
    [Benchmark]
    public Message Create() => Message.Create(_message!, Seqid, Time);

    /// <summary>Makes the message of an opening, as each node does with what it reads from Redis.</summary>
    [Benchmark]
    public Message Complete() => Message.Complete(_opening, Seqid, Time);

    /// <summary>Finds the body in the record.</summary>
    [Benchmark]
    public ReadOnlyMemory<byte> FindBody() => _stored!.Body;
}
