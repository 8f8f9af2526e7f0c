using System.Collections.Frozen;

namespace CComet.Access;

/// <summary>A set of patterns of channel names, compiled once: exact names, prefixes that end in <c>*</c>, and either with <c>{sub}</c> for the caller's own name.</summary>
internal sealed class ChannelPatterns
{
    /// <summary>What stands for the caller's own name.</summary>
    public const string OwnName = "{sub}";

    /// <summary>Matches nothing.</summary>
    public static readonly ChannelPatterns None = new([]);

    private readonly FrozenDictionary<string, string> _exact;
    private readonly Pattern[] _others;

    /// <summary>Compiles patterns.</summary>
    /// <param name="patterns">Each pattern, and where it comes from: a rule or a claim, by the name that <c>explain</c> tells.</param>
    public ChannelPatterns(IEnumerable<(string Pattern, string Source)> patterns)
    {
        var exact = new Dictionary<string, string>(StringComparer.Ordinal);
        var others = new List<Pattern>();
        foreach (var (pattern, source) in patterns)
        {
            if (Pattern.Create(pattern, source) is { } other) others.Add(other);
            else exact.TryAdd(pattern, source);
        }

        _exact = exact.ToFrozenDictionary(StringComparer.Ordinal);
        _others = [.. others];
    }

    private ChannelPatterns(FrozenDictionary<string, string> exact) => (_exact, _others) = (exact, []);

    /// <summary>Makes a set that matches names as they are, whatever characters they have.</summary>
    public static ChannelPatterns Exact(IEnumerable<string> names, string source) =>
        new(names.Distinct(StringComparer.Ordinal).ToFrozenDictionary(name => name, _ => source, StringComparer.Ordinal));

    /// <summary>Returns why a text is no pattern, or null.</summary>
    public static string? FindProblem(string pattern)
    {
        const int MaxLength = 300;
        if (pattern.Length is 0 or > MaxLength) return $"a pattern has 1 to {MaxLength} characters";
        return pattern.Any(char.IsControl) ? "a pattern has no control characters" : null;
    }

    /// <summary>Returns why a text is no pattern where there is no caller whose name it could have, as a sentence; or null.</summary>
    public static string? FindProblemWithoutCaller(string pattern)
    {
        if (FindProblem(pattern) is { } problem) return $"{problem}.";
        return pattern.Contains(OwnName, StringComparison.Ordinal) ? $"'{pattern}' has {OwnName}, which stands for a caller's own name; here it means nothing." : null;
    }

    /// <summary>Returns the source of the pattern that matches a name; null when none does.</summary>
    /// <param name="name">The channel's name.</param>
    /// <param name="user">The caller's own name; null for one without, which no pattern with <c>{sub}</c> matches.</param>
    public string? Find(string name, string? user)
    {
        if (_exact.Count > 0 && _exact.TryGetValue(name, out var source)) return source;
        foreach (var other in _others)
        {
            if (other.Matches(name, user)) return other.Source;
        }

        return null;
    }

    /// <summary>Returns the patterns with the caller's own name in them, each without its star; those that need one are left out for a caller without.</summary>
    /// <param name="user">The caller's own name, or null.</param>
    public IEnumerable<(string Text, bool IsPrefix)> Resolve(string? user) =>
    [
        .. _exact.Keys.Select(name => (name, false)),
        .. _others.Where(other => user is not null || other.Parts.Length == 1).Select(other => (string.Join(user, other.Parts), other.IsPrefix)),
    ];

    /// <summary>A pattern that is no exact name.</summary>
    /// <param name="Parts">What stands before, between and behind the caller's own name; one part when the pattern has none.</param>
    /// <param name="IsPrefix">Whether anything may follow.</param>
    /// <param name="Source">Where it comes from.</param>
    private sealed record Pattern(string[] Parts, bool IsPrefix, string Source)
    {
        public static Pattern? Create(string pattern, string source)
        {
            var isPrefix = pattern.EndsWith('*');
            var parts = (isPrefix ? pattern[..^1] : pattern).Split(OwnName);
            return isPrefix || parts.Length > 1 ? new Pattern(parts, isPrefix, source) : null;
        }

        public bool Matches(ReadOnlySpan<char> name, string? user)
        {
            for (var i = 0; i < Parts.Length; i++)
            {
                if (i > 0)
                {
                    if (user is null || !name.StartsWith(user, StringComparison.Ordinal)) return false;
                    name = name[user.Length..];
                }

                if (!name.StartsWith(Parts[i], StringComparison.Ordinal)) return false;
                name = name[Parts[i].Length..];
            }

            return IsPrefix || name.IsEmpty;
        }
    }
}
