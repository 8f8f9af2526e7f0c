namespace CComet.Simulator.Report;

/// <summary>A mark on an axis, between 0 at its beginning and 1 at its end.</summary>
internal sealed record Tick(double Place, string Label);

/// <summary>Chooses where an axis ends and which round numbers stand on it.</summary>
internal static class Scale
{
    /// <summary>From 0 to the last round number above the greatest value.</summary>
    /// <param name="greatest">Of what is shown.</param>
    /// <param name="unit">What a round number is a multiple of, such as 1024 * 1024.</param>
    /// <param name="label">Writes a value.</param>
    /// <param name="most">At most about so many steps.</param>
    public static (double End, IReadOnlyList<Tick> Ticks) Linear(double greatest, double unit, Func<double, string> label, int most = 5)
    {
        var end = Math.Max(greatest / unit, 1e-6);
        var rough = end / most;
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var step = power * ((rough / power) switch
        {
            <= 1 => 1,
            <= 2 => 2,
            <= 5 => 5,
            _ => 10,
        });
        var steps = (int)Math.Ceiling(end / step);
        return (steps * step * unit, [.. Enumerable.Range(0, steps + 1).Select(i => new Tick((double)i / steps, label(i * step * unit)))]);
    }

    /// <summary>Percentiles, each nine as wide as the one before: 0, 90, 99, 99.9 and so on.</summary>
    /// <param name="nines">How many of them there are; gives the axis its length.</param>
    public static IReadOnlyList<Tick> Nines(double nines)
    {
        var ticks = new List<Tick> { new(0, "0%"), new(Math.Log10(2) / nines, "50%") };
        for (var nine = 1; nine <= nines + 1e-9; nine++)
        {
            var digits = new string('9', nine);
            ticks.Add(new Tick(nine / nines, nine switch
            {
                1 => "90%",
                2 => "99%",
                _ => $"99.{digits[2..]}%",
            }));
        }

        return ticks;
    }

    /// <summary>Where a percentile stands on such an axis, in nines.</summary>
    public static double NinesOf(double percentile) => -Math.Log10(Math.Max(1 - (percentile / 100), 1e-12));
}
