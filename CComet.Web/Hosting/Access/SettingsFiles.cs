namespace CComet.Web.Hosting.Access;

/// <summary>The files of settings: whether one has changed, by its time and its size, and what all settings are now.</summary>
/// <remarks>Nothing watches them: see <see cref="ServerBuilder"/> for what a watcher costs.</remarks>
/// <param name="configuration">Where they are listed, among other sources.</param>
internal sealed class SettingsFiles(IConfigurationBuilder configuration)
{
    private List<(string Path, DateTime Written, long Length)>? _seen;

    /// <summary>Returns whether a file has changed since the last call; true at the first.</summary>
    public bool HaveChanged()
    {
        var now = configuration.Sources.OfType<FileConfigurationSource>()
            .Select(source => source.Path is { } path ? source.FileProvider?.GetFileInfo(path).PhysicalPath : null)
            .OfType<string>()
            .Select(Look)
            .ToList();
        if (_seen is not null && _seen.SequenceEqual(now)) return false;
        _seen = now;
        return true;
    }

    /// <summary>Reads all settings.</summary>
    /// <exception cref="InvalidDataException">A file is broken.</exception>
    public IConfiguration Read()
    {
        var builder = new ConfigurationBuilder();
        foreach (var source in configuration.Sources) builder.Add(source);
        return builder.Build();
    }

    /// <summary>Looks at a file, or at what a link to one leads to: Kubernetes changes a mounted file by changing links.</summary>
    private static (string Path, DateTime Written, long Length) Look(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists) return (path, default, 0);
        var target = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
        return (path, target.LastWriteTimeUtc, target.Length);
    }
}
