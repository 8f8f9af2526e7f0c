using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace CComet.Cli.Commands;

/// <summary>The commands that call the paths below <c>/admin</c>, which need the right <c>admin</c>.</summary>
internal static class AdminCommands
{
    private const int PageSize = 500;

    public static Command Channels(CliConsole console)
    {
        var channel = new Argument<string?>("channel") { Description = "One channel, in detail", Arity = ArgumentArity.ZeroOrOne };
        var prefix = new Option<string?>("--prefix") { Description = "Those whose names begin so" };
        var limit = new Option<int>("--limit") { Description = "How many at most", DefaultValueFactory = _ => 1000 };
        return Build(console, "channels", "Lists the server's channels, or tells of one.", [channel, prefix, limit], async (given, admin, write, cancellation) =>
        {
            if (given.GetValue(channel) is { } name)
            {
                write([await admin.GetAsync($"/admin/channels/{Uri.EscapeDataString(name)}", "administration of channels", cancellation)]);
                return ExitCodes.Done;
            }

            var left = given.GetValue(limit);
            if (left <= 0) throw new CliException("--limit: is not above 0.", ExitCodes.Usage);
            var rows = new List<JsonNode?>();
            for (string? after = null; left > 0;)
            {
                var path = $"/admin/channels?limit={Math.Min(left, PageSize)}{Part("prefix", given.GetValue(prefix))}{Part("after", after)}";
                var told = await admin.GetAsync(path, "administration of channels", cancellation);
                var page = ItemsOf(told);
                rows.AddRange(page);
                left -= page.Count;

                // A page may be short, or empty, although there are more.
                after = told is JsonObject members ? (string?)members["next"] : null;
                if (after is null) break;
            }

            write(rows);
            return ExitCodes.Done;
        });
    }

    public static Command Kick(CliConsole console)
    {
        var user = new Option<string?>("--user") { Description = "Every connection of a user" };
        var channel = new Option<string?>("--channel") { Description = "Every connection to a channel" };
        return Build(console, "kick", "Ends connections. Clients come back unless their rights were revoked.", [user, channel], async (given, admin, write, cancellation) =>
        {
            write([await admin.PostAsync("/admin/kick", OneOf(given, ("user", user), ("channel", channel)), "administration of connections (kick)", cancellation)]);
            return ExitCodes.Done;
        });
    }

    public static Command Revoke(CliConsole console)
    {
        var sub = new Option<string?>("--sub") { Description = "A user's tokens that were issued until now" };
        var jti = new Option<string?>("--jti") { Description = "One token, by its id" };
        var channel = new Option<string?>("--channel") { Description = "What tokens that were issued until now give on a channel" };
        return Build(console, "revoke", "Takes rights back, and ends what they opened.", [sub, jti, channel], async (given, admin, write, cancellation) =>
        {
            write([await admin.PostAsync("/admin/revoke", OneOf(given, ("sub", sub), ("jti", jti), ("channel", channel)), "revocation", cancellation)]);
            return ExitCodes.Done;
        });
    }

    public static Command Drain(CliConsole console)
    {
        var node = new Option<string?>("--node") { Description = "Another node than the one at the address, by its name in `top`" };
        return Build(console, "drain", "Has a node send its clients to the others. It goes on to run until it is stopped.", [node], async (given, admin, write, cancellation) =>
        {
            var body = new JsonObject();
            if (given.GetValue(node) is { } name) body["node"] = name;
            write([await admin.PostAsync("/admin/drain", body, "drain", cancellation)]);
            return ExitCodes.Done;
        });
    }

    public static Command Explain(CliConsole console)
    {
        var subject = new Option<string?>("--subject") { Description = "The token of the caller that is asked about; without it a caller without one", HelpName = "token" };
        var verb = new Option<string>("--verb") { Description = "subscribe, publish, presence, admin or sname", Required = true };
        verb.AcceptOnlyFromAmong("subscribe", "publish", "presence", "admin", "sname");
        var channel = new Option<string>("--channel") { Description = "The channel; for sname the sname", Required = true };
        return Build(console, "explain", "Says which rule or claim gives a caller a right, or what is missing; then it exits with 3.", [subject, verb, channel], async (given, admin, write, cancellation) =>
        {
            var body = new JsonObject { ["verb"] = given.GetValue(verb), ["channel"] = given.GetValue(channel) };
            if (given.GetValue(subject) is { } token) body["token"] = token;
            var told = await admin.PostAsync("/admin/explain", body, "explanation of rights; `dotnet CComet.Web.dll explain` on its machine does it", cancellation);
            write([told]);
            return told is JsonObject answer && answer["allowed"] is JsonValue allowed && allowed.TryGetValue<bool>(out var may) && !may ? ExitCodes.Negative : ExitCodes.Done;
        });
    }

    /// <summary>Returns the items of a list, which may be in a member of an object.</summary>
    internal static IReadOnlyList<JsonNode?> ItemsOf(JsonNode? answer) => answer switch
    {
        JsonArray array => [.. array],
        JsonObject told when told.Select(member => member.Value).OfType<JsonArray>().FirstOrDefault() is { } array => [.. array],
        _ => throw new CliException("the answer is none of CComet."),
    };

    /// <summary>Writes objects as a table: a column for each member.</summary>
    internal static Table TableOf(IReadOnlyList<JsonNode?> rows)
    {
        var columns = rows.SelectMany(row => row is JsonObject members ? members.Select(member => member.Key) : ["channel"]).Distinct().ToList();
        var table = new Table().AddColumns([.. columns.Select(Markup.Escape)]);
        foreach (var row in rows) table.AddRow([.. columns.Select(column => Markup.Escape($"{(row is JsonObject members ? members[column] : row)}"))]);
        return table;
    }

    private static string Part(string name, string? value) => value is null ? "" : $"&{name}={Uri.EscapeDataString(value)}";

    private static JsonObject OneOf(ParseResult given, params (string Name, Option<string?> Option)[] options)
    {
        var told = options.Where(o => given.GetValue(o.Option) is not null).ToList();
        return told is [var (name, option)] ? new JsonObject { [name] = given.GetValue(option) } : throw new CliException($"give one of {string.Join(", ", options.Select(o => o.Option.Name))}.", ExitCodes.Usage);
    }

    private static Command Build(CliConsole console, string name, string description, IReadOnlyList<Symbol> symbols, Func<ParseResult, AdminApi, Action<IReadOnlyList<JsonNode?>>, CancellationToken, Task<int>> run)
    {
        var command = new Command(name, $"{description} Needs the right admin.");
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument) command.Add(argument);
            else command.Add((Option)symbol);
        }

        var json = new Option<bool>("--json") { Description = "Write JSON, one value a line" };
        command.Add(json);
        var server = new ServerOptions();
        server.AddTo(command);
        command.SetAction(async (given, cancellation) =>
        {
            using var admin = server.Admin(given, console);
            return await run(given, admin, Write, cancellation);

            void Write(IReadOnlyList<JsonNode?> rows)
            {
                if (console.IsTerminal && !given.GetValue(json)) console.Ansi.Write(TableOf(rows));
                else foreach (var row in rows) console.Json(row);
            }
        });
        return command;
    }
}
