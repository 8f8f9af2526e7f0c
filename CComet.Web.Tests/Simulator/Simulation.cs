using System.Text.Json;
using CComet.Simulator.Commands;

namespace CComet.Web.Tests.Simulator;

/// <summary>The tool, run with arguments as a user types them; what it printed, and how it ended.</summary>
internal sealed record Simulation(int ExitCode, string Output, string Errors)
{
    /// <summary>The one object that <c>--json</c> prints.</summary>
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    public static async Task<Simulation> RunAsync(string arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var exitCode = await new SimulatorApp(output, errors).RunAsync(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        return new Simulation(exitCode, output.ToString(), errors.ToString());
    }

    public long Count(string group, string name) => Json.GetProperty(group).GetProperty(name).GetInt64();
}
