using System.Globalization;
using System.Text;

namespace CComet.Messages;

/// <summary>
/// The position of a subscriber in one channel: the epoch it knows and the next seqid it wants. The same cursor is valid on
/// every transport.
/// </summary>
/// <param name="Epoch">The epoch the number belongs to, or null when the client named none.</param>
/// <param name="Seqid">The next seqid wanted, or null for "from now on".</param>
internal readonly record struct Cursor(string? Epoch, long? Seqid)
{
    /// <summary>From now on.</summary>
    public static readonly Cursor None;

    /// <summary>Reads <c>epoch:seqid</c>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Cursor cursor)
    {
        cursor = None;
        var colon = text.IndexOf(':');
        if (colon <= 0 || !TryParseSeqid(text[(colon + 1)..], out var seqid)) return false;
        cursor = new Cursor(text[..colon].ToString(), seqid);
        return true;
    }

    /// <summary>Reads a seqid: decimal digits alone, at most 9,223,372,036,854,775,807.</summary>
    public static bool TryParseSeqid(ReadOnlySpan<char> text, out long seqid) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out seqid);

    /// <summary>
    /// Reads the cursor of several channels: <c>epoch:seqid</c> for each in their order, or <c>name=epoch:seqid</c> in any order,
    /// joined by commas. Names and epochs are percent-encoded; a channel whose cursor is empty or missing has none.
    /// </summary>
    /// <returns>One cursor a channel, or null when the text is not of that form.</returns>
    public static Cursor[]? TryParseCombined(string text, IReadOnlyList<string> channels) =>
        text.Contains('=', StringComparison.Ordinal) ? TryParseNamed(text, channels) : TryParseOrdered(text, channels.Count);

    /// <summary>Writes the cursors of several channels in their order, as <see cref="TryParseCombined"/> reads them.</summary>
    public static string Combine(IEnumerable<Cursor> cursors)
    {
        var text = new StringBuilder();
        foreach (var cursor in cursors)
        {
            if (text.Length > 0) text.Append(',');

            // An epoch of ours has nothing to encode; one that the client named may hold a comma.
            text.Append(Uri.EscapeDataString(cursor.Epoch ?? "")).Append(':').Append(CultureInfo.InvariantCulture, $"{cursor.Seqid}");
        }

        return text.ToString();
    }

    /// <summary>The cursor as <c>epoch:seqid</c>.</summary>
    public override string ToString() => Seqid is { } seqid ? string.Create(CultureInfo.InvariantCulture, $"{Epoch}:{seqid}") : $"{Epoch}:";

    private static Cursor[]? TryParseOrdered(string text, int channels)
    {
        var parts = text.Split(',');
        if (parts.Length != channels) return null;
        var cursors = new Cursor[channels];
        for (var i = 0; i < channels; i++)
        {
            if (parts[i].Length > 0 && !TryParseEncoded(parts[i], out cursors[i])) return null;
        }

        return cursors;
    }

    private static Cursor[]? TryParseNamed(string text, IReadOnlyList<string> channels)
    {
        var named = new Dictionary<string, Cursor>(StringComparer.Ordinal);
        foreach (var part in text.Split(','))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || !TryParseEncoded(part.AsSpan(equals + 1), out var cursor)) return null;
            if (!named.TryAdd(Uri.UnescapeDataString(part[..equals]), cursor)) return null;
        }

        return [.. channels.Select(named.GetValueOrDefault)];
    }

    private static bool TryParseEncoded(ReadOnlySpan<char> text, out Cursor cursor)
    {
        if (!TryParse(text, out cursor)) return false;
        cursor = cursor with { Epoch = Uri.UnescapeDataString(cursor.Epoch!) };
        return true;
    }
}
