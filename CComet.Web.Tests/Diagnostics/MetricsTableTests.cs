using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using CComet.Diagnostics;
using CComet.Web.Tests.Docs;
using Microsoft.Extensions.DependencyInjection;

namespace CComet.Web.Tests.Diagnostics;

/// <summary>docs/metrics.md has every instrument, and says of it what the code says.</summary>
public sealed partial class MetricsTableTests
{
    private const string Head = "| instrument | at /metrics | kind | unit | tags | meaning |\n|---|---|---|---|---|---|\n";

    [Fact]
    public void Document_has_the_table_of_the_instruments()
    {
        var table = Head + string.Concat(Rows());
        var document = Documents.Read("docs/metrics.md");
        var start = document.IndexOf(Head, StringComparison.Ordinal);
        Assert.True(start >= 0, $"docs/metrics.md has no table that begins with {Head}");
        var end = document.IndexOf("\n\n", start, StringComparison.Ordinal) + 1;
        if (document[start..end] == table) return;

        // To be put there by hand, or by this test when it is asked to.
        if (Environment.GetEnvironmentVariable("CCOMET_WRITE_DOCS") == "1") File.WriteAllText(Path.Combine(Documents.Root, "docs", "metrics.md"), document[..start] + table + document[end..]);
        Assert.Fail($"The table of docs/metrics.md should be this (CCOMET_WRITE_DOCS=1 has the test write it):\n{table}");
    }

    [Fact]
    public void Names_in_the_documents_are_those_of_instruments()
    {
        var known = Rows().Select(row => row.Split('`')[1]).ToHashSet();
        foreach (var path in Directory.EnumerateFiles(Path.Combine(Documents.Root, "docs"), "*.md").Append(Path.Combine(Documents.Root, "README.md")))
        {
            foreach (Match match in Name().Matches(File.ReadAllText(path)))
                Assert.True(known.Contains(match.Groups[1].Value), $"{Path.GetFileName(path)} names {match.Groups[1].Value}, which is no instrument.");
        }
    }

    private static List<string> Rows()
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var metrics = new HubMetrics(services.GetRequiredService<IMeterFactory>());
        metrics.CountAppends("memory");
        metrics.CountWebhook("shop");

        // Their tag has no values before a bound is met.
        metrics.Refused("Limits:Channels");
        metrics.Evicted("Limits:Channels");
        var found = new SortedDictionary<string, (Instrument Instrument, SortedDictionary<string, SortedSet<string>> Tags)>(StringComparer.Ordinal);
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (!metrics.Owns(instrument)) return;
                found[instrument.Name] = (instrument, new(StringComparer.Ordinal));
                self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, _, tags, _) => Keep(instrument, tags.ToArray()));
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Keep(instrument, tags.ToArray()));
        listener.Start();
        listener.RecordObservableInstruments();
        foreach (var histogram in metrics.Histograms)
        {
            foreach (var series in histogram.All) Keep(histogram.Instrument, [series.Tag]);
        }

        return [.. found.Values.Select(row => Row(row.Instrument, row.Tags))];

        void Keep(Instrument instrument, KeyValuePair<string, object?>[] tags)
        {
            foreach (var (name, value) in tags)
            {
                if (!found[instrument.Name].Tags.TryGetValue(name, out var values)) found[instrument.Name].Tags[name] = values = new(StringComparer.Ordinal);
                values.Add((string)value!);
            }
        }
    }

    private static string Row(Instrument instrument, SortedDictionary<string, SortedSet<string>> tags)
    {
        var family = new MetricFamily(instrument);
        var named = string.Join("; ", tags.Select(tag => tag.Key switch
        {
            "bound" => "`bound`: a setting below `CComet:`",
            "hook" => "`hook`: a name in `CComet:Hooks`",
            "store" => "`store`: memory, sqlite, redis, or the name of an application's own",
            _ => $"`{tag.Key}`: {string.Join(", ", tag.Value)}",
        }));
        return $"| `{instrument.Name}` | `{family.SampleName}` | {family.Type} | {instrument.Unit} | {named} | {instrument.Description} |\n";
    }

    [GeneratedRegex(@"`(ccomet\.(?:published|delivered|gap|resets|recoveries|stalled|limit|connections|requests|subscribers|delivery|store|hook)[a-z.]*)`")]
    private static partial Regex Name();
}
