using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>Parked connections of a server in a process of its own, to which happens what happens to processes.</summary>
public sealed class ParkedProcessTests : IDisposable
{
    private const string CannotAccept = "A connection cannot be accepted";
    private const string AcceptsAgain = "Connections can be accepted again";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ccomet-parked-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Server_without_a_free_descriptor_lives_says_so_once_and_accepts_again()
    {
        if (!OperatingSystem.IsLinux()) return;
        const int Free = 20;
        const int Crowd = 60;
        await using var server = await StartAsync();
        using var old = await RawHttp.ConnectAsync(server.Port);
        Assert.Equal(200, (await old.GetAsync("/pub?channel=b&msg=m")).Status);
        await LimitFilesAsync(server.Process.Id, Free);

        var crowd = new List<RawHttp>();
        for (var i = 0; i < Crowd; i++)
        {
            crowd.Add(await RawHttp.ConnectAsync(server.Port));
            await crowd[^1].SendAsync(RawHttp.Get("/sub?channel=a"));
        }

        await server.Process.LineAsync(CannotAccept);
        for (var i = 0; i < 200; i++) Assert.Equal(200, (await old.GetAsync($"/pub?channel=b&msg={i}")).Status);

        // Those that are left are no more than there are descriptors; some of them were accepted, some wait to be.
        var left = crowd.Where((_, i) => i % 10 == 0).ToList();
        foreach (var raw in crowd.Except(left)) raw.Dispose();
        await server.Process.LineAsync(AcceptsAgain);
        foreach (var raw in left)
        {
            Assert.Equal(200, (await old.GetAsync("/pub?channel=a&msg=m")).Status);
            Assert.NotEmpty((await raw.ReadAsync())!.Elements);
            raw.Dispose();
        }

        Assert.Single(server.Process.Output, line => line.Contains(CannotAccept, StringComparison.Ordinal));
        Assert.Single(server.Process.Output, line => line.Contains(AcceptsAgain, StringComparison.Ordinal));
        server.Process.Terminate();
        Assert.Equal(0, await server.Process.ExitAsync());
        Assert.Empty(server.Process.Errors);
    }

    [Fact]
    public async Task Server_that_was_stopped_and_goes_on_loses_nothing_of_what_came_meanwhile()
    {
        if (!OperatingSystem.IsLinux()) return;
        const int Turns = 5;
        await using var server = await StartAsync();
        using var stream = await OpenAnswer.GetAsync($"http://127.0.0.1:{server.Port}/sse?channel=a&seqid=0");
        using var poll = await RawHttp.ConnectAsync(server.Port);
        using var publisher = await RawHttp.ConnectAsync(server.Port);
        await stream.BeginAsync();
        for (var turn = 0; turn < Turns; turn++)
        {
            await poll.SendAsync(RawHttp.Get($"/sub?channel=a&seqid={2 * turn}"));
            using var gone = await RawHttp.ConnectAsync(server.Port);
            await gone.SendAsync(RawHttp.Get("/sub?channel=gone"));
            server.Process.Signal("STOP");
            await publisher.SendAsync([.. RawHttp.Get($"/pub?channel=a&msg={2 * turn}"), .. RawHttp.Get($"/pub?channel=a&msg={(2 * turn) + 1}")]);
            gone.Reset();
            using var late = await RawHttp.ConnectAsync(server.Port);
            await late.SendAsync(RawHttp.Get($"/sub?channel=a&seqid={2 * turn}"));
            server.Process.Signal("CONT");
            for (var i = 2 * turn; i < 2 * (turn + 1); i++)
            {
                Assert.Equal(200, (await publisher.ReadAsync())!.Status);
                Assert.Equal(i, (await stream.DataAsync()).Seqid);
            }

            foreach (var raw in (RawHttp[])[poll, late]) Assert.Equal(2 * turn, (await raw.ReadAsync())!.Elements[0].GetProperty("seqid").GetInt64());
        }

        Assert.DoesNotContain(server.Process.Output, line => line.Contains("failed", StringComparison.Ordinal));
    }

    /// <summary>A signal ends each call of the system that waits.</summary>
    [Fact]
    public async Task Signals_that_interrupt_calls_of_the_system_change_nothing()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await StartAsync();
        using var stream = await OpenAnswer.GetAsync($"http://127.0.0.1:{server.Port}/sse?channel=a&seqid=0");
        await stream.BeginAsync();
        using var poll = await RawHttp.ConnectAsync(server.Port);
        using var publisher = await RawHttp.ConnectAsync(server.Port);
        using var over = new CancellationTokenSource();
        using var signals = Process.Start("/bin/sh", ["-c", $"while :; do kill -CONT {server.Process.Id} && kill -WINCH {server.Process.Id} || exit; done"]);
        for (var i = 0; i < 300; i++)
        {
            await poll.SendAsync(RawHttp.Get($"/sub?channel=a&seqid={i}"));
            Assert.Equal(200, (await publisher.GetAsync($"/pub?channel=a&msg={i}")).Status);
            Assert.Equal(i, (await poll.ReadAsync())!.Elements[0].GetProperty("seqid").GetInt64());
            Assert.Equal(i, (await stream.DataAsync()).Seqid);
        }

        signals.Kill();
        await signals.WaitForExitAsync();
        Assert.DoesNotContain(server.Process.Output, line => line.Contains("failed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Unix_socket_is_served_beside_connections_that_are_parked()
    {
        if (!OperatingSystem.IsLinux()) return;
        var path = Path.Combine(_folder.FullName, "ccomet.sock");
        var port = Ports.Take();
        await using var process = ServerProcess.Start($"--urls=http://127.0.0.1:{port};http://unix:{path}");
        await process.StartedAsync();
        using var parked = await RawHttp.ConnectAsync(port);
        await parked.SendAsync(RawHttp.Get("/sub?channel=a&seqid=0"));
        using var http = new HttpClient(new SocketsHttpHandler { ConnectCallback = ConnectAsync }) { BaseAddress = new Uri("http://localhost"), Timeout = Patience.Limit };
        var waiting = http.GetStringAsync(new Uri("/sub?channel=a&seqid=0", UriKind.Relative));
        using var stream = await http.GetAsync(new Uri("/sse?channel=a&seqid=0", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        await http.PublishAsync("a", "m");
        Assert.Contains("\"msg\":\"m\"", await waiting, StringComparison.Ordinal);
        Assert.Single((await parked.ReadAsync())!.Elements);
        using var reader = new StreamReader(await stream.Content.ReadAsStreamAsync());
        while (await reader.ReadLineAsync() is { } line && !line.Contains("\"msg\":\"m\"", StringComparison.Ordinal)) Assert.DoesNotContain("bye", line, StringComparison.Ordinal);

        async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
    }

    private static async Task<Listening> StartAsync()
    {
        var process = ServerProcess.Start("--CComet:Parking:Enabled=true", "--CComet:Limits:LogLinesPerSecond=1000");
        using var http = await process.ClientAsync();
        await process.StartedAsync();
        return new Listening(process, http.BaseAddress!.Port);
    }

    /// <summary>Leaves a process so many descriptors.</summary>
    private static async Task LimitFilesAsync(int id, int free)
    {
        var used = Directory.EnumerateFileSystemEntries($"/proc/{id}/fd").Select(name => int.Parse(Path.GetFileName(name), CultureInfo.InvariantCulture)).ToHashSet();
        var limit = 0;
        for (var left = free; left > 0; limit++)
        {
            if (!used.Contains(limit)) left--;
        }

        using var prlimit = Process.Start("prlimit", ["--pid", $"{id}", $"--nofile={limit}:{limit}"]);
        await prlimit.WaitForExitAsync();
        Assert.Equal(0, prlimit.ExitCode);
    }

    private sealed record Listening(ServerProcess Process, int Port) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Process.DisposeAsync();
    }
}
