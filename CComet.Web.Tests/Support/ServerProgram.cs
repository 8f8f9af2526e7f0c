using System.Globalization;
using System.Text.RegularExpressions;

namespace CComet.Web.Tests.Support;

/// <summary>The server as a program of its own, on a free port and already listening.</summary>
public sealed partial class ServerProgram : IAsyncDisposable
{
    private ServerProgram(RunningProgram program, int port)
    {
        Program = program;
        Port = port;
    }

    public RunningProgram Program { get; }

    public int Port { get; }

    /// <summary>Starts it on a free port, and waits until it listens.</summary>
    /// <param name="scheme">http or https.</param>
    /// <param name="settings">Such as <c>--CComet:Drain:Grace=00:00:02</c>.</param>
    public static async Task<ServerProgram> StartAsync(string scheme, params string[] settings)
    {
        var assembly = typeof(global::Program).Assembly.Location;
        var program = RunningProgram.Start("dotnet", "dotnet-runtime", Path.GetDirectoryName(assembly), [assembly, $"--urls={scheme}://127.0.0.1:{Ports.Take()}", "--CComet:Store:Kind=Memory", .. settings]);
        Match? listening = null;
        await Eventually.TrueAsync(
            () => program.HasExited || (listening = program.Lines.Select(l => Listening().Match(l)).FirstOrDefault(m => m.Success)) is not null,
            "The server listens");
        Assert.True(listening is not null, $"The server has ended: {program.Complaints} {string.Join('\n', program.Lines)}");
        return new ServerProgram(program, int.Parse(listening.Groups[1].Value, CultureInfo.InvariantCulture));
    }

    public ValueTask DisposeAsync() => Program.DisposeAsync();

    [GeneratedRegex(@"Now listening on: ""?https?://127\.0\.0\.1:(\d+)")]
    private static partial Regex Listening();
}
