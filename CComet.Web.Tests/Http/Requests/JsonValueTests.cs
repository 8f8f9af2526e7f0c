using System.Globalization;
using System.Text;
using System.Text.Json;
using CComet.Web.Tests.Support;
using CsCheck;

namespace CComet.Web.Tests.Http.Requests;

/// <summary>A msg that is published as JSON comes back as the same JSON.</summary>
public sealed class JsonValueTests(WireFixture wire) : IClassFixture<WireFixture>
{
    private static readonly Gen<string> AnyString = Gen.OneOf(Gen.String.AlphaNumeric, Gen.OneOf("", "\"", "\\", "é", "😀", "\u2028", "</script>", "\0", "\n", "\\ud83d\\ude00"))
        .Select(Gen.Bool, (text, plain) => plain ? JsonSerializer.Serialize(text) : $"\"{string.Concat(text.Select(c => $"\\u{(int)c:x4}"))}\"");

    private static readonly Gen<string> AnyNumber = Gen.OneOf(
        Gen.Long.Select(n => n.ToString(CultureInfo.InvariantCulture)),
        Gen.OneOf("0", "-0", "0.10", "1e400", "-1E-999", "1E+2", "12345678901234567890123456789012345678901234567890", "0.1000000000000000055511151231257827", "9007199254740993"));

    private static readonly Gen<string> AnyValue = Value(4);

    [Fact]
    public Task Any_JSON_value_comes_back_equal() =>
        AnyValue.Where(v => v != "\"\"").SampleAsync(
            async value =>
            {
                var channel = Asking.NewChannel();
                Assert.Single((await wire.Http.AskAsync("/pub", Asking.Body($$"""{"channel":"{{channel}}","msg":{{value}}}"""))).Elements);
                var json = Assert.Single((await wire.Http.PeekAsync(channel, ("seqid", "0"))).Elements).GetProperty("msg");
                var jsonp = Assert.Single((await wire.Http.PeekAsync(channel, ("seqid", "0"), ("callback", "f"))).JsonpElements("f")).GetProperty("msg");
                using var sent = JsonDocument.Parse(value);
                AssertSame(sent.RootElement, json);
                AssertSame(sent.RootElement, jsonp);
            },
            iter: 300,
            threads: 2);

    [Theory]
    [InlineData("1e400")]
    [InlineData("0.10")]
    [InlineData("-0.0")]
    [InlineData("123456789012345678901234567890")]
    [InlineData("true")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("[\"\"]")]
    [InlineData("{\"a\":1,\"a\":2}")]
    public async Task Value_keeps_its_very_text(string value)
    {
        var channel = Asking.NewChannel();
        await wire.Http.AskAsync("/pub", Asking.Body($$"""{"channel":"{{channel}}","msg":{{value}}}"""));
        Assert.Equal(value, Assert.Single((await wire.Http.PeekAsync(channel, ("seqid", "0"))).Elements).GetProperty("msg").GetRawText());
    }

    [Fact]
    public async Task White_space_between_tokens_is_dropped_so_that_a_message_is_one_line()
    {
        var channel = Asking.NewChannel();
        await wire.Http.AskAsync("/pub", Asking.Body($$"""{ "channel" : "{{channel}}" , "msg" : { "a b" :{{"\r\n\t"}}[ 1 , " x " ] } }"""));
        Assert.Equal("""{"a b":[1," x "]}""", Assert.Single((await wire.Http.PeekAsync(channel, ("seqid", "0"))).Elements).GetProperty("msg").GetRawText());
    }

    [Fact]
    public async Task String_that_looks_like_JSON_stays_a_string()
    {
        var channel = Asking.NewChannel();
        await wire.Http.PublishAsync(channel, """{"a":1}""");
        await wire.Http.AskAsync($"/pub?channel={channel}", Asking.Body("[1]", "text/plain"));
        Assert.Equal(["""{"a":1}""", "[1]"], await wire.Http.KeptAsync(channel));
    }

    private static Gen<string> Value(int depth)
    {
        var leaf = Gen.OneOf(AnyString, AnyNumber, Gen.OneOf("true", "false", "null"));
        if (depth == 0) return leaf;
        var inner = Value(depth - 1);
        return Gen.OneOf(
            leaf,
            inner.Array[0, 4].Select(values => $"[{string.Join(" , ", values)}]"),
            Gen.Select(AnyString, inner).Array[0, 4].Select(members => $"{{{string.Join(",\n", members.Select(m => $"{m.Item1}:\t{m.Item2}"))}}}"));
    }

    private static void AssertSame(JsonElement expected, JsonElement actual)
    {
        Assert.Equal(expected.ValueKind, actual.ValueKind);
        switch (expected.ValueKind)
        {
            case JsonValueKind.Object:
                var (members, others) = (expected.EnumerateObject().ToArray(), actual.EnumerateObject().ToArray());
                Assert.Equal(members.Select(m => m.Name), others.Select(m => m.Name));
                for (var i = 0; i < members.Length; i++) AssertSame(members[i].Value, others[i].Value);
                break;
            case JsonValueKind.Array:
                Assert.Equal(expected.GetArrayLength(), actual.GetArrayLength());
                for (var i = 0; i < expected.GetArrayLength(); i++) AssertSame(expected[i], actual[i]);
                break;
            case JsonValueKind.String:
                Assert.Equal(expected.GetString(), actual.GetString());
                break;
            default:
                Assert.Equal(Encoding.UTF8.GetBytes(expected.GetRawText()), Encoding.UTF8.GetBytes(actual.GetRawText()));
                break;
        }
    }
}
