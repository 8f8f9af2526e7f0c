using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace CComet.Dialects.Native;

/// <summary>Encodes JSON objects and arrays of the native dialect.</summary>
internal static class NativeJson
{
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>The largest buffer that is kept for the next object, in bytes.</summary>
    private const int MaxKeptBytes = 4 << 10;

    /// <summary>A writer for each thread, used again; null while it is in use.</summary>
    [ThreadStatic]
    private static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Json)? _writer;

    /// <summary>Encodes an object, in UTF-8.</summary>
    public static byte[] EncodeObject(Action<Utf8JsonWriter> members) => Encode(members, WriteObject, []);

    /// <summary>Encodes an object and a newline.</summary>
    public static byte[] EncodeObjectLine(Action<Utf8JsonWriter> members) => Encode(members, WriteObject, "\n"u8);

    /// <summary>Encodes an array of an object for each value, in UTF-8.</summary>
    public static byte[] EncodeArray<T>(IReadOnlyList<T> values, Action<Utf8JsonWriter, T> members) => Encode((values, members), WriteArray, []);

    /// <summary>Encodes an array of an object for each value, and a newline.</summary>
    public static byte[] EncodeArrayLine<T>(IReadOnlyList<T> values, Action<Utf8JsonWriter, T> members) => Encode((values, members), WriteArray, "\n"u8);

    private static void WriteArray<T>(Utf8JsonWriter json, (IReadOnlyList<T> Values, Action<Utf8JsonWriter, T> Members) all)
    {
        json.WriteStartArray();
        for (var i = 0; i < all.Values.Count; i++) WriteObject(json, all.Values[i], all.Members);
        json.WriteEndArray();
    }

    private static void WriteObject(Utf8JsonWriter json, Action<Utf8JsonWriter> members) => WriteObject(json, members, static (json, members) => members(json));

    private static void WriteObject<T>(Utf8JsonWriter json, T value, Action<Utf8JsonWriter, T> members)
    {
        json.WriteStartObject();
        members(json, value);
        json.WriteEndObject();
    }

    private static byte[] Encode<T>(T value, Action<Utf8JsonWriter, T> write, ReadOnlySpan<byte> ending)
    {
        var (buffer, json) = _writer ?? NewWriter();
        _writer = null;
        write(json, value);
        json.Flush();
        buffer.Write(ending);
        var bytes = buffer.WrittenSpan.ToArray();
        if (buffer.Capacity > MaxKeptBytes) return bytes;
        buffer.ResetWrittenCount();
        json.Reset();
        _writer = (buffer, json);
        return bytes;
    }

    private static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Json) NewWriter()
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        return (buffer, new Utf8JsonWriter(buffer, Compact));
    }
}
