using System.Text.Json;
using System.Text.RegularExpressions;
using CComet.Web.Tests.Docs;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.EndToEnd.Metrics;

/// <summary>What <c>deploy/</c> has for Prometheus and Grafana is well-formed, and asks for what a server has.</summary>
public sealed partial class PrometheusFilesTests
{
    private static string Folder => Path.Combine(Documents.Root, "deploy", "prometheus");

    [Fact]
    public async Task Answer_of_a_server_that_has_had_every_kind_of_event_passes_promtool()
    {
        await using var server = await BusyServer.StartAsync();
        var text = await server.ReadAsync("text/plain");

        // Of every kind: else a part of the answer would not have been there to be checked. The clock has stood still, so that sums of durations are 0.
        var idle = SampleLine().Matches(text).GroupBy(line => line.Groups[1].Value).Where(family => family.Key.StartsWith("ccomet_", StringComparison.Ordinal) && !family.Key.EndsWith("_sum", StringComparison.Ordinal) && family.All(line => line.Groups[2].Value == "0")).Select(family => family.Key);
        Assert.Empty(idle);
        await using var promtool = RunningProgram.Start("promtool", "prometheus", null, "check", "metrics");
        await promtool.WriteAsync(text);
        await promtool.SucceedAsync();
        Assert.Equal("", promtool.Complaints);
    }

    [Fact]
    public async Task Example_of_a_configuration_and_the_alerts_pass_promtool()
    {
        var folder = Directory.CreateTempSubdirectory("ccomet-promtool-");
        foreach (var file in (string[])["prometheus.yml", "ccomet.rules.yml"]) File.Copy(Path.Combine(Folder, file), Path.Combine(folder.FullName, file));
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "ccomet.token"), "token");
        await using (var rules = RunningProgram.Start("promtool", "prometheus", folder.FullName, "check", "rules", "ccomet.rules.yml")) await rules.SucceedAsync();
        await using (var configuration = RunningProgram.Start("promtool", "prometheus", folder.FullName, "check", "config", "prometheus.yml")) await configuration.SucceedAsync();
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Every_metric_of_the_dashboard_and_of_the_alerts_is_one_that_a_server_has()
    {
        await using var server = await BusyServer.StartAsync();
        var known = SampleLine().Matches(await server.ReadAsync("application/openmetrics-text")).Select(line => line.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        var asked = Names(Documents.Read("deploy/prometheus/ccomet.rules.yml")).Concat(Expressions().SelectMany(Names)).ToHashSet(StringComparer.Ordinal);
        Assert.True(asked.Count > 15, $"Only these are asked for: {string.Join(' ', asked)}");
        Assert.Empty(asked.Except(known));
    }

    /// <summary>What the panels ask for.</summary>
    internal static IReadOnlyList<string> Expressions()
    {
        var dashboard = JsonDocument.Parse(Documents.Read("deploy/grafana/ccomet.json")).RootElement;
        return [.. from panel in dashboard.GetProperty("panels").EnumerateArray() from target in panel.GetProperty("targets").EnumerateArray() select target.GetProperty("expr").GetString()!];
    }

    private static IEnumerable<string> Names(string text) => MetricName().Matches(text).Select(name => name.Value);

    [GeneratedRegex(@"^([a-z_]+)(?:\{.*\})? (\S+)$", RegexOptions.Multiline)]
    private static partial Regex SampleLine();

    [GeneratedRegex(@"\b(?:ccomet|dotnet)_[a-z_]+")]
    private static partial Regex MetricName();
}
