using System.Globalization;
using System.Text;

namespace CComet.Web.Tests.Support;

/// <summary>
/// Evaluates <c>/**/name('…')</c> as ECMAScript does, and more strictly where a script element or an old engine would: a raw
/// line break of any kind or a raw &lt; is an error.
/// </summary>
public static class JsonpCall
{
    /// <summary>The value of the one argument.</summary>
    public static string ArgumentOf(string script, string callback)
    {
        var head = $"/**/{callback}('";
        Assert.StartsWith(head, script, StringComparison.Ordinal);
        var argument = new StringBuilder();
        var at = head.Length;
        while (script[at] != '\'')
        {
            var c = script[at++];
            Assert.False(c is '\n' or '\r' or '\u2028' or '\u2029' or '<', $"U+{(int)c:X4} stands raw at {at - 1}.");
            if (c == '\\') argument.Append(Escape(script, ref at));
            else argument.Append(c);
        }

        Assert.Equal("')", script[at..]);
        return argument.ToString();
    }

    private static string Escape(string script, ref int at)
    {
        var c = script[at++];
        switch (c)
        {
            case 'b': return "\b";
            case 't': return "\t";
            case 'n': return "\n";
            case 'v': return "\v";
            case 'f': return "\f";
            case 'r': return "\r";
            case '0' when !char.IsAsciiDigit(script[at]): return "\0";
            case 'x': return ((char)Hex(script, ref at, 2)).ToString();
            case 'u' when script[at] == '{':
                var end = script.IndexOf('}', at);
                var point = int.Parse(script.AsSpan(at + 1, end - at - 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                at = end + 1;
                return char.ConvertFromUtf32(point);
            case 'u': return ((char)Hex(script, ref at, 4)).ToString();
            case '\r' when script[at] == '\n':
                at++;
                return "";
            case '\r' or '\n' or '\u2028' or '\u2029': return "";
            default:
                Assert.False(char.IsAsciiDigit(c), $"\\{c} is no escape of strict code.");
                return c.ToString();
        }
    }

    private static int Hex(string script, ref int at, int digits)
    {
        var value = int.Parse(script.AsSpan(at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        at += digits;
        return value;
    }
}
