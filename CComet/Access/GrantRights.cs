namespace CComet.Access;

/// <summary>The rights of a grant: patterns for each verb. Immutable, and shared by all grants that have the same (<see cref="GrantFactory"/>).</summary>
internal sealed class GrantRights
{
    private static readonly int Count = Enum.GetValues<ChannelRight>().Length;

    private readonly ChannelPatterns[] _patterns = new ChannelPatterns[Count];

    /// <summary>Compiles rights; they are added up.</summary>
    /// <param name="rights">Each right, its pattern, and where it comes from.</param>
    public GrantRights(IEnumerable<(ChannelRight Right, string Pattern, string Source)> rights)
    {
        Array.Fill(_patterns, ChannelPatterns.None);
        foreach (var group in rights.GroupBy(r => r.Right)) _patterns[(int)group.Key] = new ChannelPatterns(group.Select(r => (r.Pattern, r.Source)));
    }

    /// <summary>Makes rights on channels by their exact names.</summary>
    public GrantRights(IEnumerable<(ChannelRight Right, string Channel)> rights, string source)
    {
        Array.Fill(_patterns, ChannelPatterns.None);
        foreach (var group in rights.GroupBy(r => r.Right)) _patterns[(int)group.Key] = ChannelPatterns.Exact(group.Select(r => r.Channel), source);
    }

    /// <summary>Returns where the right on a channel comes from; null when there is none.</summary>
    public string? Find(ChannelRight right, string channel, string? user) => _patterns[(int)right].Find(channel, user);

    /// <summary>Returns the channels on which there is a right.</summary>
    public RightScope ScopeOf(ChannelRight right, string? user) => RightScope.Create(_patterns[(int)right].Resolve(user));
}
