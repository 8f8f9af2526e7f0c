using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CComet.Client;

/// <summary>
/// Where a subscription begins: an epoch and the next seqid wanted, or <see cref="Start"/> or <see cref="Now"/>. The default value is <see cref="Now"/>.
/// </summary>
/// <remarks>
/// Save the <see cref="CCometMessage.Cursor"/> of the last message that was handled, as text by <see cref="ToString"/> or as JSON, and give it to
/// <see cref="SubscribeOptions.From"/> to continue behind that message. The same cursor is valid on every transport and in every SDK.
/// </remarks>
[JsonConverter(typeof(CursorJsonConverter))]
public readonly struct CCometCursor : IEquatable<CCometCursor>
{
    private const string StartText = "start";
    private const string NowText = "now";

    private readonly bool _isStart;

    private CCometCursor(string? epoch, long seqid, bool isStart)
    {
        Epoch = epoch;
        Seqid = seqid;
        _isStart = isStart;
    }

    /// <summary>Creates a cursor.</summary>
    /// <param name="epoch">The epoch of the log, 1 to 200 characters.</param>
    /// <param name="seqid">The next seqid wanted, 0 or more.</param>
    /// <exception cref="ArgumentException"><paramref name="epoch"/> is null or empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="seqid"/> is negative.</exception>
    public CCometCursor(string epoch, long seqid)
        : this(string.IsNullOrEmpty(epoch) ? throw new ArgumentException("epoch: is empty.", nameof(epoch)) : epoch, seqid < 0 ? throw new ArgumentOutOfRangeException(nameof(seqid), seqid, "seqid: is negative.") : seqid, false)
    {
    }

    /// <summary>Gets the beginning of what the server keeps.</summary>
    public static CCometCursor Start { get; } = new(null, 0, true);

    /// <summary>Gets the end of the log: only messages that are published after the subscription was opened.</summary>
    public static CCometCursor Now => default;

    /// <summary>Gets the epoch; null for <see cref="Start"/> and <see cref="Now"/>.</summary>
    public string? Epoch { get; }

    /// <summary>Gets the next seqid wanted; 0 for <see cref="Start"/> and <see cref="Now"/>.</summary>
    public long Seqid { get; }

    internal bool IsStart => _isStart;

    /// <summary>Compares two cursors.</summary>
    public static bool operator ==(CCometCursor left, CCometCursor right) => left.Equals(right);

    /// <summary>Compares two cursors.</summary>
    public static bool operator !=(CCometCursor left, CCometCursor right) => !left.Equals(right);

    /// <summary>Reads what <see cref="ToString"/> returned: <c>epoch:seqid</c>, <c>start</c> or <c>now</c>.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    /// <exception cref="FormatException"><paramref name="text"/> is not a cursor.</exception>
    public static CCometCursor Parse(string text)
    {
        Check.NotNull(text, nameof(text));
        return TryParse(text, out var cursor) ? cursor : throw new FormatException($"'{text}' is no cursor: it is start, now or epoch:seqid.");
    }

    /// <summary>Reads what <see cref="ToString"/> returned.</summary>
    /// <param name="text">The text, or null.</param>
    /// <param name="cursor">The cursor; <see cref="Now"/> when the text is not one.</param>
    /// <returns>Whether the text is a cursor.</returns>
    public static bool TryParse(string? text, out CCometCursor cursor)
    {
        cursor = text == StartText ? Start : Now;
        if (text is StartText or NowText) return true;
        var colon = text?.LastIndexOf(':') ?? -1;
        if (colon <= 0 || !long.TryParse(text!.Substring(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var seqid)) return false;
        cursor = new CCometCursor(text.Substring(0, colon), seqid);
        return true;
    }

    /// <inheritdoc/>
    public bool Equals(CCometCursor other) => Epoch == other.Epoch && Seqid == other.Seqid && _isStart == other._isStart;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is CCometCursor other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => (Epoch?.GetHashCode() ?? 0) ^ Seqid.GetHashCode() ^ (_isStart ? 1 : 0);

    /// <summary>Returns <c>epoch:seqid</c>, <c>start</c> or <c>now</c>.</summary>
    public override string ToString() => Epoch is null ? _isStart ? StartText : NowText : string.Concat(Epoch, ":", Seqid.ToString(CultureInfo.InvariantCulture));
}

/// <summary>Writes a cursor as its text.</summary>
internal sealed class CursorJsonConverter : JsonConverter<CCometCursor>
{
    /// <inheritdoc/>
    public override CCometCursor Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        CCometCursor.TryParse(reader.GetString(), out var cursor) ? cursor : throw new JsonException("The text is no cursor.");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, CCometCursor value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
