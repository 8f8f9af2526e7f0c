using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace CComet.Web.Hub;

/// <summary>How CComet writes text as JSON: as few escapes as JSON allows, because every transport escapes for itself.</summary>
public static class JsonText
{
    /// <summary>The writer's settings for the JSON that a writer makes.</summary>
    public static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>A buffer that has grown larger than so many bytes is not kept.</summary>
    private const int MostKept = 4 << 10;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>What may not stand in a JSON string as it is. The library's own encoders escape all of Unicode's upper planes too, which makes an emoji three times as long.</summary>
    private static readonly SearchValues<byte> Escaped = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(c => (byte)c), (byte)'"', (byte)'\\']);

    [ThreadStatic]
    private static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Json)? _writer;

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

    /// <summary>A JSON object in UTF-8.</summary>
    public static byte[] ObjectOf(Action<Utf8JsonWriter> members) => Written(members, static (json, members) => WriteObject(json, members, static (json, members) => members(json)));

    /// <summary>A JSON array of an object for each value, in UTF-8.</summary>
    public static byte[] ArrayOf<T>(IReadOnlyList<T> values, Action<Utf8JsonWriter, T> members) => Written((values, members), static (json, all) =>
    {
        json.WriteStartArray();
        for (var i = 0; i < all.values.Count; i++) WriteObject(json, all.values[i], all.members);
        json.WriteEndArray();
    });

    private static void WriteObject<T>(Utf8JsonWriter json, T value, Action<Utf8JsonWriter, T> members)
    {
        json.WriteStartObject();
        members(json, value);
        json.WriteEndObject();
    }

    private static byte[] Written<T>(T value, Action<Utf8JsonWriter, T> write)
    {
        // A thread's own, used again; not there while it is in use.
        var (buffer, json) = _writer ?? NewWriter();
        _writer = null;
        write(json, value);
        json.Flush();
        var bytes = buffer.WrittenSpan.ToArray();
        if (buffer.Capacity > MostKept) return bytes;
        buffer.ResetWrittenCount();
        json.Reset();
        _writer = (buffer, json);
        return bytes;
    }

    /// <summary>The value without white space between its tokens and with as few escapes as JSON allows; numbers keep their text.</summary>
    /// <param name="json">One valid JSON value.</param>
    /// <exception cref="InvalidOperationException">A string or a name in it holds half of a surrogate pair.</exception>
    public static byte[] Minify(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        var compact = new ArrayBufferWriter<byte>(json.Length);
        for (var separate = false; reader.Read();)
        {
            var token = reader.TokenType;
            if (separate && token is not (JsonTokenType.EndArray or JsonTokenType.EndObject)) compact.Write(","u8);
            compact.Write(token is JsonTokenType.String or JsonTokenType.PropertyName ? Quote(reader.GetString()!) : reader.ValueSpan);
            if (token == JsonTokenType.PropertyName) compact.Write(":"u8);
            separate = token is not (JsonTokenType.StartArray or JsonTokenType.StartObject or JsonTokenType.PropertyName);
        }

        return compact.WrittenSpan.ToArray();
    }

    private static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Json) NewWriter()
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        return (buffer, new Utf8JsonWriter(buffer, Compact));
    }

    private static byte[] QuoteEscaped(ReadOnlySpan<byte> text)
    {
        var quoted = new ArrayBufferWriter<byte>(text.Length * 2);
        quoted.Write("\""u8);
        while (true)
        {
            var plain = text.IndexOfAny(Escaped);
            quoted.Write(plain < 0 ? text : text[..plain]);
            if (plain < 0) break;
            quoted.Write(EscapeOf(text[plain]));
            text = text[(plain + 1)..];
        }

        quoted.Write("\""u8);
        return quoted.WrittenSpan.ToArray();
    }

    private static ReadOnlySpan<byte> EscapeOf(byte character) => character switch
    {
        (byte)'"' => "\\\""u8,
        (byte)'\\' => "\\\\"u8,
        (byte)'\n' => "\\n"u8,
        (byte)'\r' => "\\r"u8,
        (byte)'\t' => "\\t"u8,
        _ => Encoding.ASCII.GetBytes($"\\u{character:X4}"),
    };
}
