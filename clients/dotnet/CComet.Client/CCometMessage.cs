using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace CComet.Client;

/// <summary>A message of a channel's log.</summary>
public sealed class CCometMessage
{
    /// <summary>Creates a message; the client does, and an application's tests do.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="msg">What was published.</param>
    /// <param name="cursor">The cursor behind the message.</param>
    /// <param name="type"><c>MSG</c> or <c>SIGN</c>; in a channel <c>$presence:…</c> it is <c>JOIN</c> or <c>LEAVE</c>.</param>
    /// <param name="sname">The name that the publisher goes by, or null.</param>
    /// <param name="time">When the server stored it.</param>
    public CCometMessage(string channel, JsonElement msg, CCometCursor cursor, string type = "MSG", string? sname = null, DateTimeOffset time = default)
    {
        Check.NotNull(channel, nameof(channel));
        Check.NotNull(type, nameof(type));
        Channel = channel;
        Msg = msg;
        Cursor = cursor;
        Type = type;
        Sname = sname;
        Time = time;
    }

    /// <summary>Gets the channel.</summary>
    public string Channel { get; }

    /// <summary>Gets what was published: a JSON string, or any other JSON value when it was published as JSON. <see cref="JsonValueKind.Undefined"/> in a <c>JOIN</c> or <c>LEAVE</c>.</summary>
    public JsonElement Msg { get; }

    /// <summary>Gets <c>MSG</c> (published) or <c>SIGN</c> (signed in); in a channel <c>$presence:…</c> <c>JOIN</c> or <c>LEAVE</c>.</summary>
    public string Type { get; }

    /// <summary>Gets the name that the publisher goes by; of a <c>JOIN</c> or <c>LEAVE</c> the user; null when unknown.</summary>
    public string? Sname { get; }

    /// <summary>Gets when the server stored the message, in UTC, to the millisecond.</summary>
    public DateTimeOffset Time { get; }

    /// <summary>Gets the cursor behind this message: save it to continue with the next one.</summary>
    public CCometCursor Cursor { get; }

    /// <summary>Gets the number of the message in the channel: 0, 1, 2 … without holes within an epoch.</summary>
    public long Seqid => Cursor.Seqid - 1;

    /// <summary>Gets <see cref="Msg"/> as text: the characters of a JSON string, or the JSON text of any other value. Empty in a <c>JOIN</c> or <c>LEAVE</c>.</summary>
    public string Text => Msg.ValueKind switch
    {
        JsonValueKind.String => Msg.GetString()!,
        JsonValueKind.Undefined => "",
        _ => Msg.GetRawText(),
    };

    /// <summary>Deserializes <see cref="Msg"/>.</summary>
    /// <typeparam name="T">The type.</typeparam>
    /// <param name="type">How the type is read: a property of a source-generated <see cref="System.Text.Json.Serialization.JsonSerializerContext"/>.</param>
    /// <exception cref="JsonException">The value is not a <typeparamref name="T"/>.</exception>
    public T? Read<T>(JsonTypeInfo<T> type) => Msg.Deserialize(type);

    /// <inheritdoc/>
    public override string ToString() => $"{Channel} {Cursor}";
}
