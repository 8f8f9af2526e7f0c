using System.CommandLine;
using Microsoft.Extensions.Options;

namespace CComet.Web.Hosting.Commands;

/// <summary>
/// What the program does besides serving, where its first argument says so: <c>token</c> and <c>explain</c>. Arguments that are none of a
/// command's own are settings, read and checked as the server's are.
/// </summary>
/// <param name="output">Where the result goes, and nothing else.</param>
/// <param name="errors">Where one line goes that says why there is none, and notes.</param>
internal sealed class ServerCommands(TextWriter output, TextWriter errors)
{
    /// <summary>The exit code of a command that did what it was to do; of <c>explain</c>, that the caller may.</summary>
    public const int Done = 0;

    /// <summary>The exit code of a command that could not.</summary>
    public const int Failed = 1;

    /// <summary>The exit code of <c>explain</c> when the caller may not.</summary>
    public const int Denied = 3;

    private static readonly string[] EnvironmentVariables = ["ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT"];

    /// <summary>Runs the command that the arguments name.</summary>
    /// <returns>The exit code; null when they name none.</returns>
    public static async Task<int?> RunAsync(string[] args) =>
        args is [TokenCommand.Name or ExplainCommand.Name, ..] ? await new ServerCommands(Console.Out, Console.Error).InvokeAsync(args) : null;

    /// <summary>Returns the arguments that are settings. Where no environment is stated it is Development, whose key these commands are about.</summary>
    public static string[] SettingsOf(IReadOnlyList<string> unmatched) =>
        unmatched.Any(argument => argument.StartsWith("--environment", StringComparison.OrdinalIgnoreCase)) || EnvironmentVariables.Any(name => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name)))
            ? [.. unmatched]
            : [.. unmatched, "--environment=Development"];

    /// <summary>Runs a command.</summary>
    /// <param name="args">Its name and its arguments.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> InvokeAsync(string[] args)
    {
        // No argument is a file of arguments: a name may begin with @.
        var given = Build().Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        try
        {
            if (given.Errors.Count > 0) throw new StartException(given.Errors[0].Message);
            return await given.InvokeAsync(new InvocationConfiguration { Output = output, Error = errors, EnableDefaultExceptionHandler = false });
        }
        catch (Exception e) when (e is StartException or OptionsValidationException or IOException or UnauthorizedAccessException or InvalidDataException or AccessUnavailableException)
        {
            await errors.WriteLineAsync($"CComet {args[0]}: {StartFailure.Describe(e)}");
            return Failed;
        }
    }

    private RootCommand Build() => [TokenCommand.Build(output, errors), ExplainCommand.Build(output)];
}
