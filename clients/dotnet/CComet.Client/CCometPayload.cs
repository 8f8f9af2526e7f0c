using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace CComet.Client;

/// <summary>What is published: a text, or a JSON value. A <see cref="string"/>, <see cref="JsonElement"/> and <see cref="JsonNode"/> convert by themselves.</summary>
public readonly struct CCometPayload
{
    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private CCometPayload(ReadOnlyMemory<byte> json) => Json = json;

    /// <summary>Gets the value as JSON text; empty only in the default value, which is refused.</summary>
    internal ReadOnlyMemory<byte> Json { get; }

    /// <summary>Converts a text.</summary>
    public static implicit operator CCometPayload(string text) => FromText(text);

    /// <summary>Converts a JSON value.</summary>
    public static implicit operator CCometPayload(JsonElement value) => FromJson(value);

    /// <summary>Converts a JSON value.</summary>
    public static implicit operator CCometPayload(JsonNode value) => FromJson(value);

    /// <summary>Creates a text, whose subscribers read <see cref="CCometMessage.Text"/>.</summary>
    /// <param name="text">Any text without halves of surrogate pairs.</param>
    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    public static CCometPayload FromText(string text)
    {
        Check.NotNull(text, nameof(text));
        return Write(writer => writer.WriteStringValue(text));
    }

    /// <summary>Creates a JSON value.</summary>
    /// <param name="value">The value, nested 62 levels deep at most.</param>
    public static CCometPayload FromJson(JsonElement value) => Write(value.WriteTo);

    /// <summary>Creates a JSON value.</summary>
    /// <param name="value">The value, nested 62 levels deep at most.</param>
    /// <exception cref="ArgumentNullException"><paramref name="value"/> is null.</exception>
    public static CCometPayload FromJson(JsonNode value)
    {
        Check.NotNull(value, nameof(value));
        return Write(writer => value.WriteTo(writer));
    }

    /// <summary>Serializes a value.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="value">The value.</param>
    /// <param name="type">How the type is written: a property of a source-generated <see cref="System.Text.Json.Serialization.JsonSerializerContext"/>.</param>
    public static CCometPayload From<T>(T value, JsonTypeInfo<T> type) => new(JsonSerializer.SerializeToUtf8Bytes(value, type));

    private static CCometPayload Write(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Writing)) write(writer);
        return new CCometPayload(stream.ToArray());
    }
}
