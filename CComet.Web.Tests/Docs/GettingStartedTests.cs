using System.Text.RegularExpressions;
using CComet.Web.Tests.EndToEnd.Browser;
using CComet.Web.Tests.Support;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace CComet.Web.Tests.Docs;

/// <summary>The programs and the commands of docs/getting-started.md, run as they stand there.</summary>
[Collection(Chromium.Pages)]
public sealed partial class GettingStartedTests(Chromium chromium) : IAsyncLifetime
{
    private const string Document = "docs/getting-started.md";
    private const string DocumentedUrl = "http://localhost:5000";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ccomet-first-");
    private LiveServer _server = null!;

    public async Task InitializeAsync() => _server = await LiveServer.StartAsync();

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("The command line", "dotnet-sdk-10.0")]
    [InlineData("Node", "nodejs")]
    [InlineData(".NET", "dotnet-sdk-10.0")]
    [InlineData("Java", "openjdk-17-jdk-headless")]
    public async Task Part_prints_the_first_message(string heading, string package)
    {
        var blocks = await WriteAsync(heading);

        // What a part shows no output of builds a client, which was done before the tests: other tests run what was built.
        var (script, expected) = blocks.Zip(blocks.Skip(1)).Single(pair => pair.First.Language == "sh" && pair.Second.Language == "text");
        await using var program = RunningProgram.Start("bash", package, _folder.FullName, "-e", "-o", "pipefail", "-c", Placed(script.Text));
        await program.SucceedAsync();
        await Eventually.TrueAsync(() => program.Lines.Count > 0, "The output");
        Assert.Equal(expected.Text.TrimEnd().Split('\n'), program.Lines);
    }

    [Fact]
    public async Task Page_shows_what_it_publishes()
    {
        await WriteAsync("A page");
        await using var browser = await chromium.OpenPageAsync();
        await browser.Page.GotoAsync(new Uri(Path.Combine(_folder.FullName, "first.html")).AbsoluteUri);
        await Eventually.TrueAsync(() => _server.Hub.Find("lobby")?.Waiting == 1, "The page follows");
        await browser.Page.GetByRole(AriaRole.Button).ClickAsync();
        await Expect(browser.Page.Locator("li")).ToHaveTextAsync(["hello"]);
        Assert.Empty(browser.Complaints);
    }

    /// <summary>Gives the blocks of a part, and writes its programs to files of the names that their first lines tell.</summary>
    private async Task<IReadOnlyList<(string Language, string Text)>> WriteAsync(string heading)
    {
        var part = Documents.Read(Document).Split("\n## ").Single(part => part.StartsWith(heading + "\n", StringComparison.Ordinal));
        (string Language, string Text)[] blocks = [.. Block().Matches(part).Select(block => (block.Groups["language"].Value, block.Groups["text"].Value))];
        foreach (var (_, text) in blocks)
            if (FileName().Match(text) is { Success: true } name) await File.WriteAllTextAsync(Path.Combine(_folder.FullName, name.Groups[1].Value), Placed(text));
        return blocks;
    }

    /// <summary>The same for this server, from a folder outside of the repository, where nothing is built again.</summary>
    private string Placed(string text)
    {
        var placed = text.Replace(DocumentedUrl, _server.Url, StringComparison.Ordinal).Replace("dotnet run --project", "dotnet run --no-build --project", StringComparison.Ordinal);
        if (ProjectLine().Match(placed) is { Success: true } project)
        {
            // The client that was built, in place of its project, which other tests may be building.
            Assert.True(Directory.Exists(Path.Combine(Documents.Root, project.Groups[1].Value)), project.Value);
            File.WriteAllText(Path.Combine(_folder.FullName, "Directory.Build.props"), $"""<Project><ItemGroup><Reference Include="{typeof(Client.CCometClient).Assembly.Location}" /></ItemGroup></Project>""");
            return placed.Remove(project.Index, project.Length);
        }

        return Clients().Replace(placed, $"{Documents.Root}/clients/");
    }

    [GeneratedRegex(@"^```(?<language>\w+)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"\A(?://|<!--) (\w+\.\w+)")]
    private static partial Regex FileName();

    [GeneratedRegex(@"^#:project (\S+)\n", RegexOptions.Multiline)]
    private static partial Regex ProjectLine();

    [GeneratedRegex(@"(\./)?\bclients/")]
    private static partial Regex Clients();
}
