using System.CommandLine;
using System.Text.Json.Nodes;
using CComet.Client;
using Spectre.Console;

namespace CComet.Cli.Commands;

/// <summary><c>presence</c>: who is in a channel, and who comes and goes.</summary>
internal static class PresenceCommand
{
    private const string Prefix = "$presence:";

    public static Command Build(CliConsole console)
    {
        var channel = new Argument<string>("channel") { Description = "The channel" };
        var counts = new Option<bool>("--counts") { Description = "The number alone" };
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on with who comes and goes" };
        var json = new Option<bool>("--json") { Description = "Write JSON, one value a line" };
        var command = new Command("presence", "Says who is in a channel.") { channel, counts, follow, json };
        var server = new ServerOptions();
        server.AddTo(command);
        command.SetAction(async (given, cancellation) =>
        {
            var name = given.GetValue(channel)!;
            using var admin = server.Admin(given, console);
            var path = $"/presence?channel={Uri.EscapeDataString(name)}{(given.GetValue(counts) ? "&counts=1" : "")}";
            var told = await admin.GetAsync(path, "presence", cancellation) as JsonObject ?? throw new CliException("the answer is none of CComet.");
            if (given.GetValue(json)) console.Json(told);
            else Write(console, told, given.GetValue(counts));
            if (!given.GetValue(follow)) return ExitCodes.Done;

            var from = (string?)told["epoch"] is { } epoch && told["seqid"] is { } seqid ? new CCometCursor(epoch, (long)seqid) : CCometCursor.Now;
            await using var client = server.Client(given, console);
            await foreach (var message in client.SubscribeAsync(Prefix + name, new SubscribeOptions { From = from }, cancellation))
            {
                if (given.GetValue(json)) console.Json(MessageJson.Of(message));
                else if (console.IsTerminal) console.Markup($"[{(message.Type == "JOIN" ? "green" : "red")}]{message.Type}[/] {message.Sname ?? "-"}");
                else console.Line($"{message.Type} {message.Sname ?? "-"}");
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static void Write(CliConsole console, JsonObject told, bool isCount)
    {
        var users = told["users"] as JsonArray ?? [];
        if (isCount)
        {
            console.Line($"{told["count"]}");
        }
        else if (console.IsTerminal)
        {
            var table = new Table().AddColumns("user", "since", "info");
            foreach (var user in users.OfType<JsonObject>()) table.AddRow(Markup.Escape($"{user["user"]}"), Markup.Escape(Time(user["since"])), Markup.Escape($"{user["info"]?.ToJsonString()}"));
            console.Ansi.Write(table);
        }
        else
        {
            foreach (var user in users.OfType<JsonObject>()) console.Line($"{user["user"]}");
        }
    }

    private static string Time(JsonNode? since) => since?.GetValueKind() == System.Text.Json.JsonValueKind.Number ? DateTimeOffset.FromUnixTimeMilliseconds((long)since).ToLocalTime().ToString("u") : $"{since}";
}
