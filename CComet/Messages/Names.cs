using System.Text;

namespace CComet.Messages;

/// <summary>The rule for names: of channels, snames, ids and epochs.</summary>
internal static class Names
{
    /// <summary>The longest name, in Unicode characters.</summary>
    public const int MaxLength = 200;

    /// <summary>The beginning of the names of channels that are the server's: it alone publishes there.</summary>
    public const string ServerPrefix = "$";

    /// <summary>The beginning of the names of channels that the server alone reads, too.</summary>
    public const string PrivatePrefix = ServerPrefix + "ccomet.";

    /// <summary>The beginning of the name of a log that tells who comes into a channel and leaves it; the channel's name follows.</summary>
    public const string PresencePrefix = ServerPrefix + "presence:";

    /// <summary>The beginning of the name of a log that tells whether a channel has subscribers; the channel's name follows. The server alone reads it.</summary>
    public const string OccupancyPrefix = ServerPrefix + "occupancy:";

    /// <summary>Whether the server alone publishes to a channel.</summary>
    public static bool IsOfServer(string channel) => channel.StartsWith(ServerPrefix, StringComparison.Ordinal);

    /// <summary>Whether the server alone reads a channel.</summary>
    public static bool IsPrivate(string channel) => IsUnlisted(channel) || channel.StartsWith(OccupancyPrefix, StringComparison.Ordinal);

    /// <summary>Whether no store lists a channel.</summary>
    public static bool IsUnlisted(string channel) => channel.StartsWith(PrivatePrefix, StringComparison.Ordinal);

    /// <summary>Returns the channel whose presence a log tells of; null when it is no such log.</summary>
    public static string? FindPresenceOf(string log) => log.Length > PresencePrefix.Length && log.StartsWith(PresencePrefix, StringComparison.Ordinal) ? log[PresencePrefix.Length..] : null;

    /// <summary>Returns the channel whose occupancy a log tells of; null when it is no such log.</summary>
    public static string? FindOccupancyOf(string log) => log.Length > OccupancyPrefix.Length && log.StartsWith(OccupancyPrefix, StringComparison.Ordinal) ? log[OccupancyPrefix.Length..] : null;

    /// <summary>Compares names by their code points, which is the order of their UTF-8 bytes.</summary>
    public static int Compare(string a, string b)
    {
        var at = a.AsSpan().CommonPrefixLength(b);
        return at == a.Length || at == b.Length ? a.Length - b.Length : RankOf(a[at]) - RankOf(b[at]);

        // Surrogates stand for what is behind all other characters.
        static int RankOf(char c) => char.IsSurrogate(c) ? c + char.MaxValue : c;
    }

    /// <summary>Returns the least text behind all names that begin with a prefix; null when there is none.</summary>
    public static string? EndOf(string prefix)
    {
        var runes = prefix.EnumerateRunes().ToList();
        while (runes.Count > 0)
        {
            var last = runes[^1].Value;
            runes.RemoveAt(runes.Count - 1);
            if (last == 0x10FFFF) continue;
            runes.Add(new Rune(last == 0xD7FF ? 0xE000 : last + 1));
            return string.Concat(runes);
        }

        return null;
    }

    /// <summary>Returns what is wrong with a name, as the end of a sentence; null when it holds: 1 to 200 Unicode characters, none of them a control.</summary>
    public static string? FindProblem(string name)
    {
        var length = 0;
        foreach (var rune in name.EnumerateRunes())
        {
            if (Rune.IsControl(rune)) return $"holds the control character U+{rune.Value:X4}.";
            length++;
        }

        if (length == 0) return "is empty.";
        return length > MaxLength ? $"is {length} characters long; the limit is {MaxLength}." : null;
    }
}
