using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace CComet.Http.Requests;

/// <summary>
/// Decodes queries and forms strictly where text would be falsified (bytes that are no UTF-8) and leniently where it would
/// not: a lone percent sign is taken literally, as the client of 2014 sends it.
/// </summary>
internal static class UrlEncoded
{
    /// <summary>Of a percent-encoded byte.</summary>
    private const int EscapeBytes = 3;

    /// <summary>Adds each name and value that <paramref name="parameters"/> wants; no other value is decoded.</summary>
    public static void Parse(ReadOnlySpan<byte> text, Parameters parameters)
    {
        while (text.Length > 0)
        {
            var and = text.IndexOf((byte)'&');
            var pair = and < 0 ? text : text[..and];
            text = and < 0 ? [] : text[(and + 1)..];
            if (pair.Length == 0) continue;

            var equals = pair.IndexOf((byte)'=');
            var plain = equals < 0 ? pair : pair[..equals];
            var name = Parameters.NameOf(plain) ?? EscapedName(plain);
            if (parameters.Wants(name)) parameters.Add(name!, equals < 0 ? "" : Decode(pair[(equals + 1)..]));
        }
    }

    /// <summary>The text of bytes, or null when they are not UTF-8.</summary>
    public static string? TextOf(ReadOnlySpan<byte> bytes) => Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : null;

    private static string? Decode(ReadOnlySpan<byte> encoded)
    {
        if (encoded.IndexOfAny((byte)'%', (byte)'+') < 0) return TextOf(encoded);
        var buffer = ArrayPool<byte>.Shared.Rent(encoded.Length);
        var text = TextOf(buffer.AsSpan(0, Decode(encoded, buffer)));
        ArrayPool<byte>.Shared.Return(buffer);
        return text;
    }

    /// <summary>The name that is known behind percent signs, or null.</summary>
    private static string? EscapedName(ReadOnlySpan<byte> encoded)
    {
        if (encoded.Length > Parameters.LongestEscaped(EscapeBytes) || encoded.IndexOf((byte)'%') < 0) return null;
        Span<byte> plain = stackalloc byte[encoded.Length];
        return Parameters.NameOf(plain[..Decode(encoded, plain)]);
    }

    /// <summary>Decodes into a buffer that is as long at least; gives the length of what it wrote.</summary>
    private static int Decode(ReadOnlySpan<byte> encoded, Span<byte> into)
    {
        var length = 0;
        for (var i = 0; i < encoded.Length; i++)
        {
            if (encoded[i] == '%' && i + 2 < encoded.Length && Hex(encoded[i + 1]) is var high and >= 0 && Hex(encoded[i + 2]) is var low and >= 0)
            {
                into[length++] = (byte)((high << 4) | low);
                i += EscapeBytes - 1;
            }
            else
            {
                into[length++] = encoded[i] == '+' ? (byte)' ' : encoded[i];
            }
        }

        return length;
    }

    private static int Hex(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        _ => -1,
    };
}
