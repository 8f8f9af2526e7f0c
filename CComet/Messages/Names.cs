using System.Text;

namespace CComet.Messages;

/// <summary>The rule for names: of channels, snames, ids and epochs.</summary>
internal static class Names
{
    /// <summary>The longest name, in Unicode characters.</summary>
    public const int MaxLength = 200;

    /// <summary>The beginning of the names of channels that the server keeps for itself.</summary>
    public const string PrivatePrefix = "$ccomet.";

    /// <summary>Whether a channel is one that the server alone publishes to and reads.</summary>
    public static bool IsPrivate(string channel) => channel.StartsWith(PrivatePrefix, StringComparison.Ordinal);

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
