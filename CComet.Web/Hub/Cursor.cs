using System.Globalization;
using System.Text;

namespace CComet.Web.Hub;

/// <summary>
/// Where a subscriber stands in one channel: the epoch it knows and the next seqid it wants. The same cursor is valid on
/// every transport.
/// </summary>
/// <param name="Epoch">The epoch the number belongs to, or null when the client named none.</param>
/// <param name="Seqid">The next seqid wanted, or null for "from now on".</param>
public readonly record struct Cursor(string? Epoch, long? Seqid)
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

    /// <summary>Reads the cursor of several channels: <c>name=epoch:seqid</c> joined by commas, names percent-encoded.</summary>
    /// <returns>The cursors by channel name, or null when the text is not of that form.</returns>
    public static Dictionary<string, Cursor>? TryParseCombined(string text)
    {
        var cursors = new Dictionary<string, Cursor>(StringComparer.Ordinal);
        foreach (var part in text.Split(','))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || !TryParse(part.AsSpan(equals + 1), out var cursor)) return null;
            if (!cursors.TryAdd(Uri.UnescapeDataString(part[..equals]), cursor)) return null;
        }

        return cursors;
    }

    /// <summary>Writes the cursor of several channels as <see cref="TryParseCombined"/> reads it.</summary>
    public static string Combine(IEnumerable<(string Channel, Cursor Cursor)> cursors)
    {
        var text = new StringBuilder();
        foreach (var (channel, cursor) in cursors)
        {
            if (text.Length > 0) text.Append(',');
            text.Append(Uri.EscapeDataString(channel)).Append('=').Append(cursor);
        }

        return text.ToString();
    }

    /// <summary>The cursor as <c>epoch:seqid</c>.</summary>
    public override string ToString() => Seqid is { } seqid ? string.Create(CultureInfo.InvariantCulture, $"{Epoch}:{seqid}") : $"{Epoch}:";
}
