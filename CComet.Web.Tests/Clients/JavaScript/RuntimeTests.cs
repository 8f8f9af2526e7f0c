using CComet.Conformance.Playing;
using CComet.Web.Tests.Clients.Conformance;
using CComet.Web.Tests.Docs;
using CComet.Web.Tests.Support;
using Xunit.Abstractions;

namespace CComet.Web.Tests.Clients.JavaScript;

/// <summary>The client for npm in other runtimes than Node and browsers: they have the same web APIs, by implementations of their own.</summary>
public sealed class RuntimeTests(ITestOutputHelper output)
{
    /// <summary>Those of the scenarios that ask most of a runtime: its fetch, its streams, its WebSocket, its timers, and how it ends.</summary>
    private static readonly HashSet<string> Scenarios =
    [
        "messages-in-order", "from-a-saved-cursor", "many-channels", "cut-at-any-byte", "refused-then-back", "close-while-it-retries", "split-characters", "silent-stream",
        "streams-do-not-get-through", "token-is-renewed", "403-with-its-reason", "publish-is-cut", "publish-is-cut-in-a-websocket",
    ];

    private static readonly string Modules = Path.Combine(Documents.Root, "CComet.Web.Tests", "Clients", "JavaScript", "Runtimes", "node_modules");

    [Theory]
    [InlineData("@deno", "deno", "run --allow-net")]
    [InlineData("@oven", "bun", "")]
    public async Task Runtime_passes_the_scenarios(string packages, string name, string arguments)
    {
        var folder = Path.Combine(Modules, packages);
        Assert.True(Directory.Exists(folder), "The runtimes are missing: npm ci --prefix CComet.Web.Tests/Clients/JavaScript/Runtimes");

        // npm installs of the packages with the program only that of this system.
        var program = Directory.EnumerateFiles(folder, name, SearchOption.AllDirectories).First();
        var scenarios = Sdks.Scenarios.Where(scenario => Scenarios.Contains(scenario.Name)).ToArray();
        Assert.Equal(Scenarios.Count, scenarios.Length);
        var results = await Suite.RunAsync(scenarios, Sdks.AdapterOf($"\"{program}\" {arguments} clients/js/conformance.mjs"), patience: Patience.Limit);
        var table = Suite.Table(results);
        output.WriteLine(table);
        Assert.True(results.All(r => r.Verdict != Verdict.Failed), table);
        Assert.All(scenarios, scenario => Assert.Contains(results, r => r.Verdict == Verdict.Passed && r.Scenario == scenario));
    }
}
