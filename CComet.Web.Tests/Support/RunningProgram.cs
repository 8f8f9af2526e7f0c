using System.Collections.Concurrent;
using System.Diagnostics;

namespace CComet.Web.Tests.Support;

/// <summary>Another program, run for a test, whose lines are kept as they come.</summary>
public sealed class RunningProgram : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly ConcurrentQueue<string> _complaints = new();

    private RunningProgram(Process process) => _process = process;

    /// <summary>What it printed so far.</summary>
    public IReadOnlyCollection<string> Lines => _lines;

    /// <summary>What it printed on the standard error so far.</summary>
    public string Complaints => string.Join('\n', _complaints);

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Starts it.</summary>
    /// <param name="executable">A path, or a name to be looked for.</param>
    /// <param name="package">The Debian package to name when it is missing.</param>
    /// <param name="folder">Where it runs; null for where the tests run.</param>
    /// <param name="arguments">Its arguments.</param>
    public static RunningProgram Start(string executable, string package, string? folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(executable, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = folder ?? "",
        };
        if (executable.StartsWith('/')) Assert.True(File.Exists(executable), $"{executable} is missing (Debian: apt-get install {package}).");
        var process = new Process { StartInfo = start };
        var program = new RunningProgram(process);
        process.OutputDataReceived += (_, line) => Keep(program._lines, line.Data);
        process.ErrorDataReceived += (_, line) => Keep(program._complaints, line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return program;
    }

    /// <summary>Writes a line to its standard input.</summary>
    public async Task WriteLineAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Writes a text to its standard input, and ends that.</summary>
    public async Task WriteAsync(string text)
    {
        await _process.StandardInput.WriteAsync(text);
        _process.StandardInput.Close();
    }

    /// <summary>Sends it a signal, such as <c>TERM</c>.</summary>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("/bin/sh", ["-c", $"kill -{signal} {_process.Id}"]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>Waits for its end, and gives its exit code.</summary>
    public async Task<int> ExitCodeAsync()
    {
        using var deadline = new CancellationTokenSource(Patience.Limit);
        await _process.WaitForExitAsync(deadline.Token);
        return _process.ExitCode;
    }

    /// <summary>Waits for its end, which must be a good one.</summary>
    public async Task SucceedAsync() => Assert.True(await ExitCodeAsync() == 0, $"{_process.StartInfo.FileName} failed: {Complaints}");

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static void Keep(ConcurrentQueue<string> lines, string? line)
    {
        if (line is not null) lines.Enqueue(line);
    }
}
