using System.Text.Json;
using CComet.Messages;
using CsCheck;

namespace CComet.Web.Tests.Messages;

/// <summary>The parts of a message are slices of its record, whatever its names and its body hold.</summary>
public sealed class MessageTests
{
    /// <summary>Names of characters that JSON escapes, that end a string, and that are members of a record.</summary>
    private static readonly Gen<string> Name = Gen.OneOf(
        OneOf("a", "\"", "\\", "\\\"", "\",\"msg\":", "{}", ",\"sname\":\"x\"", "\u0085", "💥", "ÿ/<>"),
        Gen.Char.AlphaNumeric.Array[1, 20].Select(characters => new string(characters)));

    private static readonly Gen<string> Body = OneOf("\"\"", "\"m\"", "1", "null", "[]", "{\"seqid\":5}", "[\",\\\"seqid\\\":7,\"]", "\",\\\"time\\\":1}\"");

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    [Fact]
    public void Parts_are_those_that_the_message_was_made_of() => Gen.Select(Name, Name.Null(), Body, Gen.Long[0, long.MaxValue], Gen.Bool).Sample((channel, sname, body, number, isSign) =>
    {
        var made = new NewMessage(channel, isSign ? MessageType.Sign : MessageType.Msg, sname, System.Text.Encoding.UTF8.GetBytes(body));
        foreach (var message in new[] { Message.Create(made, number, number / 2), Message.Complete(MessageRecord.EncodeOpening(made), number, number / 2) })
        {
            var whole = JsonDocument.Parse(message.Record).RootElement;
            Assert.Equal((made.Type, number, number / 2), (message.Type, message.Seqid, message.Time));
            Assert.Equal((number, number / 2), (whole.GetProperty("seqid").GetInt64(), whole.GetProperty("time").GetInt64()));
            Assert.Equal(channel, JsonSerializer.Deserialize<string>(message.Channel.Span));
            Assert.Equal(sname, message.Sname.IsEmpty ? null : JsonSerializer.Deserialize<string>(message.Sname.Span));
            Assert.Equal(body, System.Text.Encoding.UTF8.GetString(message.Body.Span));
        }
    });
}
