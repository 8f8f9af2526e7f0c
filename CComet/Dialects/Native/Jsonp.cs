using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.RegularExpressions;

namespace CComet.Dialects.Native;

/// <summary>
/// JSONP in the dialect of 2014: <c>/**/name('…')</c>, where … is one string that holds the JSON array. Evaluated, the string
/// is the exact JSON; inside a script element it can end neither the string nor the element.
/// </summary>
internal static partial class Jsonp
{
    /// <summary>The longest callback name, in characters.</summary>
    public const int MaxNameLength = 128;

    /// <summary>The content type of every JSONP answer.</summary>
    public const string ContentType = "text/javascript; charset=utf-8";

    /// <summary>The characters that may stand in no such string unescaped; U+2028 and U+2029 begin with the byte E2.</summary>
    private static readonly SearchValues<byte> Suspects = SearchValues.Create([(byte)'\\', (byte)'\'', (byte)'<', (byte)'\r', (byte)'\n', 0xE2]);

    /// <summary>Whether the name may stand before the parenthesis: names of letters, digits, _ and $, joined by dots.</summary>
    public static bool IsName(string name) => name.Length <= MaxNameLength && Name().IsMatch(name);

    /// <summary>Writes a call of <paramref name="callback"/> with the array of the elements as its one string argument.</summary>
    public static async ValueTask WriteAsync(PipeWriter output, string callback, IReadOnlyList<ReadOnlyMemory<byte>> elements)
    {
        // The comment keeps a name of the client's choice from being the first bytes of the answer (as Flash files were smuggled in).
        output.Write("/**/"u8);
        output.Write(Encoding.ASCII.GetBytes(callback));
        output.Write("('["u8);
        for (var i = 0; i < elements.Count; i++)
        {
            if (i > 0) output.Write(","u8);
            for (var rest = elements[i]; rest.Length > 0;)
            {
                rest = rest[WriteSome(output, rest.Span)..];
                if (output.UnflushedBytes >= JsonArray.FlushBytes) await output.FlushAsync();
            }
        }

        output.Write("]')"u8);
    }

    /// <summary>Writes plain bytes up to the next suspect and that one escaped; says how many bytes of the text that was.</summary>
    private static int WriteSome(PipeWriter output, ReadOnlySpan<byte> text)
    {
        var plain = text[..Math.Min(text.Length, JsonArray.FlushBytes)].IndexOfAny(Suspects);
        if (plain < 0) plain = Math.Min(text.Length, JsonArray.FlushBytes);
        if (plain > 0)
        {
            output.Write(text[..plain]);
            return plain;
        }

        var (escape, length) = text switch
        {
            [(byte)'\\', ..] => ("\\\\", 1),
            [(byte)'\'', ..] => ("\\'", 1),
            [(byte)'<', ..] => ("\\u003C", 1),
            [(byte)'\r', ..] => ("\\r", 1),
            [(byte)'\n', ..] => ("\\n", 1),
            [0xE2, 0x80, 0xA8, ..] => ("\\u2028", 3),
            [0xE2, 0x80, 0xA9, ..] => ("\\u2029", 3),
            _ => ("", 1),
        };
        if (escape.Length == 0) output.Write(text[..1]);
        else output.Write(Encoding.ASCII.GetBytes(escape));
        return length;
    }

    [GeneratedRegex(@"\A[A-Za-z_$][A-Za-z0-9_$]*(\.[A-Za-z_$][A-Za-z0-9_$]*)*\z")]
    private static partial Regex Name();
}
