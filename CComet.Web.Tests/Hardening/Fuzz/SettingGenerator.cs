using System.Globalization;
using System.Text.Json;
using CComet.Web.Tests.Docs;

namespace CComet.Web.Tests.Hardening.Fuzz;

/// <summary>Makes settings as they come from a command line: names of appsettings.json with values that hold, and values that do not.</summary>
internal static class SettingGenerator
{
    private static readonly (string Name, string Value)[] Delivered = [.. Leaves("CComet", JsonDocument.Parse(Documents.Read("CComet.Web/appsettings.json")).RootElement.GetProperty("CComet"))];

    private static readonly string[] Values =
    [
        "", " ", "0", "1", "-1", "2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "1e3", "1.5", "0x10", "１", "true", "TRUE", "no", "null",
        "00:00:01", "00:00:00", "-00:00:01", "10675199.02:48:05.4775807", "10675200.00:00:00", "24:00:00", "1.00:00:00", "1 s", "∞", "NaN", "Memory", "sqlite", "Full", "Memory,Sqlite", "3", "\0", "\u00ff", "'", "[]", "{}", "http://example.org", "*", "/", "..", "a,b",
    ];

    /// <summary>Some settings, as arguments.</summary>
    public static string[] Make(Random random) => [.. Enumerable.Range(0, random.Few(4) + 1).Select(_ => Argument(random))];

    private static string Argument(Random random)
    {
        var (name, value) = random.Pick<(string, string)>(Delivered);
        if (random.Once(20)) name = random.Once(2) ? name.ToUpperInvariant() : $"{name}:0";
        return $"--{name}={random.Next(4) switch { 0 => random.Pick<string>(Values), 1 => random.Noise(20), 2 => Near(random, value), _ => value }}";
    }

    /// <summary>A value a little or far off the one that is delivered.</summary>
    private static string Near(Random random, string value)
    {
        if (long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return random.Pick(number + 1, number - 1, number * 2, number * 1_000, number / 1_000, -number).ToString(CultureInfo.InvariantCulture);
        return TimeSpan.TryParse(value, CultureInfo.InvariantCulture, out var time) ? (time * random.Pick(2, 0.5, 1_000, 0.000_001, -1)).ToString() : value + random.Noise(3);
    }

    private static IEnumerable<(string Name, string Value)> Leaves(string name, JsonElement element) =>
        element.ValueKind == JsonValueKind.Object
            ? element.EnumerateObject().SelectMany(member => Leaves($"{name}:{member.Name}", member.Value))
            : [(name, element.ToString())];
}
