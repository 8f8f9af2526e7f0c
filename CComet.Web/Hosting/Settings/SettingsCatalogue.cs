using System.Globalization;
using System.Reflection;

namespace CComet.Web.Hosting.Settings;

/// <summary>All settings under <c>CComet</c>, as the records that have <see cref="SettingsAttribute"/> declare them.</summary>
internal sealed class SettingsCatalogue
{
    public const string Root = nameof(CComet);

    private readonly Dictionary<string, Setting> _byName;
    private readonly HashSet<string> _groups = new(StringComparer.OrdinalIgnoreCase);

    public SettingsCatalogue(IEnumerable<Type> records)
    {
        // A group's settings stay in the order in which they are declared.
        All = [.. records.SelectMany(r => Setting.List(r.GetCustomAttribute<SettingsAttribute>()!.Section, r)).OrderBy(s => Parent(s.Name), StringComparer.Ordinal)];
        _byName = All.ToDictionary(s => s.Name, StringComparer.OrdinalIgnoreCase);
        foreach (var setting in All)
            for (var group = Parent(setting.Name); group.Length > 0; group = Parent(group)) _groups.Add(group);
    }

    /// <summary>The server's own settings.</summary>
    public static SettingsCatalogue Server { get; } =
        new(new[] { typeof(HubOptions).Assembly, typeof(SettingsCatalogue).Assembly }.SelectMany(assembly => assembly.GetTypes()).Where(t => t.IsDefined(typeof(SettingsAttribute), inherit: false)));

    /// <summary>By group, and in a group as they are declared.</summary>
    public IReadOnlyList<Setting> All { get; }

    /// <summary>Returns the setting of a name, which may be that of a member of an element: <c>CComet:Auth:Rules:0:Who</c>.</summary>
    public Setting? Find(string name)
    {
        if (_byName.TryGetValue(name, out var setting)) return setting;
        if (FindList(name) is not var (list, index, member)) return null;
        var found = list.Members.FirstOrDefault(m => m.Property.Name.Equals(member, StringComparison.OrdinalIgnoreCase));
        return found is null ? null : list.MemberOf(index, found);
    }

    /// <summary>Returns the list of records that a name is below, the number of the element, and what follows it, which is empty for the element itself.</summary>
    public (Setting List, int Index, string Member)? FindList(string name)
    {
        var member = "";
        for (var above = name; above.Length > 0; above = Parent(above))
        {
            var last = above[(above.LastIndexOf(':') + 1)..];
            if (_byName.GetValueOrDefault(Parent(above)) is { Members.Count: > 0 } list)
                return int.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? (list, index, member) : null;
            member = member.Length == 0 ? last : $"{last}:{member}";
        }

        return null;
    }

    /// <summary>Whether a name is that of a section which has settings.</summary>
    public bool IsGroup(string name) => _groups.Contains(name);

    /// <summary>Returns the setting whose name is most like one that does not exist, or null when none is.</summary>
    public string? Nearest(string name)
    {
        if (FindList(name) is var (list, index, member))
        {
            var first = member.Split(':')[0];
            var like = first.Length == 0 ? list.Members[0] : list.Members.MinBy(m => Difference(m.Property.Name, first))!;
            return first.Length == 0 || Difference(like.Property.Name, first) <= 2 ? list.MemberOf(index, like).Name : null;
        }

        for (var above = Parent(name); above.Length > 0; above = Parent(above))
            if (Find(above) is { } setting) return setting.Name;

        var last = name[(name.LastIndexOf(':') + 1)..];
        var nearest = All.MinBy(s => Difference(s.Name, name))!.Name;
        return Difference(nearest, name) <= Math.Max(2, name.Length / 5)
            ? nearest
            : All.Where(s => s.Name.EndsWith($":{last}", StringComparison.OrdinalIgnoreCase)).MinBy(s => Difference(s.Name, name))?.Name;
    }

    /// <summary>Returns the section that a name is in.</summary>
    public static string Parent(string name) => name[..Math.Max(0, name.LastIndexOf(':'))];

    /// <summary>Counts the letters to add, to take away or to change until one name is the other (Levenshtein), without regard to case.</summary>
    private static int Difference(string one, string other)
    {
        var previous = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            var row = new int[other.Length + 1];
            row[0] = i;
            for (var j = 1; j <= other.Length; j++)
            {
                var change = char.ToUpperInvariant(one[i - 1]) == char.ToUpperInvariant(other[j - 1]) ? 0 : 1;
                row[j] = Math.Min(Math.Min(previous[j], row[j - 1]) + 1, previous[j - 1] + change);
            }

            previous = row;
        }

        return previous[^1];
    }
}
