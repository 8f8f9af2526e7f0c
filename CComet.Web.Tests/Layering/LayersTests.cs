using System.Text.RegularExpressions;
using CComet.Web.Tests.Docs;

namespace CComet.Web.Tests.Layering;

/// <summary>The folders of the library import one way, and its core knows no web server.</summary>
public sealed partial class LayersTests
{
    /// <summary>Folders that may name nothing of ASP.NET.</summary>
    private static readonly string[] Core = ["Messages", "Storage", "Limits", "Access", "Channels", "Subscriptions", "Operations", "Transports"];

    private static readonly string Library = Path.Combine(Documents.Root, "CComet");

    [Fact]
    public void Folders_of_the_library_have_no_cycle()
    {
        var imports = Files().GroupBy(FolderOf).ToDictionary(
            folder => folder.Key,
            folder => folder.SelectMany(file => Import().Matches(File.ReadAllText(file)).Select(m => m.Groups[1].Value)).Where(name => name != folder.Key).ToHashSet());
        var done = new HashSet<string>();
        foreach (var folder in imports.Keys) Visit(folder, []);

        void Visit(string folder, List<string> way)
        {
            Assert.False(way.Contains(folder), $"A cycle: {string.Join(" -> ", way.SkipWhile(f => f != folder))} -> {folder}");
            if (done.Contains(folder)) return;
            foreach (var next in imports.GetValueOrDefault(folder) ?? []) Visit(next, [.. way, folder]);
            done.Add(folder);
        }
    }

    /// <summary>What docs/architecture.md tells a reader is what holds.</summary>
    [Fact]
    public void Folders_import_only_those_above_them_in_the_table_of_the_docs()
    {
        var table = Row().Matches(File.ReadAllText(Path.Combine(Documents.Root, "docs", "architecture.md"))).Select(m => m.Groups[1].Value).ToList();
        Assert.Equal(Files().Select(FolderOf).Where(folder => folder.Length > 0).Distinct().Order(), table.Select(row => row.Split('/')[0]).Order());
        foreach (var file in Files().Where(file => FolderOf(file).Length > 0))
        {
            foreach (var import in Import().Matches(File.ReadAllText(file)).Select(m => m.Groups[1].Value).Where(name => name != FolderOf(file)))
                Assert.True(Place(import) < Place(FolderOf(file)), $"{Path.GetRelativePath(Library, file)} imports {import}, which is below it.");
        }

        int Place(string folder) => table.FindIndex(row => row.Split('/')[0] == folder);
    }

    [Fact]
    public void Core_of_the_library_names_nothing_of_the_web_server()
    {
        var naming = Files().Where(file => Core.Contains(FolderOf(file)) && File.ReadAllText(file).Contains("Microsoft.AspNetCore", StringComparison.Ordinal));
        Assert.Empty(naming.Select(file => Path.GetRelativePath(Library, file)));
    }

    [Fact]
    public void Files_of_the_library_have_no_more_than_400_lines() =>
        Assert.Empty(Files().Where(file => File.ReadLines(file).Count() > 400).Select(file => Path.GetRelativePath(Library, file)));

    [Fact]
    public void Program_is_a_table_of_contents() => Assert.InRange(File.ReadLines(Path.Combine(Documents.Root, "CComet.Web", "Program.cs")).Count(), 1, 39);

    private static IEnumerable<string> Files() => Directory.EnumerateFiles(Library, "*.cs", SearchOption.AllDirectories)
        .Where(file => FolderOf(file) is not ("obj" or "bin"));

    /// <summary>The first folder below the library; empty for its own.</summary>
    private static string FolderOf(string file) => Path.GetRelativePath(Library, file).Split(Path.DirectorySeparatorChar) is [var folder, _, ..] ? folder : "";

    [GeneratedRegex(@"^using (?:static )?CComet\.(\w+)", RegexOptions.Multiline)]
    private static partial Regex Import();

    /// <summary>A row for a folder of the library.</summary>
    [GeneratedRegex(@"^\| `CComet/([\w/]+)`", RegexOptions.Multiline)]
    private static partial Regex Row();
}
