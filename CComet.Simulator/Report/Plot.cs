using System.Globalization;
using System.Net;
using System.Text;

namespace CComet.Simulator.Report;

/// <summary>A point to show: its place between 0 and 1 on both axes, and what is said when the pointer rests on it.</summary>
internal sealed record PlotPoint(double X, double Y, string Hint);

/// <summary>Writes one plot as SVG, by hand: a frame, two axes, and lines in it. Colours come from the page's style.</summary>
internal sealed class Plot
{
    private const double Width = 760;
    private const double Height = 270;
    private const double Left = 66;
    private const double Right = 22;
    private const double Top = 14;
    private const double Bottom = 42;

    /// <summary>More would be too close together to point at.</summary>
    private const int MaxHints = 400;

    private readonly StringBuilder _svg = new();

    /// <param name="name">Read out instead of the picture.</param>
    public Plot(string name) =>
        Add($"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{WebUtility.HtmlEncode(name)}\">");

    /// <summary>Marks a part of the horizontal axis.</summary>
    public Plot Band(double from, double to, string label)
    {
        Add($"<rect class=\"band\" x=\"{X(from):0.#}\" y=\"{Top}\" width=\"{Math.Max(1, X(to) - X(from)):0.#}\" height=\"{Height - Top - Bottom}\"><title>{WebUtility.HtmlEncode(label)}</title></rect>");
        return this;
    }

    public Plot Vertical(IReadOnlyList<Tick> ticks)
    {
        foreach (var tick in ticks)
        {
            Add($"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(tick.Place):0.#}\" y2=\"{Y(tick.Place):0.#}\"/>");
            Text(Left - 8, Y(tick.Place) + 4, "end", tick.Label);
        }

        return this;
    }

    /// <param name="ticks">The marks; one whose label would touch the one before goes without.</param>
    /// <param name="title">What the axis is of.</param>
    public Plot Horizontal(IReadOnlyList<Tick> ticks, string title)
    {
        var free = double.MinValue;
        foreach (var tick in ticks)
        {
            var half = tick.Label.Length * 3.5;
            Add($"<line class=\"mark\" x1=\"{X(tick.Place):0.#}\" x2=\"{X(tick.Place):0.#}\" y1=\"{Height - Bottom}\" y2=\"{Height - Bottom + 4}\"/>");
            if (X(tick.Place) - half < free) continue;
            Text(Math.Min(X(tick.Place), Width - half), Height - Bottom + 17, "middle", tick.Label);
            free = X(tick.Place) + half + 6;
        }

        Text((Left + Width - Right) / 2, Height - 6, "middle", title);
        return this;
    }

    /// <summary>A line through points.</summary>
    /// <param name="style">A class of the page's style: <c>one</c> or <c>two</c>.</param>
    /// <param name="points">From left to right.</param>
    /// <param name="isFilled">Whether the ground below is tinted.</param>
    public Plot Line(string style, IReadOnlyList<PlotPoint> points, bool isFilled)
    {
        if (points.Count == 0) return this;
        var path = string.Join(' ', points.Select(p => string.Create(CultureInfo.InvariantCulture, $"{X(p.X):0.#},{Y(p.Y):0.#}")));
        if (isFilled) Add($"<polygon class=\"area {style}\" points=\"{X(points[0].X):0.#},{Y(0):0.#} {path} {X(points[^1].X):0.#},{Y(0):0.#}\"/>");
        Add($"<polyline class=\"line {style}\" points=\"{path}\"/>");
        var every = (points.Count / MaxHints) + 1;
        for (var i = 0; i < points.Count; i += every)
            Add($"<circle class=\"hint {style}\" cx=\"{X(points[i].X):0.#}\" cy=\"{Y(points[i].Y):0.#}\" r=\"5\"><title>{WebUtility.HtmlEncode(points[i].Hint)}</title></circle>");
        return this;
    }

    public string End() => _svg.Append("</svg>").ToString();

    private static double X(double place) => Left + (place * (Width - Left - Right));

    private static double Y(double place) => Height - Bottom - (place * (Height - Top - Bottom));

    private void Text(double x, double y, string anchor, string text) =>
        Add($"<text x=\"{x:0.#}\" y=\"{y:0.#}\" text-anchor=\"{anchor}\">{WebUtility.HtmlEncode(text)}</text>");

    private void Add(FormattableString svg) => _svg.AppendLine(svg.ToString(CultureInfo.InvariantCulture));
}
