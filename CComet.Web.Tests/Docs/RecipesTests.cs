using System.Text.RegularExpressions;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Docs;

/// <summary>The programs of docs/recipes.md are run as they stand there: each publishes, and each follows through a restart of the server.</summary>
public sealed partial class RecipesTests
{
    [Theory]
    [InlineData("python", "/usr/bin/python3", "python3")]
    [InlineData("js", "node", "nodejs")]
    [InlineData("php", "/usr/bin/php", "php-cli")]
    [InlineData("ruby", "/usr/bin/ruby", "ruby")]
    [InlineData("go", "/usr/bin/go", "golang-go", "run")]
    [InlineData("java", "/usr/bin/java", "openjdk-17-jdk-headless")]
    [InlineData("csharp", "dotnet", "dotnet-sdk-10.0", "run")]
    public async Task Programs_publish_and_follow_through_a_restart(string language, string executable, string package, params string[] arguments)
    {
        var server = await LiveServer.StartAsync();
        var folder = Directory.CreateTempSubdirectory("ccomet-recipes-");
        try
        {
            var (publish, follow) = await WriteAsync(language, server.Url, folder.FullName);
            await using var following = Start(follow);
            await Eventually.TrueAsync(() => following.HasExited || server.Hub.Find("news")?.Waiting == 1, "It follows");
            await using (var publishing = Start(publish))
            {
                await publishing.SucceedAsync();
                await Eventually.TrueAsync(() => publishing.Lines.Count > 0, "It prints the seqid");
                Assert.Equal("0", publishing.Lines.Single());
            }

            await Eventually.TrueAsync(() => following.HasExited || following.Lines.Any(l => l.Contains("hello from", StringComparison.Ordinal)), "It prints what was published");
            await server.StopAsync();
            server = await LiveServer.StartAsync(server.Port);
            await server.PublishAsync("news", "again");
            await Eventually.TrueAsync(() => following.HasExited || following.Lines.Any(l => l.Contains("again", StringComparison.Ordinal)), "It goes on after a restart");
            Assert.False(following.HasExited, $"{follow} has ended: {following.Complaints}");

            // The memory store lost its logs: that is told, and nothing is told twice.
            Assert.Equal(3, following.Lines.Count);
            Assert.Equal("missed something", following.Lines.ElementAt(1));
        }
        finally
        {
            await server.DisposeAsync();
            folder.Delete(recursive: true);
        }

        RunningProgram Start(string file) =>
            RunningProgram.Start("env", package, folder.FullName, ["GO111MODULE=off", $"GOCACHE={folder.FullName}/go", $"HOME={folder.FullName}", $"NUGET_PACKAGES={Packages}", executable, .. arguments, file]);
    }

    /// <summary>Where packages are that were restored before: the programs need none, but the SDK looks.</summary>
    private static string Packages => Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    /// <summary>Writes the two programs of a language to files of the names that their first lines tell.</summary>
    private static async Task<(string Publish, string Follow)> WriteAsync(string language, string url, string folder)
    {
        var files = new List<string>();
        foreach (Match block in Block().Matches(Documents.Read("docs/recipes.md")))
        {
            if (block.Groups["language"].Value != language) continue;
            var text = block.Groups["text"].Value;
            files.Add(FileName().Match(text).Value);
            await File.WriteAllTextAsync(Path.Combine(folder, files[^1]), text.Replace("http://localhost:5000", url, StringComparison.Ordinal));
        }

        Assert.Equal(2, files.Count);
        return (files[0], files[1]);
    }

    [GeneratedRegex(@"^```(?<language>\w+)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"\w+\.\w+")]
    private static partial Regex FileName();
}
