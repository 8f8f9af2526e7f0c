using System.Globalization;
using System.Net;
using System.Text;
using CComet.Simulator.Figures;

namespace CComet.Simulator.Report;

/// <summary>A run as one page of HTML that needs nothing from elsewhere.</summary>
internal static class ReportPage
{
    public static string Write(RunResult result)
    {
        var title = $"{result.Scenario}{(result.Subscribers > 0 ? $" by {result.Transport}" : "")}";
        var page = new StringBuilder();
        page.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>CComet: ")
            .Append(Text(title)).Append("</title>\n<style>\n").Append(ReportStyle.Css).Append("\n</style></head>\n<body><main>\n<h1>").Append(Text(title)).Append("</h1>\n<p class=\"soft\">")
            .Append(Text($"{result.Url}, {result.StartedAt.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture)}"))
            .Append("</p>\n<p class=\"verdict").Append(result.ExitCode == 0 ? "" : " bad").Append("\">").Append(Text(Verdict.Format(result))).Append("</p>\n");
        page.Append("<div class=\"heads\">").AppendJoin("", Heads(result).Select(f => $"<div><b>{Text(f.Value)}</b><span>{Text(f.Name)}</span></div>")).Append("</div>\n");
        if ((result.DeliveryMicros ?? result.PublishMicros) is not null) Section(page, "Latency by percentile", Key(result) + Plots.Latency(result));
        if (result.HasRates && result.Deliveries > 0) Section(page, "Deliveries per second", Plots.Deliveries(result));
        if (result.Timeline.Any(s => s.ServerRssBytes is not null)) Section(page, "The server's memory (RSS)", Plots.ServerMemory(result));

        page.Append("<div class=\"tables\">\n");
        Section(page, "The promise", Table(Facts.Promise(result)));
        Section(page, "The run", Table(Facts.Work(result)));
        if (result.DeliveryMicros is { } delivery) Section(page, "Delivery latency", Table(Facts.Latency(delivery)));
        if (result.PublishMicros is { } publish) Section(page, "Publish latency", Table(Facts.Latency(publish)));
        Section(page, "Processes", Table(Facts.Processes(result)));
        Section(page, "Connections", Table(Facts.Connections(result)));
        page.Append("</div>\n<div style=\"height:12px\"></div>\n");
        Section(page, "How it was run", $"<pre>{Text(result.CommandLine)}</pre>{Table(MachineFacts(result))}");
        return page.Append("</main></body></html>\n").ToString();
    }

    /// <summary>What is looked for first.</summary>
    private static List<Fact> Heads(RunResult result)
    {
        var heads = new List<Fact>();
        if (result.Subscribers > 0) heads.Add(new("subscribers", Units.Count(result.Subscribers)));
        heads.AddRange(result.Findings.Select(f => Units.Finding(f.Key, f.Value)).Select(f => new Fact(f.Name, f.Value)));
        if (result.Scenario is "fanout" or "chat" or "pairs") heads.Add(new("deliveries a second", Units.Count(Math.Round(result.DeliveriesPerSecond))));
        if (result.Subscribers == 0) heads.Add(new("publishes a second", Units.Count(Math.Round(result.PublishedPerSecond))));
        if ((result.DeliveryMicros ?? result.PublishMicros) is { } latency)
        {
            heads.Add(new("latency, median", Units.Time(latency.P50)));
            heads.Add(new("latency, 99%", Units.Time(latency.P99)));
        }

        if (result.HasRates && result.Server?.CpuMicrosPerDelivery is { } cpu) heads.Add(new("server CPU a delivery", Units.Time(cpu)));
        return heads;
    }

    private static List<Fact> MachineFacts(RunResult result) =>
    [
        new("Machine", result.Machine.Name),
        new("System", $"{result.Machine.System} ({result.Machine.Architecture})"),
        new("Processors", Units.Count(result.Machine.Processors)),
        new("Runtime", result.Machine.Runtime),
        new("Seed", Units.Plain(result.Seed)),
    ];

    private static string Key(RunResult result) => string.Concat(
        "<p class=\"key\">",
        result.DeliveryMicros is null ? "" : "<span><i class=\"one\"></i>delivery: from the intended sending until a subscriber had it</span>",
        result.PublishMicros is null ? "" : "<span><i class=\"two\"></i>publish: until the receipt</span>",
        "</p>");

    private static void Section(StringBuilder page, string title, string inside) => page.Append("<section><h2>").Append(Text(title)).Append("</h2>").Append(inside).Append("</section>\n");

    private static string Table(IEnumerable<Fact> facts) => $"<table>{string.Concat(facts.Select(f => $"<tr><td>{Text(f.Name)}</td><td>{Text(f.Value)}</td></tr>"))}</table>";

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
