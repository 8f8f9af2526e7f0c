using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace CComet.Bench;

/// <summary>A program that listens on a port of 127.0.0.1, run for one measurement.</summary>
internal sealed class Server : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private bool _ended;

    private Server(Process process, int port)
    {
        _process = process;
        Port = port;
    }

    public int Port { get; }

    public int Pid => _process.Id;

    /// <summary>Starts it, and waits until it listens.</summary>
    /// <param name="file">The program.</param>
    /// <param name="arguments">Its arguments, for the port it is given.</param>
    public static async Task<Server> StartAsync(string file, Func<int, IEnumerable<string>> arguments)
    {
        var port = FreePort();
        var process = Process.Start(new ProcessStartInfo(file, arguments(port)) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, line) => { if (!string.IsNullOrEmpty(line.Data)) Console.Error.WriteLine(line.Data); };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var deadline = new CancellationTokenSource(Patience);
        while (!Listens(port))
        {
            if (process.HasExited) throw new InvalidOperationException($"{file} has ended with {process.ExitCode}.");
            await Task.Delay(20, deadline.Token);
        }

        return new Server(process, port);
    }

    public async ValueTask DisposeAsync()
    {
        if (_ended) return;
        _ended = true;
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
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
