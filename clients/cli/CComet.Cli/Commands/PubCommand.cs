using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using CComet.Client;

namespace CComet.Cli.Commands;

/// <summary><c>pub</c>: publishes its argument, or each line of the input.</summary>
internal static class PubCommand
{
    public static Command Build(CliConsole console)
    {
        var channel = new Argument<string>("channel") { Description = "The channel" };
        var message = new Argument<string?>("message") { Description = "The message; without it each line of the input is one", Arity = ArgumentArity.ZeroOrOne };
        var id = new Option<string?>("--id") { Description = "Its id: the same id within 5 minutes stores nothing. Of several lines it is ID-1, ID-2 …" };
        var sname = new Option<string?>("--sname") { Description = "The name to publish by" };
        var isJson = new Option<bool>("--ndjson") { Description = "Messages are JSON values, one a line" };
        var timeout = Durations.Option("--timeout", "How long to try each message", "30s");
        var json = new Option<bool>("--json") { Description = "Write each receipt as a line of JSON" };
        var command = new Command("pub", "Publishes a message, or each line of the input, one after another. Exits with 1 at the first that is refused.") { channel, message, id, sname, isJson, timeout, json };
        var server = new ServerOptions();
        server.AddTo(command);
        command.SetAction(async (given, cancellation) =>
        {
            await using var client = server.Client(given, console, given.GetValue(sname));
            var (name, text, given1) = (given.GetValue(channel)!, given.GetValue(message), given.GetValue(id));
            if (text is not null)
            {
                await PublishAsync(text, given1);
                return ExitCodes.Done;
            }

            for (var line = 1; await console.Input.ReadLineAsync(cancellation) is { } next; line++) await PublishAsync(next, given1 is null ? null : $"{given1}-{line}", line);
            return ExitCodes.Done;

            async Task PublishAsync(string published, string? publishedId, int line = 0)
            {
                var options = new PublishOptions { Id = publishedId, Timeout = given.GetValue(timeout)!.Value };
                var receipt = await client.PublishAsync(name, given.GetValue(isJson) ? Parse(published, line) : published, options, cancellation);
                if (given.GetValue(json)) console.Json(new JsonObject { ["channel"] = receipt.Channel, ["epoch"] = receipt.Epoch, ["seqid"] = receipt.Seqid, ["duplicate"] = receipt.Duplicate });
                else if (console.IsTerminal) console.Markup($"[green]{receipt.Channel}[/] {receipt.Seqid}{(receipt.Duplicate ? " (stored before)" : "")}");
            }
        });
        return command;
    }

    private static CCometPayload Parse(string text, int line)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement;
        }
        catch (JsonException e)
        {
            throw new CliException($"{(line == 0 ? "message" : $"line {line}")}: is no JSON: {e.Message}", ExitCodes.Usage);
        }
    }
}
