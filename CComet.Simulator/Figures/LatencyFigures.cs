using HdrHistogram;

namespace CComet.Simulator.Figures;

/// <summary>A point of a percentile plot.</summary>
/// <param name="Percentile">0 to 100.</param>
/// <param name="Micros">In microseconds.</param>
internal sealed record LatencyPoint(double Percentile, double Micros);

/// <summary>What a histogram says, in microseconds.</summary>
internal sealed record LatencyFigures(long Count, double Mean, double P50, double P90, double P99, double P999, double Max, IReadOnlyList<LatencyPoint> Points)
{
    /// <summary>The figures of a histogram; null when nothing was recorded.</summary>
    public static LatencyFigures? Create(LongHistogram histogram)
    {
        if (histogram.TotalCount == 0) return null;
        return new LatencyFigures(
            histogram.TotalCount,
            Math.Round(histogram.GetMean(), 1),
            histogram.GetValueAtPercentile(50),
            histogram.GetValueAtPercentile(90),
            histogram.GetValueAtPercentile(99),
            histogram.GetValueAtPercentile(99.9),
            histogram.GetMaxValue(),
            PointsOf(histogram));
    }

    /// <summary>Percentiles evenly spread over a logarithmic axis, up to where one message alone is left.</summary>
    private static List<LatencyPoint> PointsOf(LongHistogram histogram)
    {
        const int perDecade = 20;
        var points = new List<LatencyPoint>();
        var decades = Math.Max(1, Math.Log10(histogram.TotalCount));
        for (var step = 0; step <= decades * perDecade; step++)
        {
            var percentile = 100 * (1 - Math.Pow(10, -(double)step / perDecade));
            points.Add(new LatencyPoint(Math.Round(percentile, 8), histogram.GetValueAtPercentile(percentile)));
        }

        return points;
    }
}
