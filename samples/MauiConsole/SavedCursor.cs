using CComet.Client;

namespace MauiConsole;

/// <summary>Where a view model keeps its cursor while the application is away. In MAUI it is <c>Preferences</c>.</summary>
internal interface ISavedCursor
{
    /// <summary>Gets or sets the cursor; null when none was saved yet.</summary>
    CCometCursor? Value { get; set; }
}

/// <summary>Keeps a cursor in a file.</summary>
internal sealed class CursorFile(string path) : ISavedCursor
{
    public CCometCursor? Value
    {
        get => File.Exists(path) ? CCometCursor.Parse(File.ReadAllText(path).Trim()) : null;
        set
        {
            // Put in the place of the old one, so that there is always a whole file.
            File.WriteAllText($"{path}.new", $"{value}\n");
            File.Move($"{path}.new", path, overwrite: true);
        }
    }
}
