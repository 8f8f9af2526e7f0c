using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace CComet.Bench;

/// <summary>A program that listens on one or two ports of 127.0.0.1, run for one measurement.</summary>
internal sealed class Server : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private const double MicrosPerTick = 10_000;

    private readonly Process _process;
    private readonly DirectoryInfo? _folder;
    private bool _ended;

    private Server(Process process, int port, int publishPort, DirectoryInfo? folder)
    {
        _process = process;
        _folder = folder;
        Port = port;
        PublishPort = publishPort;
    }

    /// <summary>The cores that servers may use, as <c>taskset</c> takes them; null means all.</summary>
    public static string? Cores { get; set; }

    /// <summary>The port that subscribers connect to.</summary>
    public int Port { get; }

    /// <summary>The port that publishers connect to: <see cref="Port"/>, unless the program has another for them.</summary>
    public int PublishPort { get; }

    public int Pid => _process.Id;

    /// <summary>The processor time that it has used, with its children, in microseconds; the kernel counts in hundredths of a second.</summary>
    public double ProcessorMicros => Processes().Sum(pid => Ticks(pid, 11) + Ticks(pid, 12)) * MicrosPerTick;

    /// <summary>What the process itself has used, without children, in nanoseconds.</summary>
    public long ProcessorNanos => Load.Native.ProcessorNanos(Pid);

    /// <summary>That part of it which the kernel has used for it.</summary>
    public double KernelMicros => Processes().Sum(pid => Ticks(pid, 12)) * MicrosPerTick;

    /// <summary>The memory that it holds, with its children.</summary>
    public long ResidentBytes => Processes().Sum(pid => long.Parse(Stat(pid)[21], CultureInfo.InvariantCulture) * Environment.SystemPageSize);

    /// <summary>Starts a program with one port, and waits until it listens.</summary>
    /// <param name="file">The program.</param>
    /// <param name="arguments">Its arguments, for the port it is given.</param>
    public static Task<Server> StartAsync(string file, Func<int, IEnumerable<string>> arguments)
    {
        var port = FreePorts(1)[0];
        return StartAsync(file, arguments(port), port, port, folder: null);
    }

    /// <summary>Starts a program with one port for subscribers and another for publishers, and waits until it listens on both.</summary>
    /// <param name="file">The program.</param>
    /// <param name="arguments">Its arguments, for the port of the subscribers and the port of the publishers.</param>
    /// <param name="folder">A folder of its own, which is deleted with it, or null.</param>
    public static Task<Server> StartAsync(string file, Func<int, int, IEnumerable<string>> arguments, DirectoryInfo? folder = null)
    {
        var ports = FreePorts(2);
        return StartAsync(file, arguments(ports[0], ports[1]), ports[0], ports[1], folder);
    }

    private static async Task<Server> StartAsync(string file, IEnumerable<string> arguments, int port, int publishPort, DirectoryInfo? folder)
    {
        string[] command = [.. Cores is null ? Array.Empty<string>() : ["taskset", "-c", Cores], file, .. arguments];
        var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, line) => { if (!string.IsNullOrEmpty(line.Data)) Console.Error.WriteLine(line.Data); };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var server = new Server(process, port, publishPort, folder);
        try
        {
            var deadline = Load.Mark.Now + (long)Patience.TotalMicroseconds;
            while (!Listens(port) || !Listens(publishPort))
            {
                if (process.HasExited) throw new InvalidOperationException($"{file} has ended with {process.ExitCode}.");
                if (Load.Mark.Now > deadline) throw new InvalidOperationException($"Not in {Patience.TotalSeconds} s: {string.Join(' ', command)} listens on {port} and {publishPort}.");
                await Task.Delay(20);
            }
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }

        return server;
    }

    public async ValueTask DisposeAsync()
    {
        if (_ended) return;
        _ended = true;
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder?.Delete(recursive: true);
    }

    /// <summary>Waits until it has nothing to do for a moment; gives the last one when it had.</summary>
    public async Task<long> QuietAsync()
    {
        var (last, used) = (Load.Mark.Now, ProcessorMicros);
        for (var quiet = 0; quiet < 10;)
        {
            await Task.Delay(50);
            var now = ProcessorMicros;
            quiet = now - used > MicrosPerTick ? 0 : quiet + 1;
            if (quiet == 0) last = Load.Mark.Now;
            used = now;
        }

        return last;
    }

    /// <summary>What the kernel tells of a process behind its name.</summary>
    private static string[] Stat(int pid)
    {
        var text = File.ReadAllText($"/proc/{pid}/stat");
        return text[(text.LastIndexOf(')') + 2)..].Split(' ');
    }

    private static long Ticks(int pid, int field) => long.Parse(Stat(pid)[field], CultureInfo.InvariantCulture);

    private int[] Processes() => [Pid, .. File.ReadAllText($"/proc/{Pid}/task/{Pid}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];

    /// <summary>Finds ports that are free, all held until the last is found: else two could be the same.</summary>
    private static int[] FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        Array.ForEach(listeners, listener => listener.Start());
        int[] ports = [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        Array.ForEach(listeners, listener => listener.Dispose());
        return ports;
    }

    private static bool Listens(int port)
    {
        try
        {
            using var client = new TcpClient("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
