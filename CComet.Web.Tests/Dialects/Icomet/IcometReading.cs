using System.Text.Json;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary>Reads what a client of icomet is answered.</summary>
public static class IcometReading
{
    /// <summary>Texts with every kind of character that some layer on the way could take for its own.</summary>
    public static readonly IReadOnlyList<string> Tricky =
        ["'", "\"", "\\", "\\'\\\"", "</script><!--", "\u2028|\u2029", "\r\n\t", "☄️ 👩‍👩‍👧", "سلام", "\u0001\u007f", "&amp;&#39;", "a&b=c+d%20e;f", "#?/", " ", "null", "{\"a\":1}", "\u20AC\u2027\u202A"];

    /// <summary>Each of some texts with each of others.</summary>
    public static TheoryData<string, string> Pairs(string[] firsts, params string[] seconds)
    {
        var pairs = new TheoryData<string, string>();
        foreach (var first in firsts) foreach (var second in seconds) pairs.Add(first, second);
        return pairs;
    }

    /// <summary>The type of an object.</summary>
    public static string Type(this JsonElement element) => element.GetProperty("type").GetString()!;

    /// <summary>The seq of an object.</summary>
    public static long Seq(this JsonElement element) => element.GetProperty("seq").GetInt64();

    /// <summary>The content of an object.</summary>
    public static string Content(this JsonElement element) => element.GetProperty("content").GetString()!;

    /// <summary>The contents of a backlog.</summary>
    public static string[] Contents(this JsonElement array) => [.. array.EnumerateArray().Select(Content)];

    /// <summary>An object as a text to compare: its type and its seq.</summary>
    public static string Told(this JsonElement element) => $"{element.Type()} {element.Seq()}";

    /// <summary>The one argument of a script that is a call, read more strictly than a browser does: no line break and no &lt; may stand in it.</summary>
    public static JsonElement ArgumentOf(this Answer answer, string callback)
    {
        Assert.True(answer.Status == 200, $"{answer.Status}: {answer.Text}");
        Assert.Equal("text/javascript; charset=utf-8", answer.Header("Content-Type"));
        Assert.Equal("nosniff", answer.Header("X-Content-Type-Options"));
        return ArgumentOf(answer.Text, callback + "(", ");\n");
    }

    /// <summary>The JSON between two texts.</summary>
    public static JsonElement ArgumentOf(string text, string before, string behind)
    {
        Assert.StartsWith(before, text, StringComparison.Ordinal);
        Assert.EndsWith(behind, text, StringComparison.Ordinal);
        var json = text[before.Length..^behind.Length];
        Assert.DoesNotContain(json, c => c is '<' or '\n' or '\r' or '\u2028' or '\u2029');
        return JsonDocument.Parse(json).RootElement;
    }

    /// <summary>The next object of a stream that is no sign of life, of which a slow run has some.</summary>
    public static async Task<JsonElement> NextAsync(this OpenAnswer stream)
    {
        while (true)
        {
            if (await stream.JsonAsync() is var told && told.Type() != "noop") return told;
        }
    }
}
