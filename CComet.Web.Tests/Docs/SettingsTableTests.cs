using System.Text.Json;
using System.Text.RegularExpressions;

namespace CComet.Web.Tests.Docs;

public sealed partial class SettingsTableTests
{
    [Fact]
    public void The_readme_lists_every_setting_with_its_default_and_no_other()
    {
        var table = Row().Matches(Documents.Read("README.md")).Select(m => $"{m.Groups[1].Value}={m.Groups[2].Value}");
        var settings = JsonDocument.Parse(Documents.Read("CComet.Web/appsettings.json")).RootElement.GetProperty("CComet");
        Assert.Equal(Leaves("CComet", settings).Order(StringComparer.Ordinal), table.Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Leaves(string path, JsonElement element) =>
        element.ValueKind == JsonValueKind.Object
            ? element.EnumerateObject().SelectMany(member => Leaves($"{path}:{member.Name}", member.Value))
            : [$"{path}={(element.ValueKind == JsonValueKind.String ? element.GetString() : element.GetRawText())}"];

    [GeneratedRegex(@"^\| `(CComet:[\w:]+)` \| `([^`]*)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
