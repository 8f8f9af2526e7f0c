using CComet.Simulator.Figures;

namespace CComet.Simulator.Report;

/// <summary>What a run is shown as.</summary>
internal static class Plots
{
    /// <summary>Latency by percentile, the way HdrHistogram plots it: the axis has as much room for the last 1 % as for the 9 % before.</summary>
    public static string Latency(RunResult result)
    {
        (string Style, string Name, LatencyFigures? Figures)[] series = [("one", "delivery", result.DeliveryMicros), ("two", "publish", result.PublishMicros)];
        var shown = series.Where(s => s.Figures is not null).ToList();
        var nines = Math.Max(1, shown.Max(s => Scale.NinesOf(s.Figures!.Points[^1].Percentile)));
        var (end, ticks) = Scale.Linear(shown.Max(s => s.Figures!.Points.Max(p => p.Micros)), UnitOf(shown.Max(s => s.Figures!.Max)), Units.Time);
        var plot = new Plot("Latency by percentile").Vertical(ticks).Horizontal(Scale.Nines(nines), "percentile");
        foreach (var (style, name, figures) in shown)
        {
            plot.Line(
                style,
                [.. figures!.Points.Select(p => new PlotPoint(Scale.NinesOf(p.Percentile) / nines, p.Micros / end, $"{name}, {p.Percentile:0.####}%: {Units.Time(p.Micros)}"))],
                isFilled: false);
        }

        return plot.End();
    }

    public static string Deliveries(RunResult result) =>
        OverTime(result, "Deliveries per second", s => s.DeliveriesPerSecond, 1, Units.Short, v => $"{Units.Count(Math.Round(v))}/s", "one");

    public static string ServerMemory(RunResult result) =>
        OverTime(result, "The server's memory", s => s.ServerRssBytes, 1 << 20, Units.Bytes, Units.Bytes, "two");

    private static string OverTime(RunResult result, string name, Func<Sample, double?> of, double unit, Func<double, string> label, Func<double, string> hint, string style)
    {
        var points = result.Timeline.Select(s => (s.Seconds, Value: of(s))).Where(p => p.Value is not null).Select(p => (p.Seconds, Value: p.Value!.Value)).ToList();
        var (endTime, times) = Scale.Linear(points.Max(p => p.Seconds), 1, v => $"{Units.Plain(v)} s", 10);
        var (end, ticks) = Scale.Linear(points.Max(p => p.Value), unit, label);
        var plot = new Plot(name);
        var measured = result.Timeline.Where(s => s.IsMeasured).ToList();
        if (measured.Count > 0) plot.Band(measured[0].Seconds / endTime, measured[^1].Seconds / endTime, "the part that is measured");
        return plot
            .Vertical(ticks)
            .Horizontal(times, "since the run began; the measured part is shaded")
            .Line(style, [.. points.Select(p => new PlotPoint(p.Seconds / endTime, p.Value / end, $"{Units.Plain(p.Seconds)} s: {hint(p.Value)}"))], isFilled: true)
            .End();
    }

    /// <summary>So that round numbers are round in the unit in which they are written.</summary>
    private static double UnitOf(double micros) => micros switch
    {
        >= 1e6 => 1e6,
        >= 1e3 => 1e3,
        _ => 1,
    };
}
