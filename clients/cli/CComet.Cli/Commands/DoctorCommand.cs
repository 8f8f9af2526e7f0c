using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using CComet.Cli.Diagnosis;
using Spectre.Console;

namespace CComet.Cli.Commands;

/// <summary><c>doctor</c>: finds what buffers, cuts or rewrites on the way to a server.</summary>
internal static class DoctorCommand
{
    public static Command Build(CliConsole console)
    {
        var url = new Argument<string>("url") { Description = "The server's address, as clients use it" };
        var token = new Option<string?>("--token", "-t") { Description = $"A token that may subscribe and publish to the channels; else {ServerOptions.TokenVariable}" };
        var wait = Durations.Option("--wait", "How long each connection is left idle, to see signs of life (15 s) and cuts", "20s");
        var channel = new Option<string>("--channel") { Description = "How the channels begin that it publishes to", DefaultValueFactory = _ => "ccomet-doctor" };
        var json = new Option<bool>("--json") { Description = "Write JSON" };
        var command = new Command("doctor", "Tries each transport against a server and says what buffers, cuts or rewrites on the way, and which transport to use. Exits with 1 when none works. Publishes one message by each.") { url, token, wait, channel, json };
        command.SetAction(async (given, cancellation) =>
        {
            var address = ServerOptions.Address(given.GetValue(url)!, "url");
            var credential = given.GetValue(token) ?? console.Environment(ServerOptions.TokenVariable);
            using var doctor = new Doctor(address, string.IsNullOrEmpty(credential) ? null : credential, $"{given.GetValue(channel)}-{Guid.NewGuid().ToString("N")[..8]}", given.GetValue(wait)!.Value);
            var examining = doctor.ExamineAsync(cancellation);
            var report = console.IsTerminal && !given.GetValue(json)
                ? await console.Ansi.Status().StartAsync($"Trying each transport for {given.GetValue(wait)!.Value.TotalSeconds:0} s", _ => examining)
                : await examining;
            if (given.GetValue(json)) console.Json(Json(report));
            else Write(console, report);
            return report.Best is null ? ExitCodes.Failed : ExitCodes.Done;
        });
        return command;
    }

    private static JsonObject Json(Report report) => new()
    {
        ["use"] = report.Best,
        ["findings"] = List(report.Findings),
        ["transports"] = new JsonArray([.. report.Probes.Select(probe => new JsonObject
        {
            ["transport"] = probe.Transport, ["works"] = probe.Works, ["firstByteMs"] = Milliseconds(probe.FirstByte), ["deliveryMs"] = Milliseconds(probe.Delivery), ["heartbeatMs"] = Milliseconds(probe.Heartbeat),
            ["findings"] = List(probe.Findings),
        })]),
    };

    private static JsonArray List(IEnumerable<string> texts) => new([.. texts.Select(text => JsonValue.Create(text))]);

    private static double? Milliseconds(TimeSpan? time) => time is { } told ? Math.Round(told.TotalMilliseconds) : null;

    private static void Write(CliConsole console, Report report)
    {
        if (console.IsTerminal)
        {
            var table = new Table().AddColumns("transport", "works", "first byte", "delivery", "sign of life");
            foreach (var probe in report.Probes) table.AddRow(probe.Transport, probe.Works ? "[green]yes[/]" : "[red]no[/]", Text(probe.FirstByte), Text(probe.Delivery), Text(probe.Heartbeat));
            console.Ansi.Write(table);
        }
        else
        {
            foreach (var probe in report.Probes) console.Line($"{probe.Transport}: {(probe.Works ? "works" : "does not work")}, first byte {Text(probe.FirstByte)}, delivery {Text(probe.Delivery)}, sign of life {Text(probe.Heartbeat)}");
        }

        foreach (var finding in report.Findings) console.Line(finding);
        foreach (var probe in report.Probes)
        {
            foreach (var finding in probe.Findings) console.Line($"{probe.Transport}: {finding}");
        }

        console.Line(report.Best is { } best ? $"Use: {best}." : "No transport works.");
    }

    private static string Text(TimeSpan? time) => time is { } told ? string.Create(CultureInfo.InvariantCulture, $"{told.TotalMilliseconds:0} ms") : "-";
}
