using System.Diagnostics;
using System.Globalization;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hardening;

/// <summary>Connections that use up the open files of the process.</summary>
public sealed class StoreOpenFilesTests : IDisposable
{
    /// <summary>How many threads the pool has, as the runtime's settings take it.</summary>
    private const int Workers = 2;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ccomet-files-");

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>The file is served by the connections that are open; looking whether it is still the same one must not close them.</summary>
    [Fact]
    public async Task Sqlite_serves_on_when_no_more_files_may_be_open()
    {
        await using var server = ServerProcess.StartWith(
            new Dictionary<string, string>
            {
                // A thread that is started takes a pipe, and without one the runtime ends the process: it may need none later.
                ["DOTNET_ThreadPool_ForceMinWorkerThreads"] = $"{Workers}",
                ["DOTNET_ThreadPool_ForceMaxWorkerThreads"] = $"{Workers}",
                ["DOTNET_TieredCompilation"] = "0",
            },
            "--CComet:Store:Kind=Sqlite",
            $"--CComet:Store:Path={Path.Combine(_folder.FullName, "c.db")}");
        using var http = await server.ClientAsync();
        (await http.GetAsync(new Uri("/pub?channel=a&msg=0", UriKind.Relative))).EnsureSuccessStatusCode();

        // Once before, and not before the start is over: code that is first used now is loaded from files, for which the server keeps
        // a reserve that this limit takes away, as it does for threads.
        Assert.Equal(["0"], await http.KeptAsync("a"));
        await server.StartedAsync();
        await Eventually.TrueAsync(
            async () =>
            {
                await Task.WhenAll(http.KeptAsync("a"), http.KeptAsync("a"));
                return server.Threads.Count(name => name == ".NET TP Worker") == Workers;
            },
            "Every thread of the pool");
        Limit(server.Id, "3");
        await Eventually.TrueAsync(() => server.Output.Any(l => l.Contains("may be open", StringComparison.Ordinal) || l.Contains("cannot write", StringComparison.Ordinal)), "The look at the file");
        var served = await Record.ExceptionAsync(async () =>
        {
            Assert.Equal(1, (await http.PublishAsync("a", "1")).GetProperty("seqid").GetInt32());
            Assert.Equal(["0", "1"], await http.KeptAsync("a"));
        });
        Assert.True(served is null, $"{served}\n{string.Join('\n', [.. server.Output, .. server.Errors])}");
        Assert.DoesNotContain(server.Output, l => l.Contains("cannot write", StringComparison.Ordinal));
        Assert.Single(server.Output, l => l.Contains("No more files may be open", StringComparison.Ordinal));
    }

    private static void Limit(int process, string files)
    {
        using var prlimit = Process.Start("prlimit", ["--pid", process.ToString(CultureInfo.InvariantCulture), $"--nofile={files}:"]);
        prlimit.WaitForExit();
        Assert.Equal(0, prlimit.ExitCode);
    }
}
