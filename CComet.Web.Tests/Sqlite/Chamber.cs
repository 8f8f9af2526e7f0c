using System.Diagnostics;
using System.Globalization;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Sqlite;

/// <summary>
/// A server whose database lies on a small disk of its own, made in memory and seen by that process alone, so that it can be
/// filled and made read-only.
/// </summary>
public sealed class Chamber : IAsyncDisposable
{
    private const string Disk = "/mnt";

    private readonly RunningProgram _program;

    private Chamber(RunningProgram program) => _program = program;

    public HttpClient Http { get; private set; } = null!;

    /// <summary>The disk, as it is seen from here.</summary>
    private string Root => string.Create(CultureInfo.InvariantCulture, $"/proc/{_program.Id}/root{Disk}");

    /// <summary>Starts a server on a disk of so many KiB.</summary>
    /// <param name="kibibytes">The size of the disk.</param>
    /// <param name="prepare">What the shell does on the disk, its working directory, before the server is started.</param>
    public static async Task<Chamber> StartAsync(int kibibytes, string prepare = ":")
    {
        var assembly = typeof(Program).Assembly.Location;
        var script = $"mount -t tmpfs -o size={kibibytes}k tmpfs {Disk} && cd {Disk} && {{ {prepare}; }} && cd \"$0\" && exec dotnet \"$@\"";
        var program = RunningProgram.Start(
            "unshare", "util-linux", null, "-rm", "/bin/sh", "-c", script, Path.GetDirectoryName(assembly)!, assembly, "--urls=http://127.0.0.1:0",
            "--CComet:Store:Kind=Sqlite", $"--CComet:Store:Path={Disk}/ccomet.db", "--CComet:Poll:Timeout=00:00:01");
        var chamber = new Chamber(program);
        const string Listening = "Now listening on: ";
        await Eventually.TrueAsync(() => program.HasExited || program.Lines.Any(l => l.Contains(Listening, StringComparison.Ordinal)), "The server listens");
        Assert.False(program.HasExited, $"The server has ended: {program.Complaints}");
        var line = program.Lines.First(l => l.Contains(Listening, StringComparison.Ordinal));
        chamber.Http = new HttpClient { BaseAddress = new Uri(line[(line.IndexOf(Listening, StringComparison.Ordinal) + Listening.Length)..]) };
        return chamber;
    }

    /// <summary>Leaves no room on the disk.</summary>
    public void Fill()
    {
        using var filler = new FileStream(Path.Combine(Root, "filler"), FileMode.Append, FileAccess.Write, FileShare.None, 0);
        try
        {
            while (true) filler.Write(new byte[512]);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    /// <summary>Makes room again.</summary>
    public void Empty() => File.Delete(Path.Combine(Root, "filler"));

    /// <summary>Lets the disk be written to.</summary>
    public async Task UnlockAsync()
    {
        using var mount = Process.Start("nsenter", ["--preserve-credentials", "-U", "-m", "-t", $"{_program.Id}", "mount", "-o", "remount,rw", Disk]);
        await mount.WaitForExitAsync();
        Assert.Equal(0, mount.ExitCode);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _program.DisposeAsync();
    }
}
