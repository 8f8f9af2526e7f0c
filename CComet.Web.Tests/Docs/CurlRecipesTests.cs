using System.Diagnostics;
using System.Text.RegularExpressions;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Docs;

/// <summary>What the documents tell a reader to paste is pasted, and answers what they show; … matches anything.</summary>
public sealed class CurlRecipesTests
{
    [Theory]
    [InlineData("README.md", 6)]
    [InlineData("docs/protocol.md", 17)]
    [InlineData("docs/migrating.md", 5)]
    [InlineData("docs/administration.md", 11)]
    [InlineData("docs/getting-started.md", 1)]
    public async Task Every_recipe_answers_what_its_document_shows(string path, int atLeast)
    {
        var (front, admin) = ($"http://127.0.0.1:{Ports.Take()}", $"http://127.0.0.1:{Ports.Take()}");
        await using var server = await LiveServer.StartAsync($"CComet:Icomet:Front={front}", $"CComet:Icomet:Admin={admin}", "CComet:Presence:Channels=hall");
        await using var guarded = await TokenServer.StartAsync();
        var recipes = Documents.Recipes(path);
        Assert.True(recipes.Count >= atLeast, $"{path} has {recipes.Count} recipes.");
        foreach (var (script, expected) in recipes)
        {
            var (exitCode, output, errors) = await RunAsync(script
                .Replace("http://localhost:5000", server.Url, StringComparison.Ordinal)
                .Replace("http://localhost:5001", guarded.Url, StringComparison.Ordinal)
                .Replace("http://127.0.0.1:8100", front, StringComparison.Ordinal)
                .Replace("http://127.0.0.1:8000", admin, StringComparison.Ordinal));
            Assert.True(exitCode == 0, $"{path}: {script}exit code {exitCode}: {errors}");
            Assert.NotNull(expected);
            var pattern = $@"\A{Regex.Escape(expected.Trim()).Replace("…", ".*?", StringComparison.Ordinal)}\z";
            var got = output.Replace("\r", "", StringComparison.Ordinal).Trim();
            Assert.True(Regex.IsMatch(got, pattern, RegexOptions.Singleline), $"{path}: {script}shows\n{expected}answers\n{got}");
        }
    }

    private static async Task<(int ExitCode, string Output, string Errors)> RunAsync(string script)
    {
        using var bash = Process.Start(new ProcessStartInfo("bash", ["-e", "-o", "pipefail", "-c", script])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["TOKEN"] = TokenServer.CreateToken() },
        })!;
        var output = bash.StandardOutput.ReadToEndAsync();
        var errors = bash.StandardError.ReadToEndAsync();
        await bash.WaitForExitAsync();
        return (bash.ExitCode, await output, await errors);
    }
}
