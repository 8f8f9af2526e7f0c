using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace CComet.Web.Tests.Support;

/// <summary>The server as an operator starts it: a process of its own, with arguments, and what it writes.</summary>
public sealed class ServerProcess : IAsyncDisposable
{
    private const string Listening = "Now listening on: ";

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = [];
    private readonly ConcurrentQueue<string> _errors = [];

    private ServerProcess(string folder, string[] command, bool isRead = true, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // What the tests run under is not what the server runs under.
        foreach (var name in start.Environment.Keys.Where(IsOfTheServer).ToArray()) start.Environment.Remove(name);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(_errors, line.Data);
        _process.Start();
        if (!isRead) return;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The lines on standard output so far.</summary>
    public IReadOnlyCollection<string> Output => _output;

    /// <summary>The lines on standard error so far.</summary>
    public IReadOnlyCollection<string> Errors => _errors;

    /// <summary>The number of the process.</summary>
    public int Id => _process.Id;

    /// <summary>The names of its threads at this moment.</summary>
    public IReadOnlyList<string> Threads => [.. Directory.EnumerateDirectories($"/proc/{_process.Id}/task").Select(task => File.ReadAllText(Path.Combine(task, "comm")).TrimEnd())];

    /// <summary>What its open files are, as <c>/proc</c> names them.</summary>
    public IReadOnlyList<string> OpenFiles => [.. new DirectoryInfo($"/proc/{_process.Id}/fd").EnumerateFileSystemInfos().Select(file => file.LinkTarget ?? "")];

    /// <summary>Where the program is.</summary>
    private static string Assembly => typeof(Program).Assembly.Location;

    private static string[] Command(string[] arguments) => ["dotnet", Assembly, "--urls=http://127.0.0.1:0", "--CComet:Store:Kind=Memory", .. arguments];

    public static ServerProcess Start(params string[] arguments) => StartBy([], arguments);

    /// <summary>Starts it by another program, such as <c>setpriv</c>, which ends as the server does.</summary>
    public static ServerProcess StartBy(string[] launcher, params string[] arguments) =>
        StartIn(Path.GetDirectoryName(Assembly)!, [.. launcher, .. Command(arguments)]);

    /// <summary>Runs a command in a folder.</summary>
    public static ServerProcess StartIn(string folder, params string[] command) => new(folder, command);

    /// <summary>Starts it with a limit of open files.</summary>
    public static ServerProcess StartWithOpenFiles(int limit, params string[] arguments) =>
        StartBy(["/bin/sh", "-c", $"ulimit -n {limit}; exec \"$@\"", "sh"], arguments);

    /// <summary>Starts it with an output that is a pipe nobody reads, as with a log driver that hangs.</summary>
    public static ServerProcess StartUnread(int port, params string[] arguments) => new(Path.GetDirectoryName(Assembly)!, Command([$"--urls=http://127.0.0.1:{port}", .. arguments]), isRead: false);

    /// <summary>Starts it in an environment that has these variables as well.</summary>
    public static ServerProcess StartWith(IReadOnlyDictionary<string, string> environment, params string[] arguments) => new(Path.GetDirectoryName(Assembly)!, Command(arguments), environment: environment);

    /// <summary>A client for the address at which the server says it listens.</summary>
    public async Task<HttpClient> ClientAsync()
    {
        var line = await LineAsync(Listening);
        return new HttpClient { BaseAddress = new Uri(line[(line.IndexOf(Listening, StringComparison.Ordinal) + Listening.Length)..]), Timeout = Patience.Limit };
    }

    /// <summary>Waits for a line on standard output that holds a text, and gives the first such line.</summary>
    public async Task<string> LineAsync(string text)
    {
        await Eventually.TrueAsync(() => _output.Any(l => l.Contains(text, StringComparison.Ordinal)), $"A line with '{text}'");
        return _output.First(l => l.Contains(text, StringComparison.Ordinal));
    }

    /// <summary>Waits until nothing of the start is left to do: it listens, and answers, a moment before.</summary>
    public Task StartedAsync() => LineAsync("Chat: ");

    /// <summary>Tells the process to stop, as a supervisor does.</summary>
    public void Terminate() => Signal("TERM");

    /// <summary>Sends it a signal, such as <c>HUP</c>.</summary>
    public void Signal(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>Waits for the end of the process and gives its exit code.</summary>
    public async Task<int> ExitAsync()
    {
        using var deadline = new CancellationTokenSource(Patience.Limit);
        await _process.WaitForExitAsync(deadline.Token);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static bool IsOfTheServer(string variable) =>
        variable.StartsWith("CComet__", StringComparison.OrdinalIgnoreCase) || variable.StartsWith("ASPNETCORE_", StringComparison.OrdinalIgnoreCase)
        || variable.StartsWith("OTEL_", StringComparison.OrdinalIgnoreCase);

    private static void Keep(ConcurrentQueue<string> lines, string? line)
    {
        if (line is not null) lines.Enqueue(line);
    }
}
