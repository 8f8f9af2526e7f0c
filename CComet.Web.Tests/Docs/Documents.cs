using System.Text.RegularExpressions;

namespace CComet.Web.Tests.Docs;

/// <summary>The documents of the repository, and the commands in them.</summary>
internal static partial class Documents
{
    public static string Root { get; } = FindRoot();

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>The blocks of shell that call curl, each with the output that the next block shows, if one follows directly.</summary>
    public static IReadOnlyList<(string Script, string? Output)> Recipes(string path) =>
        [.. Block().Matches(Read(path)).Where(m => m.Groups["script"].Value.Contains("curl ", StringComparison.Ordinal))
            .Select(m => (m.Groups["script"].Value, m.Groups["output"].Success ? m.Groups["output"].Value : null))];

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "CComet.sln")))
            folder = folder.Parent ?? throw new InvalidOperationException("No folder above the tests holds CComet.sln.");
        return folder.FullName;
    }

    [GeneratedRegex("^```sh\\n(?<script>.*?)^```\\n(```(json|text)\\n(?<output>.*?)^```\\n)?", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
