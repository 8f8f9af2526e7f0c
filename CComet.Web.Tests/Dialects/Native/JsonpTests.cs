using System.IO.Pipelines;
using System.Text;
using CComet.Dialects.Native;
using CComet.Web.Tests.Support;
using CsCheck;

namespace CComet.Web.Tests.Dialects.Native;

public sealed class JsonpTests
{
    public static TheoryData<string> BadNames() =>
    [
        "", " ", "1a", ".a", "a.", "a..b", ".", "a.1", "a[0]", "a['b']", "a b", " a", "a ", "a\n", "a\r", "a\t", "a\0", "\na", "a.\nb", "alert(1)", "a;b", "a//", "a/**/",
        "a-b", "a+b", "a'", "a\"", "a<b", "a\\u0041", "%61", "é", "aé", "π", "a\u2028", "ａ", "a\u0301", "٣", "a٣", "😀", "a\uFEFF", "a,b", "a=b", "a`b`", "()=>1", new string('a', 129),
        $"{new string('a', 64)}.{new string('b', 64)}",
    ];

    public static TheoryData<string> GoodNames() =>
        ["a", "Z", "$", "_", "_x.$y9", "jQuery1910_1398765432101", "a.b.c.d", "$.fn.ccomet", "this", new string('a', 128), $"{new string('a', 63)}.{new string('b', 64)}"];

    [Theory]
    [MemberData(nameof(BadNames))]
    public void Name_that_is_more_or_less_than_a_name_is_none(string name) => Assert.False(Jsonp.IsName(name));

    [Theory]
    [MemberData(nameof(GoodNames))]
    public void Name_or_names_joined_by_dots_is_one(string name) => Assert.True(Jsonp.IsName(name));

    [Fact]
    public async Task Argument_evaluates_to_the_exact_array_whatever_the_elements_hold()
    {
        await Gen.Char.Array[0, 200].Array[0, 5].SampleAsync(
            async texts =>
            {
                // Half surrogates become U+FFFD here: the elements are UTF-8.
                var elements = texts.Select(t => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(t)).ToArray();
                var expected = $"[{string.Join(',', elements.Select(e => Encoding.UTF8.GetString(e.Span)))}]";
                Assert.Equal(expected, JsonpCall.ArgumentOf(await WriteAsync("f", elements), "f"));
            },
            iter: 1000);
    }

    [Fact]
    public async Task Characters_are_escaped_wherever_a_large_element_is_cut()
    {
        foreach (var suspect in (string[])["\u2028", "\u2029", "'", "\\", "<", "\r\n", "€", "\u203c"])
        {
            for (var lead = -4; lead <= 1; lead++)
            {
                var text = new string('x', JsonArray.FlushBytes + lead) + suspect + new string('y', (2 * JsonArray.FlushBytes) - 2) + suspect;
                Assert.Equal($"[{text}]", JsonpCall.ArgumentOf(await WriteAsync("a.b", Encoding.UTF8.GetBytes(text)), "a.b"));
            }
        }
    }

    [Fact]
    public async Task Answer_is_one_call_with_one_string()
    {
        Assert.Equal("/**/f('[]')", await WriteAsync("f"));
        Assert.Equal("""/**/f('[{"a":"\\n\'\u003C/b>"},2]')""", await WriteAsync("f", """{"a":"\n'</b>"}"""u8.ToArray(), "2"u8.ToArray()));
    }

    private static async Task<string> WriteAsync(string callback, params ReadOnlyMemory<byte>[] elements)
    {
        using var written = new MemoryStream();
        var output = PipeWriter.Create(written, new StreamPipeWriterOptions(leaveOpen: true));
        await Jsonp.WriteAsync(output, callback, elements);
        await output.CompleteAsync();
        return Encoding.UTF8.GetString(written.ToArray());
    }
}
