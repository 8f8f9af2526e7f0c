using System.CommandLine;
using System.Globalization;

namespace CComet.Cli;

/// <summary>Times on the command line: <c>500ms</c>, <c>30s</c>, <c>10m</c>, <c>1h</c>, <c>7d</c>.</summary>
internal static class Durations
{
    private static readonly (string Unit, double Milliseconds)[] Units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

    /// <summary>Makes an option that is a time above zero, of 24 days at most.</summary>
    public static Option<TimeSpan?> Option(string name, string description, string? byDefault = null) => new(name)
    {
        Description = description,
        HelpName = "time",
        DefaultValueFactory = byDefault is null ? null : _ => Parse(byDefault),
        CustomParser = result =>
        {
            var text = result.Tokens.Single().Value;
            if (Parse(text) is { } time) return time;
            result.AddError($"{name}: '{text}' is no time such as 500ms, 30s, 10m, 1h or 7d, of 24 days at most.");
            return null;
        },
    };

    public static TimeSpan? Parse(string text)
    {
        var (unit, milliseconds) = Units.FirstOrDefault(u => text.EndsWith(u.Unit, StringComparison.Ordinal));
        if (unit is null || !double.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) return null;
        return number * milliseconds is > 0 and < int.MaxValue and var total ? TimeSpan.FromMilliseconds(total) : null;
    }
}
