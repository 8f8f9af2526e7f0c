using System.Globalization;

namespace CComet.Simulator.Report;

/// <summary>Numbers as a person reads them.</summary>
internal static class Units
{
    public static string Count(double number) => number.ToString(Math.Abs(number) < 100 && number != Math.Floor(number) ? "0.##" : "#,0", CultureInfo.InvariantCulture);

    /// <summary>Short, for an axis: 0, 1.5k, 20k, 3M.</summary>
    public static string Short(double number) => number switch
    {
        >= 1e6 => $"{Plain(number / 1e6)}M",
        >= 1e3 => $"{Plain(number / 1e3)}k",
        _ => Plain(number),
    };

    public static string Bytes(double bytes) => Math.Abs(bytes) switch
    {
        0 => "0",
        >= 1 << 30 => $"{Plain(bytes / (1 << 30))} GiB",
        >= 1 << 20 => $"{Plain(bytes / (1 << 20))} MiB",
        >= 1 << 10 => $"{Plain(bytes / (1 << 10))} KiB",
        _ => $"{Plain(bytes)} B",
    };

    /// <summary>From microseconds.</summary>
    public static string Time(double micros) => micros switch
    {
        0 => "0",
        >= 1e6 => $"{Plain(micros / 1e6)} s",
        >= 1e3 => $"{Plain(micros / 1e3)} ms",
        _ => $"{Plain(micros)} µs",
    };

    public static string Plain(double number) => Math.Abs(number) switch
    {
        >= 100 => number.ToString("0", CultureInfo.InvariantCulture),
        >= 10 => number.ToString("0.#", CultureInfo.InvariantCulture),
        _ => number.ToString("0.##", CultureInfo.InvariantCulture),
    };

    /// <summary>A name of the JSON output in words, with its value in a unit: <c>caughtUpSeconds</c> becomes "caught up" and "1.2 s".</summary>
    public static (string Name, string Value) Finding(string name, double value)
    {
        if (name.EndsWith("Seconds", StringComparison.Ordinal)) return (Words(name[..^7]), Time(value * 1e6));
        return name.Contains("Bytes", StringComparison.Ordinal) ? (Words(name.Replace("Bytes", "", StringComparison.Ordinal)), Bytes(value)) : (Words(name), Count(value));
    }

    private static string Words(string name) => string.Concat(name.Select(c => char.IsUpper(c) ? $" {char.ToLowerInvariant(c)}" : c.ToString())).Replace("rss", "memory (RSS)", StringComparison.Ordinal);
}
