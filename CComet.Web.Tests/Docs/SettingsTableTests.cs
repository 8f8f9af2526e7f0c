using System.Text.Json;
using CComet.Web.Hosting.Settings;

namespace CComet.Web.Tests.Docs;

/// <summary>README's table and appsettings.json say what the catalogue of the settings says.</summary>
public sealed class SettingsTableTests
{
    private const string Head = "| setting | default | bounds | meaning |\n|---|---|---|---|\n";

    [Fact]
    public void Readme_has_the_table_of_the_catalogue()
    {
        var table = Head + string.Concat(SettingsCatalogue.Server.All.Select(s => $"| `{s.Name}` | `{s.Default}` | {(s.Bounds.Length > 0 ? s.Bounds + " " : "")}| {s.Description} |\n"));
        var readme = Documents.Read("README.md");
        var start = readme.IndexOf(Head, StringComparison.Ordinal);
        var end = readme.IndexOf("\n\n", start, StringComparison.Ordinal) + 1;
        if (readme[start..end] == table) return;

        // To be put there by hand, or by this test when it is asked to.
        if (Environment.GetEnvironmentVariable("CCOMET_WRITE_DOCS") == "1") File.WriteAllText(Path.Combine(Documents.Root, "README.md"), readme[..start] + table + readme[end..]);
        Assert.Fail($"README's table of the settings should be this (CCOMET_WRITE_DOCS=1 has the test write it):\n{table}");
    }

    [Fact]
    public void Appsettings_has_every_setting_with_its_default_and_no_other()
    {
        var settings = JsonDocument.Parse(Documents.Read("CComet.Web/appsettings.json")).RootElement.GetProperty("CComet");
        var expected = SettingsCatalogue.Server.All.Select(s => $"{s.Name}={s.Default}");
        Assert.Equal(expected.Order(StringComparer.Ordinal), Leaves("CComet", settings).Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Leaves(string path, JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(member => Leaves($"{path}:{member.Name}", member.Value)),
        JsonValueKind.String => [$"{path}={element.GetString()}"],
        JsonValueKind.Null => [$"{path}="],
        _ => [$"{path}={element.GetRawText()}"],
    };
}
