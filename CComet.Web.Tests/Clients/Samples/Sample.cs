using CComet.Web.Tests.Docs;

namespace CComet.Web.Tests.Clients.Samples;

/// <summary>A folder of <c>samples</c>, and the commands that its README tells.</summary>
internal sealed class Sample(string name)
{
    /// <summary>Where the README's commands say that the push server is.</summary>
    private const string DocumentedUrl = "http://localhost:5000";

    public string Folder { get; } = Path.Combine(Documents.Root, "samples", name);

    /// <summary>The program that the project was built to.</summary>
    public string Program => Path.Combine(Folder, "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0", $"{name}.dll");

    /// <summary>The README's command that begins with a text, as words, without that beginning.</summary>
    /// <param name="beginning">Such as <c>dotnet run --project CComet.Web</c>.</param>
    /// <param name="url">The push server that it is to ask or to be.</param>
    public string[] Arguments(string beginning, string url)
    {
        var line = Documents.Read($"samples/{name}/README.md").Split('\n').Single(line => line.StartsWith(beginning, StringComparison.Ordinal));
        return line[beginning.Length..].Split('#')[0].Replace(DocumentedUrl, url, StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Fails when npm has not been there.</summary>
    public void MustBeInstalled()
    {
        Assert.True(Directory.Exists(Path.Combine(Folder, "node_modules")), $"{name} has no node_modules: npm ci --prefix samples/{name}");
        Assert.True(Directory.Exists(Path.Combine(Documents.Root, "clients", "js", "dist")), "clients/js has no dist: npm run build --prefix clients/js");
    }
}
