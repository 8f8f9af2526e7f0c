using CComet.Client;

namespace AspNetBackend;

/// <summary>Keeps a cursor in a file.</summary>
internal sealed class CursorFile(string path)
{
    /// <summary>Reads the cursor; null when none was saved yet.</summary>
    public CCometCursor? Read() => File.Exists(path) ? CCometCursor.Parse(File.ReadAllText(path).Trim()) : null;

    /// <summary>Writes a new file and puts it in the place of the old one, so that a crash leaves one of the two whole.</summary>
    public void Write(CCometCursor cursor)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var fresh = $"{path}.new";
        using (var writer = new StreamWriter(fresh))
        {
            writer.WriteLine(cursor);
            writer.Flush();
            ((FileStream)writer.BaseStream).Flush(flushToDisk: true);
        }

        File.Move(fresh, path, overwrite: true);
    }
}
