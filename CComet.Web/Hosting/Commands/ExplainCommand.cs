using System.CommandLine;
using CComet.Access;
using CComet.Messages;
using CComet.Operations;

namespace CComet.Web.Hosting.Commands;

/// <summary>The command <c>explain</c>: says which rule or claim gives a caller a right, or what is missing.</summary>
internal static class ExplainCommand
{
    /// <summary>Its name.</summary>
    public const string Name = "explain";

    private const string Mode = "CComet:Auth:Mode";
    private const string StandardInput = "-";

    /// <summary>Makes the command.</summary>
    public static Command Build(TextWriter output)
    {
        var token = new Option<string>("--token") { Description = "The caller's token; - reads it from standard input, so that no list of processes has it" };
        var anonymous = new Option<bool>("--anonymous") { Description = "A caller without a token" };
        var verb = new Option<string>("--verb") { Description = "The right: subscribe, publish, presence, admin or sname" };
        var channel = new Option<string>("--channel") { Description = "The channel; for the verb sname the sname" };
        var command = new Command(Name, $"Says which rule or claim gives a caller a right in the mode Token, or what is missing. Revocations are not looked at, and the application's hook is not asked. Exit codes: {ServerCommands.Done} it may, {ServerCommands.Denied} it may not, {ServerCommands.Failed} that cannot be told.")
        {
            token, anonymous, verb, channel,
        };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(async (given, cancellation) =>
        {
            var text = given.GetValue(token);
            if (text is null == !given.GetValue(anonymous)) throw new StartException("give either --token=TOKEN or --anonymous.");
            if (given.GetValue(verb) is not { } name) throw new StartException("--verb is missing; it is subscribe, publish, presence, admin or sname.");
            if (GrantFactory.ParseRight(name) is not { } right) throw new StartException($"--verb: '{name}' is none of subscribe, publish, presence, admin, sname.");
            if (given.GetValue(channel) is not { } asked) throw new StartException("--channel is missing.");
            if (Names.FindProblem(asked) is { } problem) throw new StartException($"--channel: {problem}");
            if (text == StandardInput) text = (await Console.In.ReadToEndAsync(cancellation)).Trim();
            return await ExplainAsync(output, ServerCommands.SettingsOf(given.UnmatchedTokens), text, right, asked, cancellation);
        });
        return command;
    }

    private static async Task<int> ExplainAsync(TextWriter output, string[] settings, string? token, ChannelRight right, string channel, CancellationToken cancellation)
    {
        var builder = ServerBuilder.Create(settings);
        var mode = builder.Configuration[Mode];
        builder.Logging.ClearProviders();

        // What verifies tokens is there in the mode Token alone.
        if (token is not null) builder.Configuration.AddInMemoryCollection([new(Mode, nameof(AuthMode.Token))]);
        builder.AddCCometServer();
        await using var app = builder.Build();
        if (!AuthMode.Token.ToString().Equals(mode, StringComparison.OrdinalIgnoreCase))
            await output.WriteLineAsync($"note: {Mode} is {(string.IsNullOrEmpty(mode) ? "not stated" : mode)}; this is what Token would do.");
        var (explanation, _) = await app.Services.GetRequiredService<AccessExplainer>().ExplainAsync(token, right, channel, cancellation);
        await output.WriteLineAsync($"{(explanation.IsAllowed ? "allowed" : "denied")}: {explanation.Reason}");
        foreach (var line in explanation.Considered) await output.WriteLineAsync(line.StartsWith("The ", StringComparison.Ordinal) ? line : $"  {line}");
        return explanation.IsAllowed ? ServerCommands.Done : ServerCommands.Denied;
    }
}
