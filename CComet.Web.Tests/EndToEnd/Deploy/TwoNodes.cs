using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using CComet.Web.Tests.Docs;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.EndToEnd.Deploy;

/// <summary><c>deploy/two-nodes.sh</c>, run as an operator runs it, on free ports and in a folder of its own.</summary>
public sealed class TwoNodes : IAsyncDisposable
{
    /// <summary>Everything that the script runs, by the names of its pid files.</summary>
    public static readonly IReadOnlyList<string> Programs = ["redis", "node-1", "node-2", "balancer"];

    /// <summary>Where the id of a process's session stands among what comes behind its name: state, parent, group, session.</summary>
    private const int SessionField = 3;

    private readonly DirectoryInfo _folder;
    private readonly ConcurrentDictionary<string, int> _ids = new();

    private TwoNodes(DirectoryInfo folder, RunningProgram script, int port)
    {
        _folder = folder;
        Script = script;
        Port = port;
    }

    /// <summary>The balancer's port.</summary>
    public int Port { get; }

    public RunningProgram Script { get; }

    /// <summary>Starts the script, and waits until it says that all is there.</summary>
    /// <param name="settings">Settings of the nodes, such as <c>CComet__Poll__Timeout=00:00:01</c>.</param>
    public static async Task<TwoNodes> StartAsync(params string[] settings)
    {
        var folder = Directory.CreateTempSubdirectory("ccomet-nodes-");
        int[] ports = [Ports.Take(), Ports.Take(), Ports.Take(), Ports.Take()];
        var script = RunScript([
            $"CCOMET_FOLDER={folder.FullName}",
            $"CCOMET_DLL={typeof(Program).Assembly.Location}",
            $"CCOMET_PORT={ports[0]}",
            $"CCOMET_NODE_1_PORT={ports[1]}",
            $"CCOMET_NODE_2_PORT={ports[2]}",
            $"CCOMET_REDIS_PORT={ports[3]}",
            .. settings,
        ]);
        var nodes = new TwoNodes(folder, script, ports[0]);
        await Eventually.TrueAsync(() => script.HasExited || script.Lines.Any(l => l.StartsWith("Ctrl-C", StringComparison.Ordinal)), "The nodes run");
        Assert.False(script.HasExited, $"The script has ended: {script.Complaints}");
        foreach (var program in Programs)
            nodes._ids[program] = int.Parse(await File.ReadAllTextAsync(nodes.PidFile(program)), CultureInfo.InvariantCulture);
        return nodes;
    }

    /// <summary>Runs the script with these variables.</summary>
    public static RunningProgram RunScript(params string[] variables) =>
        RunningProgram.Start("env", "coreutils", null, [.. variables, Path.Combine(Documents.Root, "deploy", "two-nodes.sh")]);

    /// <summary>Kills one of the programs.</summary>
    public async Task KillAsync(string program)
    {
        using var kill = Process.Start("/bin/sh", ["-c", $"kill -KILL {_ids[program]}"]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>Those of the programs that run.</summary>
    public IEnumerable<string> Running => Programs.Where(program => Directory.Exists($"/proc/{_ids[program]}"));

    /// <summary>Every process in a session that the script has begun: each of the programs has its own.</summary>
    public IEnumerable<string> Remains() =>
        from process in Directory.EnumerateDirectories("/proc")
        where int.TryParse(Path.GetFileName(process), out _)
        let stat = Stat(process)
        where stat.Length > SessionField && _ids.Values.Any(id => stat[SessionField] == $"{id}")
        select $"{Path.GetFileName(process)} {string.Join(' ', stat)}";

    public async ValueTask DisposeAsync()
    {
        // First the script, which restarts nothing, then the processes that a failed test has left.
        await Script.DisposeAsync();
        foreach (var program in Running)
        {
            using var process = Process.GetProcessById(_ids[program]);
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }

        _folder.Delete(recursive: true);
    }

    /// <summary>What the system says of a process, behind its name, which may hold anything.</summary>
    private static string[] Stat(string process)
    {
        try
        {
            var text = File.ReadAllText(Path.Combine(process, "stat"));
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            // It has just ended.
            return [];
        }
    }

    private string PidFile(string program) => Path.Combine(_folder.FullName, $"{program}.pid");
}
