namespace CComet.Access;

/// <summary>The channels on which a caller has a right: all whose names begin with one of some texts, and single ones.</summary>
/// <param name="Prefixes">The texts, none of which begins with another; the empty one stands for all channels.</param>
/// <param name="Names">The names, none of which begins with one of the texts.</param>
internal sealed record RightScope(IReadOnlyList<string> Prefixes, IReadOnlyList<string> Names)
{
    /// <summary>All channels.</summary>
    public static readonly RightScope All = new([""], []);

    /// <summary>No channel.</summary>
    public static readonly RightScope None = new([], []);

    /// <summary>Whether it has no channel.</summary>
    public bool IsEmpty => Prefixes.Count + Names.Count == 0;

    /// <summary>Makes one of patterns, of which those that another has are left out; in the order of names.</summary>
    public static RightScope Create(IEnumerable<(string Text, bool IsPrefix)> patterns)
    {
        var (prefixes, names) = (new List<string>(), new List<string>());

        // A text stands directly or further behind those that it begins with, and a prefix before the name that is the same.
        foreach (var (text, isPrefix) in patterns.Distinct().Order(Comparer<(string Text, bool IsPrefix)>.Create(Compare)))
        {
            if (prefixes.Count > 0 && text.StartsWith(prefixes[^1], StringComparison.Ordinal)) continue;
            (isPrefix ? prefixes : names).Add(text);
        }

        return new RightScope(prefixes, names);
    }

    /// <summary>Whether it has all channels whose names begin with a text.</summary>
    public bool Covers(string prefix) => Prefixes.Any(own => prefix.StartsWith(own, StringComparison.Ordinal));

    private static int Compare((string Text, bool IsPrefix) a, (string Text, bool IsPrefix) b)
    {
        var order = Messages.Names.Compare(a.Text, b.Text);
        return order != 0 ? order : b.IsPrefix.CompareTo(a.IsPrefix);
    }
}
