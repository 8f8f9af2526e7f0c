using CComet.Simulator.Figures;

namespace CComet.Simulator.Report;

/// <summary>A name and what belongs to it, ready to read.</summary>
internal sealed record Fact(string Name, string Value);

/// <summary>The figures of a run in the order in which a person wants them; the table and the page show the same.</summary>
internal static class Facts
{
    public static IReadOnlyList<Fact> Work(RunResult result)
    {
        var facts = new List<Fact>();
        if (result.Subscribers > 0)
        {
            facts.Add(new("Subscribers", $"{Units.Count(result.Subscribers)} on {Units.Count(result.Channels)} {(result.Channels == 1 ? "channel" : "channels")}"));
            if (result.ParkedPerSecond is { } parked) facts.Add(new("Parked", $"{Units.Count(Math.Round(parked))}/s"));
            facts.Add(new("Delivered", PerSecond(result, result.Deliveries, Math.Round(result.DeliveriesPerSecond))));
        }

        facts.Add(new("Published", PerSecond(result, result.Published, result.PublishedPerSecond)));
        if (result.PublishErrors > 0) facts.Add(new("Publishes not answered", Units.Count(result.PublishErrors)));
        facts.Add(new("Measured for", Units.Time(result.Seconds * 1e6)));
        facts.AddRange(result.Findings.Select(f => Units.Finding(f.Key, f.Value)).Select(f => new Fact(Capital(f.Name), f.Value)));
        return facts;
    }

    public static IReadOnlyList<Fact> Promise(RunResult result) =>
    [
        new("Lost", Units.Count(result.Promise.Lost)),
        new("Repeated", Units.Count(result.Promise.Repeated)),
        new("Out of order", Units.Count(result.Promise.OutOfOrder)),
        new("Inconsistent cursors", Units.Count(result.Promise.InconsistentCursors)),
        new("Gaps told", $"{Units.Count(result.Promise.Gaps)} ({Units.Count(result.Promise.GapMessages)} messages)"),
        new("Resets told", Units.Count(result.Promise.Resets)),
    ];

    public static IReadOnlyList<Fact> Connections(RunResult result) =>
    [
        new("Connections made", Units.Count(result.Connections.Connects)),
        new("Cut on purpose", Units.Count(result.Connections.Drops)),
        new("Ended by BYE", Units.Count(result.Connections.Byes)),
        .. result.Connections.Errors.Select(e => new Fact(Capital(e.Key), Units.Count(e.Value))),
    ];

    public static IReadOnlyList<Fact> Processes(RunResult result)
    {
        var facts = new List<Fact>();
        if (result.Server is { } server)
        {
            facts.Add(new("Server memory (RSS)", $"{Units.Bytes(server.RssBytesBefore)}, then {Units.Bytes(server.RssBytesAfter)}"));
            facts.Add(new("Server CPU", $"{Units.Time(server.CpuSeconds * 1e6)} ({Cores(server.CpuSeconds, result.Seconds)})"));
            if (result.HasRates && server.CpuMicrosPerDelivery is { } delivery) facts.Add(new("Server CPU per delivery", Units.Time(delivery)));
            if (result.HasRates && server.CpuMicrosPerPublish is { } publish) facts.Add(new("Server CPU per message", Units.Time(publish)));
        }

        facts.Add(new("Simulator CPU", $"{Units.Time(result.Simulator.CpuSeconds * 1e6)} ({Cores(result.Simulator.CpuSeconds, result.Seconds)})"));
        facts.Add(new("Simulator memory (RSS)", Units.Bytes(result.Simulator.RssBytes)));
        facts.Add(new("Simulator garbage", $"{Units.Bytes(result.Simulator.AllocatedBytes)}, {Units.Count(result.Simulator.Collections)} collections"));
        return facts;
    }

    public static IReadOnlyList<Fact> Latency(LatencyFigures figures) =>
    [
        new("p50", Units.Time(figures.P50)),
        new("p90", Units.Time(figures.P90)),
        new("p99", Units.Time(figures.P99)),
        new("p99.9", Units.Time(figures.P999)),
        new("max", Units.Time(figures.Max)),
        new("mean", Units.Time(figures.Mean)),
    ];

    private static string PerSecond(RunResult result, long count, double rate) => result.HasRates ? $"{Units.Count(count)}, {Units.Count(rate)}/s" : Units.Count(count);

    private static string Cores(double cpu, double seconds) => $"{Units.Plain(seconds > 0 ? cpu / seconds : 0)} cores";

    private static string Capital(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];
}
