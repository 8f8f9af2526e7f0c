using System.Buffers;
using System.Text;

namespace CComet.Web.Endpoints;

/// <summary>
/// Decodes queries and forms strictly where text would be falsified (bytes that are no UTF-8) and leniently where it would
/// not: a lone percent sign stands for itself, as the client of 2014 sends it.
/// </summary>
internal static class UrlEncoded
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Adds each name and value to <paramref name="parameters"/>; the value is null when its bytes are not UTF-8.</summary>
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
            var name = Parameters.NameOf(plain) ?? Decode(plain);
            if (name is not null) parameters.Add(name, equals < 0 ? "" : Decode(pair[(equals + 1)..]));
        }
    }

    /// <summary>The text of bytes, or null when they are not UTF-8.</summary>
    public static string? TextOf(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static string? Decode(ReadOnlySpan<byte> encoded)
    {
        if (encoded.IndexOfAny((byte)'%', (byte)'+') < 0) return TextOf(encoded);
        var buffer = ArrayPool<byte>.Shared.Rent(encoded.Length);
        try
        {
            var length = 0;
            for (var i = 0; i < encoded.Length; i++)
            {
                if (encoded[i] == '%' && i + 2 < encoded.Length && Hex(encoded[i + 1]) is var high and >= 0 && Hex(encoded[i + 2]) is var low and >= 0)
                {
                    buffer[length++] = (byte)((high << 4) | low);
                    i += 2;
                }
                else
                {
                    buffer[length++] = encoded[i] == '+' ? (byte)' ' : encoded[i];
                }
            }

            return TextOf(buffer.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static int Hex(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        _ => -1,
    };
}
