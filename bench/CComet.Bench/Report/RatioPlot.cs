using System.Globalization;
using System.Security;
using System.Text;

namespace CComet.Bench.Report;

/// <summary>
/// How many times better each figure is than each peer's, on a scale where twice and half are as far from equal: a dot for the median, a line
/// from the least to the greatest.
/// </summary>
internal static class RatioPlot
{
    private const int Width = 960;
    private const int Left = 470;
    private const int Right = 930;
    private const int MinRow = 18;
    private const int Dot = 5;
    private const int Top = 70;
    private const int LegendLeft = 390;
    private const int LegendColumns = 3;
    private const double MaxRatio = 16;

    private static readonly string[] Colours = ["#0b6e4f", "#b3541e", "#4a4e9a", "#7a7a7a", "#b8860b", "#a0306a"];

    public static string Draw(Results results)
    {
        var body = new StringBuilder();
        var y = Top;
        var row = Math.Max(MinRow, (Dot * results.Others.Count) + 3);
        foreach (var workload in results.Workloads)
        {
            body.Append(CultureInfo.InvariantCulture, $"<text x=\"12\" y=\"{y + 4}\" font-weight=\"600\">{SecurityElement.Escape(workload.Title)}</text>\n");
            y += row;
            for (var i = 0; i < workload.Figures.Count; i++)
            {
                var figure = workload.Figures[i];
                body.Append(CultureInfo.InvariantCulture, $"<text x=\"24\" y=\"{y + 4}\" fill=\"#555\">{SecurityElement.Escape(figure.Name)}</text>\n");
                var offset = 0;
                for (var p = 0; p < results.Others.Count; p++)
                {
                    var ratios = results.Ratios(workload, i, results.Others[p]);
                    if (ratios.Count == 0) continue;
                    var better = ratios.Select(ratio => figure.Less ? 1 / ratio : ratio).ToArray();
                    var at = y - 4 + offset;
                    offset += Dot;
                    body.Append(CultureInfo.InvariantCulture, $"<line x1=\"{X(better.Min()):F1}\" x2=\"{X(better.Max()):F1}\" y1=\"{at}\" y2=\"{at}\" stroke=\"{Colour(p)}\" stroke-width=\"2\"/><circle cx=\"{X(Figures.Median(better)):F1}\" cy=\"{at}\" r=\"3.5\" fill=\"{Colour(p)}\"><title>{SecurityElement.Escape(results.Others[p].Name)}: {Figures.Text(Figures.Median(better))} times as good</title></circle>\n");
                }

                y += row;
            }

            y += 6;
        }

        var grid = new StringBuilder();
        foreach (var tick in (double[])[1 / 16.0, 1 / 8.0, 0.25, 0.5, 1, 2, 4, 8, 16])
        {
            var name = tick < 1 ? $"1/{1 / tick:F0}" : $"{tick:F0}×";
            grid.Append(CultureInfo.InvariantCulture, $"<line x1=\"{X(tick):F1}\" x2=\"{X(tick):F1}\" y1=\"{Top - 14}\" y2=\"{y}\" stroke=\"{(tick == 1 ? "#222" : "#ddd")}\"/><text x=\"{X(tick):F1}\" y=\"{Top - 20}\" text-anchor=\"middle\" fill=\"#555\">{name}</text>\n");
        }

        var legend = new StringBuilder();
        for (var p = 0; p < results.Others.Count; p++)
            legend.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{LegendX(p)}\" cy=\"{LegendY(p)}\" r=\"4\" fill=\"{Colour(p)}\"/><text x=\"{LegendX(p) + 10}\" y=\"{LegendY(p) + 4}\">{SecurityElement.Escape(results.Others[p].Name)}</text>\n");
        return string.Create(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {y + 20}" font-family="system-ui, sans-serif" font-size="12">
            <rect width="100%" height="100%" fill="#fff"/>
            <text x="12" y="24" font-size="15" font-weight="600">{SecurityElement.Escape(results.First.Name)} beside others: to the right is better</text>
            {legend}{grid}{body}</svg>

            """);
    }

    private static string Colour(int peer) => Colours[peer % Colours.Length];

    private static int LegendX(int peer) => LegendLeft + (peer % LegendColumns * ((Width - LegendLeft) / LegendColumns));

    /// <summary>A second line of the legend has room above the scale.</summary>
    private static int LegendY(int peer) => 14 + (peer / LegendColumns * 15);

    private static double X(double times) => Left + ((Right - Left) * (Math.Log2(Math.Clamp(times, 1 / MaxRatio, MaxRatio)) + Math.Log2(MaxRatio)) / (2 * Math.Log2(MaxRatio)));
}
