using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;

namespace CComet.Web.Hosting.Settings;

/// <summary>
/// Reads what is configured under <c>CComet</c>, once, and refuses what the catalogue does not have, and values that cannot hold.
/// What it returns has each list as elements, whichever way it was written, and nothing that is not in the catalogue: a record that
/// is bound to it, but was left out of the catalogue, gets no values.
/// </summary>
internal sealed class SettingsReader
{
    private readonly IConfigurationRoot _configuration;
    private readonly SettingsCatalogue _catalogue;
    private readonly List<string> _problems = [];
    private readonly Dictionary<string, string?> _values = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, (Setting List, List<(int Index, string Text)> Elements)> _lists = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, SortedSet<int>> _records = new(StringComparer.OrdinalIgnoreCase);

    private SettingsReader(IConfigurationRoot configuration, SettingsCatalogue catalogue) => (_configuration, _catalogue) = (configuration, catalogue);

    /// <summary>Returns the section <c>CComet</c> of a configuration, checked.</summary>
    /// <exception cref="StartException">A key is none of the settings, or a value cannot hold.</exception>
    public static IConfigurationSection Read(IConfigurationRoot configuration, SettingsCatalogue catalogue)
    {
        var reader = new SettingsReader(configuration, catalogue);
        foreach (var (key, value) in configuration.GetSection(SettingsCatalogue.Root).AsEnumerable().OrderBy(pair => pair.Key, StringComparer.OrdinalIgnoreCase))
        {
            // A section, or null in JSON: nothing is given.
            if (value is not null) reader.Read(key, value);
        }

        reader.ReadLists();
        if (reader._problems.Count > 0) throw new StartException(string.Join(" ", reader._problems));
        return new ConfigurationBuilder().AddInMemoryCollection(reader._values).Build().GetSection(SettingsCatalogue.Root);
    }

    private void Read(string key, string value)
    {
        if (_catalogue.FindList(key) is var (records, number, _))
        {
            if (!IsOfItsSource(records, key)) return;
            if (!_records.TryGetValue(records.Name, out var numbers)) _records.Add(records.Name, numbers = []);
            numbers.Add(number);
        }

        if (_catalogue.Find(key) is { } setting)
        {
            if (!setting.IsList) ReadValue(setting, setting.Name, value, setting.Name);
            else if (IsWrittenAsText(setting)) ReadListAsText(setting, value);
            return;
        }

        var parent = SettingsCatalogue.Parent(key);
        if (_catalogue.Find(parent) is { IsList: true, Members.Count: 0 } list && int.TryParse(key.AsSpan(parent.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
        {
            if (IsWrittenAsText(list)) return;
            var elements = SettingText.Split(value);
            if (elements.Length == 0) Refuse(list, key, value, "is an empty element of a list");
            if (!_lists.TryGetValue(list.Name, out var texts)) _lists.Add(list.Name, texts = (list, []));
            texts.Elements.AddRange(elements.Select(text => (index, text)));
            return;
        }

        if (value.Length == 0 && (_catalogue.IsGroup(key) || _catalogue.Find(parent) is { Members.Count: > 0 })) return;
        if (_catalogue.IsGroup(key)) _problems.Add($"{key} has settings, and is none itself; see --help.");
        else if (_catalogue.Nearest(key) is { } nearest) _problems.Add($"{key} is no setting; did you mean {nearest}?");
        else _problems.Add($"{key} is no setting; see --help.");
    }

    private void ReadListAsText(Setting list, string value)
    {
        if (list.Members.Count > 0)
        {
            if (value.Length > 0) _problems.Add($"{list.Name}: is a list of records; write {string.Join(", ", list.Members.Select(member => $"{list.MemberOf(0, member).Name}=…"))}.");
            return;
        }

        var elements = SettingText.Split(value);
        if (value.Length > 0 && elements.Length == 0) Refuse(list, list.Name, value, "is no list: it has no element");
        _lists[list.Name] = (list, [.. elements.Select((text, i) => (i, text))]);
    }

    /// <summary>
    /// True when a key below a list of records is of the source that counts most of those which give the list. It gives the list whole:
    /// were the sources' elements mixed, as .NET does, a rule of one file would get verbs and channels of another.
    /// </summary>
    private bool IsOfItsSource(Setting list, string key) =>
        _configuration.Providers.Reverse()
            .FirstOrDefault(source => (source.TryGet(list.Name, out var text) && text is not null) || source.GetChildKeys([], list.Name).Any())
            ?.TryGet(key, out _) == true;

    /// <summary>
    /// True when of all sources that give a list the one that counts most gives it as one text, and so replaces what others give.
    /// An empty array in a file of settings is an empty text.
    /// </summary>
    private bool IsWrittenAsText(Setting list)
    {
        foreach (var source in _configuration.Providers.Reverse())
        {
            var isText = source.TryGet(list.Name, out var text) && text is not null;
            if (text?.Length > 0) return true;
            if (source.GetChildKeys([], list.Name).Any()) return false;
            if (isText) return true;
        }

        return false;
    }

    private void ReadLists()
    {
        foreach (var (list, elements) in _lists.Values)
        {
            var number = 0;
            foreach (var (_, text) in elements.OrderBy(e => e.Index)) ReadValue(list, list.Name, text, $"{list.Name}:{number++}");
        }

        // A rule is told by its number, so the numbers have to be those of the elements as they are read.
        foreach (var (list, numbers) in _records)
            if (numbers.Max >= numbers.Count) _problems.Add($"{list}:{Enumerable.Range(0, numbers.Count).First(i => !numbers.Contains(i))} is missing: elements are numbered from 0, and one source has to give all of them.");
    }

    private void ReadValue(Setting setting, string name, string text, string to)
    {
        if (setting.IsOptional && text.Length == 0) return;
        try
        {
            if (setting.Property.GetCustomAttribute<SettingTextAttribute>() is { } form) text = form.Normalize(text);
            var value = SettingText.Read(setting, text);
            foreach (var check in setting.Property.GetCustomAttributes<ValidationAttribute>())
            {
                if (check.IsValid(value)) continue;
                Refuse(setting, name, text, check switch
                {
                    RequiredAttribute => "must not be empty",
                    RangeAttribute => $"must be {setting.Bounds}",
                    _ => check.FormatErrorMessage(name),
                });
                return;
            }

            _values[to] = SettingText.Format(value);
        }
        catch (FormatException e)
        {
            Refuse(setting, name, text, e.Message);
        }
    }

    /// <summary>Notes why a value cannot hold. A plain text is not repeated: it may hold a password.</summary>
    private void Refuse(Setting setting, string name, string text, string reason)
    {
        var isSecret = setting.Type == typeof(string) && !setting.Property.IsDefined(typeof(SettingTextAttribute));
        var sentence = $"{name}{(isSecret ? "" : $"={text}")}: {reason}";
        _problems.Add(sentence.EndsWith('?') || sentence.EndsWith('.') ? sentence : sentence + ".");
    }
}
