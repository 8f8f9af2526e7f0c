using CComet.Cli;

namespace CComet.Web.Tests.Clients.Cli;

/// <summary>One run of the command line in this process, as a script runs it: its output is no terminal.</summary>
/// <param name="Code">The exit code.</param>
/// <param name="Output">The lines of the output.</param>
/// <param name="Errors">What stands on the standard error.</param>
public sealed record CliRun(int Code, IReadOnlyList<string> Output, string Errors)
{
    /// <summary>Runs a command.</summary>
    /// <param name="url">The server, as <c>CCOMET_URL</c>.</param>
    /// <param name="input">The standard input.</param>
    /// <param name="args">The command line.</param>
    public static async Task<CliRun> RunAsync(string? url, string input, params string[] args)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        using var reader = new StringReader(input);
        var console = new CliConsole(reader, output, errors, false, name => name == ServerOptions.UrlVariable ? url : null);
        using var deadline = new CancellationTokenSource(Support.Patience.Limit);
        var code = await new CliApplication(console).RunAsync(args, deadline.Token);
        return new CliRun(code, output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries), errors.ToString().Trim());
    }
}
