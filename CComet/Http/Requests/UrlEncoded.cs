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

    /// <summary>What stands in an encoded form; some encoders leave the tilde.</summary>
    private static readonly SearchValues<byte> FormCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._*~+%"u8);

    /// <summary>Adds each name and value that <paramref name="parameters"/> wants; no other value is decoded.</summary>
    /// <param name="text">The query, or the form.</param>
    /// <param name="parameters">Where to.</param>
    /// <param name="isUnencoded">Whether a page has put the message into the address as it was typed, so that a plus sign is one.</param>
    public static void Parse(ReadOnlySpan<byte> text, Parameters parameters, bool isUnencoded = false)
    {
        var names = parameters.Known;
        while (text.Length > 0)
        {
            var end = names.HasEntities ? EndOfPair(text) : text.IndexOf((byte)'&');
            var pair = end < 0 ? text : text[..end];
            text = end < 0 ? [] : text[(end + 1)..];
            if (pair.Length == 0) continue;

            var equals = pair.IndexOf((byte)'=');
            var plain = equals < 0 ? pair : pair[..equals];
            var name = names.Find(plain) ?? EscapedName(plain, names);
            if (!parameters.Wants(name)) continue;
            var value = equals < 0 ? [] : pair[(equals + 1)..];
            parameters.Add(name!, names.HasEntities ? DecodeWithEntities(value, name == names.Message, isUnencoded) : Decode(value));
        }
    }

    /// <summary>The text of bytes, or null when they are not UTF-8.</summary>
    public static string? TextOf(ReadOnlySpan<byte> bytes) => Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : null;

    /// <summary>Returns the end of a pair: the next ampersand that does not begin an entity; -1 when there is none.</summary>
    private static int EndOfPair(ReadOnlySpan<byte> text)
    {
        var from = 0;
        while (true)
        {
            var next = text[from..].IndexOf((byte)'&');
            if (next < 0) return -1;
            from += next;
            if (!HtmlEntities.Begins(text[from..])) return from;
            from++;
        }
    }

    /// <summary>
    /// Decodes a value of an address that the page of 2014 put together. Entities of a message are left to the caller, because a client that
    /// percent-encodes them means the same; those of a name are its own characters unless they are percent-encoded.
    /// </summary>
    private static string? DecodeWithEntities(ReadOnlySpan<byte> encoded, bool isMessage, bool isUnencoded)
    {
        if (isMessage) return Decode(encoded, isPlusSpace: !isUnencoded && IsFormEncoded(encoded));
        if (encoded.IndexOf((byte)'&') < 0) return Decode(encoded);
        return TextOf(encoded) is { } text ? Decode(Encoding.UTF8.GetBytes(HtmlEntities.Decode(text))) : null;
    }

    /// <summary>
    /// Whether a value may have been encoded as a form is: it has none of the characters that are escaped there, and no space written as
    /// <c>%20</c>. Only then a plus sign is a space; the page of 2014 sends it as it was typed.
    /// </summary>
    private static bool IsFormEncoded(ReadOnlySpan<byte> encoded) => encoded.IndexOfAnyExcept(FormCharacters) < 0 && encoded.IndexOf("%20"u8) < 0;

    private static string? Decode(ReadOnlySpan<byte> encoded, bool isPlusSpace = true)
    {
        if (encoded.IndexOfAny((byte)'%', (byte)'+') < 0) return TextOf(encoded);
        var buffer = ArrayPool<byte>.Shared.Rent(encoded.Length);
        var text = TextOf(buffer.AsSpan(0, Decode(encoded, buffer, isPlusSpace)));
        ArrayPool<byte>.Shared.Return(buffer);
        return text;
    }

    /// <summary>The name that is known behind percent signs, or null.</summary>
    private static string? EscapedName(ReadOnlySpan<byte> encoded, ParameterNames names)
    {
        if (encoded.Length > names.Longest * EscapeBytes || encoded.IndexOf((byte)'%') < 0) return null;
        Span<byte> plain = stackalloc byte[encoded.Length];
        return names.Find(plain[..Decode(encoded, plain)]);
    }

    /// <summary>Decodes into a buffer that is as long at least; gives the length of what it wrote.</summary>
    private static int Decode(ReadOnlySpan<byte> encoded, Span<byte> into, bool isPlusSpace = true)
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
                into[length++] = encoded[i] == '+' && isPlusSpace ? (byte)' ' : encoded[i];
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
