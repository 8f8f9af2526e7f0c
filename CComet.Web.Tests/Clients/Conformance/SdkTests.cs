using CComet.Conformance.Playing;
using CComet.Web.Tests.Docs;
using Xunit.Abstractions;

namespace CComet.Web.Tests.Clients.Conformance;

/// <summary>Each client library passes every scenario that it can express, and docs/clients.md tells which those are.</summary>
public sealed class SdkTests(ITestOutputHelper output)
{
    private const string Begin = "<!-- The table of the scenarios: written by SdkTests when CCOMET_WRITE_DOCS=1 is set. -->\n\n";
    private const string End = "\n<!-- The end of the table. -->";

    public static TheoryData<string> Names => [.. Sdks.All.Select(sdk => sdk.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Sdk_passes_what_it_can_express(string name)
    {
        var results = await Sdks.ResultsAsync(name);
        var table = Suite.Table(results);
        output.WriteLine(table);
        Assert.True(results.All(r => r.Verdict != Verdict.Failed), table);
        Assert.True(results.Any(r => r.Verdict == Verdict.Passed), $"{name} can express nothing.");
    }

    [Fact]
    public async Task Docs_have_the_table_of_the_results()
    {
        var sdks = new List<(string, IReadOnlyList<Result>)>();
        foreach (var (name, _) in Sdks.All) sdks.Add((name, await Sdks.ResultsAsync(name)));
        var table = Suite.Markdown(Sdks.Scenarios, sdks);
        var page = Documents.Read("docs/clients.md");
        var start = page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        var end = page.IndexOf(End, StringComparison.Ordinal);
        Assert.True(start >= Begin.Length && end >= start, "docs/clients.md has no place for the table of the scenarios.");
        if (page[start..end] == table) return;

        if (Environment.GetEnvironmentVariable("CCOMET_WRITE_DOCS") == "1") File.WriteAllText(Path.Combine(Documents.Root, "docs", "clients.md"), page[..start] + table + page[end..]);
        Assert.Fail($"The table of docs/clients.md should be this (CCOMET_WRITE_DOCS=1 has the test write it):\n{table}");
    }
}
