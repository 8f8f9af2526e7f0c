using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace CComet.Cli.Commands;

/// <summary><c>top</c>: what the nodes do at the moment.</summary>
internal static class TopCommand
{
    private const string Prefix = "ccomet";

    public static Command Build(CliConsole console)
    {
        var interval = Durations.Option("--interval", "How often it is asked", "2s");
        var once = new Option<bool>("--once") { Description = "Ask once; so does an output that is no terminal" };
        var json = new Option<bool>("--json") { Description = "Write JSON, one value a line" };
        var command = new Command("top", "Shows the nodes (/admin/nodes), or where there is none of it the metrics (/metrics) with what they grow by in a second.") { interval, once, json };
        var server = new ServerOptions();
        server.AddTo(command);
        command.SetAction(async (given, cancellation) =>
        {
            using var admin = server.Admin(given, console);
            var rows = await ReadAsync(admin, cancellation);
            if (given.GetValue(json) || !console.IsTerminal)
            {
                foreach (var row in rows) console.Json(row);
                return ExitCodes.Done;
            }

            if (given.GetValue(once))
            {
                console.Ansi.Write(AdminCommands.TableOf(rows));
                return ExitCodes.Done;
            }

            var time = TimeProvider.System;
            using var timer = new PeriodicTimer(given.GetValue(interval)!.Value, time);
            await console.Ansi.Live(AdminCommands.TableOf(rows)).StartAsync(async live =>
            {
                for (var asked = time.GetTimestamp(); await timer.WaitForNextTickAsync(cancellation);)
                {
                    var next = await ReadAsync(admin, cancellation);
                    var now = time.GetTimestamp();
                    live.UpdateTarget(AdminCommands.TableOf(WithRates(next, rows, time.GetElapsedTime(asked, now))));
                    (rows, asked) = (next, now);
                }
            });
            return ExitCodes.Done;
        });
        return command;
    }

    /// <summary>Reads the samples of OpenMetrics that are the server's own.</summary>
    internal static IReadOnlyList<JsonNode?> ParseMetrics(string text) =>
    [
        .. from line in text.Split('\n')
           where line.StartsWith(Prefix, StringComparison.Ordinal)
           let close = line.LastIndexOf('}')
           let space = line.IndexOf(' ', Math.Max(close, 0))
           where space > 0
           let value = line[(space + 1)..].Split(' ')[0]
           where double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out _)
           select (JsonNode)new JsonObject { ["metric"] = line[..space], ["value"] = double.Parse(value, CultureInfo.InvariantCulture) },
    ];

    private static async Task<IReadOnlyList<JsonNode?>> ReadAsync(AdminApi admin, CancellationToken cancellation)
    {
        if (await admin.FindTextAsync("/admin/nodes", cancellation) is { } nodes) return AdminCommands.ItemsOf(JsonNode.Parse(nodes));
        if (await admin.FindTextAsync("/metrics", cancellation) is { } metrics) return ParseMetrics(metrics);
        throw new CliException("this server has no list of nodes and no metrics (/admin/nodes and /metrics are 404 there).");
    }

    private static IReadOnlyList<JsonNode?> WithRates(IReadOnlyList<JsonNode?> rows, IReadOnlyList<JsonNode?> before, TimeSpan passed)
    {
        var last = before.OfType<JsonObject>().Where(row => row["metric"] is not null).ToDictionary(row => (string)row["metric"]!, row => (double)row["value"]!);
        if (last.Count == 0) return rows;
        return
        [
            .. from row in rows.OfType<JsonObject>()
               let name = (string)row["metric"]!
               let value = (double)row["value"]!
               let rate = last.TryGetValue(name, out var old) ? (value - old) / passed.TotalSeconds : 0
               select (JsonNode)new JsonObject { ["metric"] = name, ["value"] = value, ["per second"] = Math.Round(rate, 1) },
        ];
    }
}
