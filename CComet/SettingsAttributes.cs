namespace CComet;

/// <summary>
/// Names the section that a record of settings is read from. All records that have this attribute, and only they, make up the
/// catalogue of the settings: a key that none of them has stops the start.
/// </summary>
/// <param name="section">Such as <c>CComet:Store</c>.</param>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class SettingsAttribute(string section) : Attribute
{
    /// <summary>Such as <c>CComet:Store</c>.</summary>
    public string Section { get; } = section;
}

/// <summary>Checks the text of a setting, or of each element of a list, and gives the form in which the server uses it.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal abstract class SettingTextAttribute : Attribute
{
    /// <summary>Returns the form in which the text is used.</summary>
    /// <exception cref="FormatException">The text cannot hold; the message says why, and what to write.</exception>
    public abstract string Normalize(string text);
}
