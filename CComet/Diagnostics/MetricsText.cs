using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace CComet.Diagnostics;

/// <summary>Writes the instruments of the hub and of the runtime as text, in the form of OpenMetrics 1.0 or in Prometheus' older one.</summary>
/// <remarks>
/// Everything is read on demand: nothing runs, and nothing is kept but a listener, between two readings. The histograms are the hub's own,
/// and instruments that are told of each event (those of ASP.NET) are left out, as a listener that is always on would cost each request.
/// </remarks>
internal sealed class MetricsText : IDisposable
{
    /// <summary>The content type of OpenMetrics.</summary>
    public const string OpenMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// <summary>The content type of the older form.</summary>
    public const string PlainType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>The meter of .NET itself.</summary>
    private const string Runtime = "System.Runtime";

    private readonly HubMetrics _metrics;
    private readonly MeterListener _listener = new();
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);

    /// <summary>Makes the reader. The first reading begins to listen.</summary>
    public MetricsText(HubMetrics metrics)
    {
        _metrics = metrics;
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (!instrument.IsObservable || !(metrics.Owns(instrument) || IsOfRuntime(instrument))) return;
            var family = new MetricFamily(instrument);
            _families[family.Name] = family;
            listener.EnableMeasurementEvents(instrument, family);
        };
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, family) => Keep(family, tags, value.ToString(CultureInfo.InvariantCulture)));
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, family) => Keep(family, tags, value.ToString(CultureInfo.InvariantCulture)));
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, family) => Keep(family, tags, Text(value)));
    }

    /// <summary>Reads all instruments, and writes them.</summary>
    /// <param name="isOpenMetrics">Whether in the form of OpenMetrics.</param>
    public byte[] Encode(bool isOpenMetrics)
    {
        var text = new StringBuilder();
        lock (_lock)
        {
            _listener.Start();
            _listener.RecordObservableInstruments();
            foreach (var family in _families.Values)
            {
                if (family.Samples.Count == 0) continue;
                WriteHead(text, family, isOpenMetrics);
                foreach (var (labels, value) in family.Samples) WriteSample(text, family.SampleName, labels, value);
                family.Samples.Clear();
            }

            foreach (var histogram in _metrics.Histograms) Write(text, histogram, isOpenMetrics);
        }

        if (isOpenMetrics) text.Append("# EOF\n");
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    /// <summary>
    /// A name that ends in <c>_count</c> would be taken for a part of a histogram; and the length of a queue, which the runtime calls a
    /// counter, goes down as well.
    /// </summary>
    private static bool IsOfRuntime(Instrument instrument) =>
        instrument.Meter.Name == Runtime && !instrument.Name.EndsWith(".count", StringComparison.Ordinal) && !instrument.Name.EndsWith(".length", StringComparison.Ordinal);

    private static void Keep(object? family, ReadOnlySpan<KeyValuePair<string, object?>> tags, string value) => ((MetricFamily)family!).Samples.Add((Labels(tags), value));

    private static void Write(StringBuilder text, DurationHistogram histogram, bool isOpenMetrics)
    {
        var family = new MetricFamily(histogram.Instrument);
        WriteHead(text, family, isOpenMetrics);
        foreach (var series in histogram.All)
        {
            var labels = Labels([series.Tag]);
            long count = 0;
            for (var bucket = 0; bucket <= histogram.Bounds.Count; bucket++)
            {
                count += series.Count(bucket);
                var bound = bucket == histogram.Bounds.Count ? "+Inf" : Bound(histogram.Bounds[bucket], isOpenMetrics);
                WriteSample(text, $"{family.Name}_bucket", $"{labels},le=\"{bound}\"", count.ToString(CultureInfo.InvariantCulture));
            }

            WriteSample(text, $"{family.Name}_sum", labels, Text(series.Sum));
            WriteSample(text, $"{family.Name}_count", labels, count.ToString(CultureInfo.InvariantCulture));
        }
    }

    private static void WriteHead(StringBuilder text, MetricFamily family, bool isOpenMetrics)
    {
        // The older form has no name of a family beside that of its samples, and no unit.
        var name = isOpenMetrics ? family.Name : family.SampleName;
        text.Append("# HELP ").Append(name).Append(' ').Append(Escape(family.Help, isOpenMetrics)).Append('\n');
        text.Append("# TYPE ").Append(name).Append(' ').Append(family.Type).Append('\n');
        if (isOpenMetrics && family.Unit.Length > 0) text.Append("# UNIT ").Append(name).Append(' ').Append(family.Unit).Append('\n');
    }

    private static void WriteSample(StringBuilder text, string name, string labels, string value)
    {
        text.Append(name);
        if (labels.Length > 0) text.Append('{').Append(labels).Append('}');
        text.Append(' ').Append(value).Append('\n');
    }

    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new StringBuilder();
        foreach (var (name, value) in tags)
        {
            if (labels.Length > 0) labels.Append(',');
            labels.Append(name.Replace('.', '_')).Append("=\"").Append(Escape(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "", withQuotes: true)).Append('"');
        }

        return labels.ToString();
    }

    private static string Escape(string text, bool withQuotes)
    {
        var escaped = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return withQuotes ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped;
    }

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>OpenMetrics writes a whole number as 1.0.</summary>
    private static string Bound(double bound, bool isOpenMetrics) => isOpenMetrics && double.IsInteger(bound) ? Text(bound) + ".0" : bound < 0.0001 ? bound.ToString("0.######", CultureInfo.InvariantCulture) : Text(bound);
}
