using System.Globalization;
using System.Text;

namespace CComet.Simulator.Wire;

/// <summary>The JSON inside of <c>/**/name('…')</c>.</summary>
internal static class JsonpText
{
    /// <summary>Undoes the string's escapes into the store, which must be empty.</summary>
    public static void Unwrap(ReadOnlySpan<byte> body, ByteStore json)
    {
        var start = body.IndexOf("('"u8);
        var end = body.LastIndexOf("')"u8);
        if (start < 0 || end < start + 2) throw new WireException("a JSONP answer is not a call with one string");
        var text = body[(start + 2)..end];
        var escape = text.IndexOf((byte)'\\');
        while (escape >= 0)
        {
            json.Append(text[..escape]);
            text = text[escape..];
            text = text[Undo(text, json)..];
            escape = text.IndexOf((byte)'\\');
        }

        json.Append(text);
    }

    /// <summary>Undoes the escape that the text begins with; gives its length.</summary>
    private static int Undo(ReadOnlySpan<byte> text, ByteStore json)
    {
        if (text.Length < 2) throw new WireException("a JSONP answer ends in an escape");
        switch (text[1])
        {
            case (byte)'u':
                return AppendCode(text, 4, json);
            case (byte)'x':
                return AppendCode(text, 2, json);
            case (byte)'n':
                json.Append("\n"u8);
                return 2;
            case (byte)'r':
                json.Append("\r"u8);
                return 2;
            default:
                json.Append(text.Slice(1, 1));
                return 2;
        }
    }

    private static int AppendCode(ReadOnlySpan<byte> text, int digits, ByteStore json)
    {
        if (text.Length < 2 + digits || !ushort.TryParse(text.Slice(2, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code))
            throw new WireException("a JSONP answer has a bad escape");
        Span<byte> bytes = stackalloc byte[4];
        if (!Rune.TryCreate((char)code, out var rune)) throw new WireException("a JSONP answer escapes half a character");
        json.Append(bytes[..rune.EncodeToUtf8(bytes)]);
        return 2 + digits;
    }
}
