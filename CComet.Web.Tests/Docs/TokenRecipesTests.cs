using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Docs;

/// <summary>The programs of docs/security.md that sign a token are run as they stand there, and the server takes what they print.</summary>
public sealed partial class TokenRecipesTests
{
    [Theory]
    [InlineData("python", "token.py", "/usr/bin/python3", "python3")]
    [InlineData("js", "token.mjs", "node", "nodejs")]
    [InlineData("php", "token.php", "/usr/bin/php", "php-cli")]
    public async Task Token_of_a_back_end_gives_the_rights_that_it_names(string language, string file, string executable, string package)
    {
        var folder = Directory.CreateTempSubdirectory("ccomet-token-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, file), ProgramOf(language, file));
            await using var program = RunningProgram.Start("env", package, folder.FullName, $"CCOMET_SIGNING_KEY={TokenServer.Key}", executable, file);
            await program.SucceedAsync();
            await Eventually.TrueAsync(() => program.Lines.Count > 0, "It prints the token");

            await using var server = await TokenServer.StartAsync();
            server.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", program.Lines.Single());
            await server.PublishAsync("room.1", "hello");
            Assert.Contains("\"sname\":\"ann\"", await server.Http.GetStringAsync("/sub?channel=room.1&seqid=0"), StringComparison.Ordinal);
            Assert.Equal("[]\n", await server.Http.GetStringAsync("/sub?channel=inbox.ann&wait=0"));
            using var refused = await server.Http.PostAsJsonAsync("/pub", new { channel = "inbox.ann", msg = "hello" });
            Assert.Equal(403, (int)refused.StatusCode);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string ProgramOf(string language, string file) =>
        Block().Matches(Documents.Read("docs/security.md")).Single(block => block.Groups["language"].Value == language && FirstLine(block).Contains(file, StringComparison.Ordinal)).Groups["text"].Value;

    private static string FirstLine(Match block) => block.Groups["text"].Value.Split('\n')[0];

    [GeneratedRegex(@"^```(?<language>\w+)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
