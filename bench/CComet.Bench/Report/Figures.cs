using System.Globalization;

namespace CComet.Bench.Report;

/// <summary>How figures are written.</summary>
internal static class Figures
{
    /// <summary>Three digits that count.</summary>
    public static string Text(double value) => value switch
    {
        >= 100 => value.ToString("N0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("F1", CultureInfo.InvariantCulture),
        _ => value.ToString("F2", CultureInfo.InvariantCulture),
    };

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>The median, with the least and the greatest.</summary>
    public static string Spread(IReadOnlyCollection<double> values) =>
        values.Count == 1 ? Text(values.First()) : $"{Text(Median(values))} ({Text(values.Min())}–{Text(values.Max())})";
}
