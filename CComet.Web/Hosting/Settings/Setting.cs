using System.ComponentModel;
using System.Reflection;

namespace CComet.Web.Hosting.Settings;

/// <summary>One setting: what its property, and the attributes of it, say.</summary>
internal sealed class Setting
{
    private Setting(string name, PropertyInfo property, object? value)
    {
        Name = name;
        Property = property;
        IsList = property.PropertyType != typeof(string) && property.PropertyType.IsAssignableTo(typeof(System.Collections.IEnumerable));
        var underlying = Nullable.GetUnderlyingType(property.PropertyType);
        IsOptional = underlying is not null;
        Type = IsList ? ElementOf(property.PropertyType) : underlying ?? property.PropertyType;
        if (IsList && IsGroup(Type)) Members = [.. List(name, Type)];
        Default = SettingText.Format(value);
        Description = property.GetCustomAttribute<DescriptionAttribute>()?.Description
            ?? throw new NotSupportedException($"{name} has no [Description].");
        if (IsList && Default != SettingText.EmptyList) throw new NotSupportedException($"{name}: a list that is not empty by default would be added to, not replaced.");
    }

    /// <summary>Makes a setting that is another one by a name of its own.</summary>
    private Setting(string name, Setting other) =>
        (Name, Property, Type, IsList, IsOptional, Default, Description) = (name, other.Property, other.Type, other.IsList, other.IsOptional, other.Default, other.Description);

    /// <summary>Such as <c>CComet:Poll:Timeout</c>.</summary>
    public string Name { get; }

    /// <summary>Where it is read into.</summary>
    public PropertyInfo Property { get; }

    /// <summary>The type of its value, or of each element.</summary>
    public Type Type { get; }

    public bool IsList { get; }

    /// <summary>Whether an empty text leaves it unset.</summary>
    public bool IsOptional { get; }

    /// <summary>What each element of a list of records has, below the list's own name; empty for every other setting.</summary>
    public IReadOnlyList<Setting> Members { get; } = [];

    /// <summary>As it is written in appsettings.json.</summary>
    public string Default { get; }

    public string Description { get; }

    /// <summary>What it may be, in words.</summary>
    public string Bounds => SettingText.Bounds(this);

    /// <summary>Lists the settings of a record of settings, and of the records in it.</summary>
    public static IEnumerable<Setting> List(string section, Type record)
    {
        var defaults = Activator.CreateInstance(record);
        foreach (var property in record.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.SetMethod is { IsPublic: true }))
        {
            var name = $"{section}:{property.Name}";
            if (IsGroup(property.PropertyType)) foreach (var setting in List(name, property.PropertyType)) yield return setting;
            else yield return new Setting(name, property, property.GetValue(defaults));
        }
    }

    /// <summary>Returns one of <see cref="Members"/> as that of an element: <c>CComet:Auth:Rules:0:Who</c>.</summary>
    public Setting MemberOf(int index, Setting member) => new($"{Name}:{index}:{member.Property.Name}", member);

    private static bool IsGroup(Type type) =>
        type is { IsClass: true, Namespace: { } space } && space.StartsWith(nameof(CComet), StringComparison.Ordinal);

    private static Type ElementOf(Type list) => list.GetElementType() ?? list.GetGenericArguments().Single();
}
