using System.CommandLine;
using CComet.Cli.Commands;
using CComet.Client;

namespace CComet.Cli;

/// <summary>The program.</summary>
/// <param name="console">Where it reads and writes.</param>
internal sealed class CliApplication(CliConsole console)
{
    /// <summary>Runs a command.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="cancellation">Ctrl-C.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public async Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        // No argument is a file of arguments: a message may begin with @.
        var given = Build().Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (given.Errors.Count > 0)
        {
            foreach (var error in given.Errors) console.Note($"ccomet: {error.Message}");
            return ExitCodes.Usage;
        }

        try
        {
            return await given.InvokeAsync(new InvocationConfiguration { Output = console.Output, Error = console.Errors, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, cancellation);
        }
        catch (CliException e)
        {
            console.Note($"ccomet: {e.Message}");
            return e.Code;
        }
        catch (CCometException e)
        {
            console.Note($"ccomet: {(e.Status == 0 ? "" : $"the server refused ({e.Status}): ")}{e.Detail}");
            return ExitCodes.Failed;
        }
        catch (ArgumentException e)
        {
            console.Note($"ccomet: {e.Message}");
            return ExitCodes.Usage;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return ExitCodes.Canceled;
        }
    }

    private RootCommand Build() =>
        new("Publishes to, subscribes to and administers a CComet server. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a gap (sub --strict) or a right that is missing (explain), 130 Ctrl-C.")
        {
            PubCommand.Build(console), SubCommand.Build(console), ChatCommand.Build(console), PresenceCommand.Build(console),
            AdminCommands.Channels(console), AdminCommands.Kick(console), AdminCommands.Revoke(console), AdminCommands.Drain(console),
            TokenCommand.Build(console), AdminCommands.Explain(console), TopCommand.Build(console), DoctorCommand.Build(console), CompletionCommand.Build(console),
        };
}
