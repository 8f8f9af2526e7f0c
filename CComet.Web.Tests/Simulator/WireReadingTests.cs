using System.Text;
using CComet.Simulator.Wire;

namespace CComet.Web.Tests.Simulator;

/// <summary>What is inside of a response: frames, calls and messages.</summary>
public sealed class WireReadingTests
{
    [Fact]
    public void Frames_cut_at_any_byte_are_read_whole_and_fragments_joined()
    {
        var text = new string('x', 300);
        byte[] bytes =
        [
            0x81, 2, .. "ab"u8,
            0x01, 2, .. "cd"u8,
            0x89, 1, .. "p"u8,
            0x00, 1, .. "e"u8,
            0x80, 1, .. "f"u8,
            0x81, 126, 1, 44, .. Encoding.ASCII.GetBytes(text),
            0x88, 2, 3, 232,
        ];
        for (var cut = 0; cut <= bytes.Length; cut++)
        {
            var told = new Frames();
            var reader = new WebSocketReader(told);
            reader.StreamLoop(bytes.AsSpan(0, cut));
            reader.StreamLoop(bytes.AsSpan(cut));
            Assert.Equal(["Text ab", "Ping p", "Text cdef", $"Text {text}", "Close \u0003?"], told.All);
        }
    }

    [Fact]
    public void Clients_control_frame_is_masked()
    {
        Span<byte> frame = stackalloc byte[131];
        var length = WebSocketWriter.WriteControl(frame, WebSocketOpcode.Pong, "hello"u8);
        Assert.Equal(11, length);
        Assert.Equal((0x8A, 0x85), (frame[0], frame[1]));
        for (var i = 0; i < 5; i++) Assert.Equal("hello"u8[i], frame[6 + i] ^ frame[2 + (i & 3)]);
    }

    [Theory]
    [InlineData("/**/c('[]')", "[]")]
    [InlineData(@"/**/c('[{\'msg\':\'\\\u2028\x3C\n\'}]')", "[{'msg':'\\\u2028<\n'}]")]
    public void Call_is_unwrapped_and_its_escapes_undone(string body, string json)
    {
        var store = new ByteStore();
        JsonpText.Unwrap(Encoding.UTF8.GetBytes(body), store);
        Assert.Equal(json, Encoding.UTF8.GetString(store.Span));
    }

    [Fact]
    public void Elements_are_read_whatever_else_is_in_them()
    {
        var told = new Elements();
        MessageScanner.Scan(
            """
            [{"type":"MSG","channel":"a","msg":{"seqid":9,"x":[1]},"seqid":4,"time":1},
             {"type":"MSG","msg":"00000000000000001234 xx","seqid":5},
             {"type":"GAP","epoch":"e","from":6,"to":8,"seqid":8},{"type":"RESET","epoch":"f","seqid":0},
             {"type":"BYE","retry":250},{"type":"409","reason":"replaced"},{"type":"LATER"}]
            """u8,
            told);
        Assert.Equal(["Entry 4 0", "Entry 5 1234", "Gap e 6-8", "Reset f 0", "Bye 250", "Refusal 409", "Other"], told.All);
    }

    [Theory]
    [InlineData("[{\"type\":\"MSG\",\"seqid\":\"4\"}]")]
    [InlineData("[{\"type\":\"MSG\",")]
    [InlineData("17")]
    [InlineData("")]
    public void JSON_that_is_no_message_is_refused(string json)
    {
        Assert.Throws<WireException>(() => MessageScanner.Scan(Encoding.UTF8.GetBytes(json), new Elements()));
    }

    private sealed class Frames : IWebSocketSink
    {
        public List<string> All { get; } = [];

        public void Frame(WebSocketOpcode opcode, ReadOnlySpan<byte> payload) => All.Add($"{opcode} {Encoding.ASCII.GetString(payload)}");
    }

    private sealed class Elements : IMessageSink
    {
        public List<string> All { get; } = [];

        public void Take(in WireMessage message) => All.Add(message.Kind switch
        {
            MessageKind.Entry => $"Entry {message.Seqid} {message.Stamp}",
            MessageKind.Gap => $"Gap {Encoding.UTF8.GetString(message.Epoch)} {message.From}-{message.To}",
            MessageKind.Reset => $"Reset {Encoding.UTF8.GetString(message.Epoch)} {message.Seqid}",
            MessageKind.Bye => $"Bye {message.Retry}",
            MessageKind.Refusal => $"Refusal {message.Code}",
            var other => other.ToString(),
        });
    }
}
