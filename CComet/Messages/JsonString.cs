using System.Buffers;
using System.Text;
using System.Text.Json;

namespace CComet.Messages;

/// <summary>Writes text as JSON strings, and JSON values without white space: with as few escapes as JSON allows, because every transport escapes for itself.</summary>
internal static class JsonString
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>What may not stand in a JSON string as it is. The library's own encoders escape all of Unicode's upper planes too, which makes an emoji three times as long.</summary>
    private static readonly SearchValues<byte> Escaped = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(c => (byte)c), (byte)'"', (byte)'\\']);

    /// <summary>Made once: a text may be of nothing else.</summary>
    private static readonly byte[][] ControlEscapes = [.. Enumerable.Range(0, 0x20).Select(c => Encoding.ASCII.GetBytes(c switch
    {
        '\b' => "\\b",
        '\f' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        _ => $"\\u{c:X4}",
    }))];

    /// <summary>The text as a JSON string, quotes included, in UTF-8.</summary>
    /// <exception cref="ArgumentException">The text holds half of a surrogate pair.</exception>
    public static byte[] Quote(string text)
    {
        var quoted = new byte[Strict.GetByteCount(text) + 2];
        quoted[0] = quoted[^1] = (byte)'"';
        Strict.GetBytes(text, quoted.AsSpan(1));
        var inner = quoted.AsSpan(1, quoted.Length - 2);
        return inner.IndexOfAny(Escaped) < 0 ? quoted : QuoteEscaped(inner);
    }

    /// <summary>UTF-8 as a JSON string, quotes included.</summary>
    public static byte[] Quote(ReadOnlySpan<byte> text)
    {
        if (text.IndexOfAny(Escaped) >= 0) return QuoteEscaped(text);
        var quoted = new byte[text.Length + 2];
        quoted[0] = quoted[^1] = (byte)'"';
        text.CopyTo(quoted.AsSpan(1));
        return quoted;
    }

    /// <summary>The value without white space between its tokens and with as few escapes as JSON allows; numbers keep their text.</summary>
    /// <param name="json">One valid JSON value.</param>
    /// <exception cref="InvalidOperationException">A string or a name in it holds half of a surrogate pair.</exception>
    /// <param name="maxDepth">How deep it may be nested; 0 for 64 levels.</param>
    /// <exception cref="JsonException">It is nested deeper.</exception>
    public static byte[] Minify(ReadOnlySpan<byte> json, int maxDepth = 0)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = maxDepth });
        var compact = new ArrayBufferWriter<byte>(json.Length);
        for (var separate = false; reader.Read();)
        {
            var token = reader.TokenType;
            if (separate && token is not (JsonTokenType.EndArray or JsonTokenType.EndObject)) compact.Write(","u8);
            if (token is JsonTokenType.String or JsonTokenType.PropertyName) WriteString(ref reader, compact);
            else compact.Write(reader.ValueSpan);
            if (token == JsonTokenType.PropertyName) compact.Write(":"u8);
            separate = token is not (JsonTokenType.StartArray or JsonTokenType.StartObject or JsonTokenType.PropertyName);
        }

        return compact.WrittenSpan.ToArray();
    }

    private static byte[] QuoteEscaped(ReadOnlySpan<byte> text)
    {
        var quoted = new ArrayBufferWriter<byte>(text.Length * 2);
        WriteQuoted(text, quoted);
        return quoted.WrittenSpan.ToArray();
    }

    private static void WriteQuoted(ReadOnlySpan<byte> text, ArrayBufferWriter<byte> output)
    {
        output.Write("\""u8);
        while (true)
        {
            var plain = text.IndexOfAny(Escaped);
            output.Write(plain < 0 ? text : text[..plain]);
            if (plain < 0) break;
            output.Write(EscapeOf(text[plain]));
            text = text[(plain + 1)..];
        }

        output.Write("\""u8);
    }

    /// <summary>Writes the string or name at the reader. One without escapes is written as it is.</summary>
    private static void WriteString(ref Utf8JsonReader reader, ArrayBufferWriter<byte> output)
    {
        if (!reader.ValueIsEscaped)
        {
            output.Write("\""u8);
            output.Write(reader.ValueSpan);
            output.Write("\""u8);
            return;
        }

        var text = ArrayPool<byte>.Shared.Rent(reader.ValueSpan.Length);
        try
        {
            WriteQuoted(text.AsSpan(0, reader.CopyString(text)), output);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(text);
        }
    }

    private static ReadOnlySpan<byte> EscapeOf(byte character) => character switch
    {
        (byte)'"' => "\\\""u8,
        (byte)'\\' => "\\\\"u8,
        _ => ControlEscapes[character],
    };
}
