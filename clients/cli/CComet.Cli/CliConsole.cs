using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace CComet.Cli;

/// <summary>Where the program reads and writes. Results go to the output and nothing else does; notes go to the errors.</summary>
/// <param name="Input">The input.</param>
/// <param name="Output">The results.</param>
/// <param name="Errors">The notes.</param>
/// <param name="IsTerminal">Whether a person reads the output.</param>
/// <param name="Environment">Gives the environment's variables.</param>
internal sealed record CliConsole(TextReader Input, TextWriter Output, TextWriter Errors, bool IsTerminal, Func<string, string?> Environment)
{
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Lock _lock = new();

    /// <summary>Gets the output with colours and tables; without colours when no person reads it.</summary>
    public IAnsiConsole Ansi { get; } = AnsiConsole.Create(new AnsiConsoleSettings
    {
        Ansi = IsTerminal ? AnsiSupport.Detect : AnsiSupport.No,
        ColorSystem = IsTerminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        Out = new AnsiConsoleOutput(Output),
    });

    public static CliConsole Create()
    {
        var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        return new CliConsole(Console.In, Console.IsOutputRedirected ? output : Console.Out, Console.Error, !Console.IsOutputRedirected, System.Environment.GetEnvironmentVariable);
    }

    /// <summary>Writes a result.</summary>
    public void Line(string text)
    {
        lock (_lock) Output.WriteLine(text);
    }

    /// <summary>Writes a result as one line of JSON.</summary>
    public void Json(JsonNode? value) => Line(value?.ToJsonString(Relaxed) ?? "null");

    /// <summary>Writes a result with colours.</summary>
    public void Markup(FormattableString text)
    {
        lock (_lock) Ansi.MarkupLineInterpolated(text);
    }

    /// <summary>Writes a note.</summary>
    public void Note(string text)
    {
        lock (_lock) Errors.WriteLine(text);
    }
}
