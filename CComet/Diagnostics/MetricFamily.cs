using System.Diagnostics.Metrics;

namespace CComet.Diagnostics;

/// <summary>An instrument as Prometheus knows it: OpenTelemetry's rules make its name, its type and its unit.</summary>
internal sealed class MetricFamily
{
    private const string Counter = "counter";
    private const string Gauge = "gauge";
    private const string Histogram = "histogram";

    /// <summary>Makes the family of an instrument.</summary>
    public MetricFamily(Instrument instrument)
    {
        Type = TypeOf(instrument);
        Unit = instrument.Unit switch
        {
            "s" => "seconds",
            "By" => "bytes",
            "1" when Type == Gauge => "ratio",
            _ => "",
        };
        var name = string.Concat(instrument.Name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
        Name = Unit.Length == 0 || name.EndsWith($"_{Unit}", StringComparison.Ordinal) ? name : $"{name}_{Unit}";
        Help = instrument.Description ?? "";
    }

    /// <summary>The name; without the <c>_total</c> of a counter.</summary>
    public string Name { get; }

    /// <summary>The type.</summary>
    public string Type { get; }

    /// <summary>The unit, or nothing.</summary>
    public string Unit { get; }

    /// <summary>What it is.</summary>
    public string Help { get; }

    /// <summary>The name of its samples; those of a histogram have suffixes of their own.</summary>
    public string SampleName => Type == Counter ? $"{Name}_total" : Name;

    /// <summary>The samples: labels, and the value as text.</summary>
    public List<(string Labels, string Value)> Samples { get; } = [];

    private static string TypeOf(Instrument instrument)
    {
        var type = instrument.GetType();
        while (!type.IsGenericType) type = type.BaseType!;
        var definition = type.GetGenericTypeDefinition();
        if (definition == typeof(Histogram<>)) return Histogram;
        return definition == typeof(ObservableCounter<>) || definition == typeof(Counter<>) ? Counter : Gauge;
    }
}
