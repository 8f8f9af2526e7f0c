using System.Diagnostics.CodeAnalysis;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hardening;

/// <summary>Fault: what reads the server's output stops reading, so that a write to it blocks for ever.</summary>
public sealed class LogReaderTests
{
    /// <summary>A pipe holds 64 KiB, which is some 1,000 lines.</summary>
    private const int Requests = 5_000;

    private const int KilledByTerm = 128 + 15;

    [Fact]
    public async Task Requests_are_answered_and_a_signal_ends_the_process_well_while_the_log_is_not_read()
    {
        if (OperatingSystem.IsWindows()) return;
        var port = Ports.Take();
        await using var server = ServerProcess.StartUnread(port, "--CComet:Drain:Grace=00:00:00");
        using var connection = await FillAsync(port);
        server.Terminate();
        Assert.Equal(0, await server.ExitAsync());
    }

    [Fact]
    public async Task Second_signal_ends_the_process_though_a_request_waits_and_the_log_is_not_read()
    {
        if (OperatingSystem.IsWindows()) return;
        var port = Ports.Take();
        await using var server = ServerProcess.StartUnread(port, "--CComet:Drain:Grace=00:10:00", "--CComet:Poll:Timeout=00:10:00");
        using var connection = await FillAsync(port);
        using var waiting = await RawHttp.ConnectAsync(port);
        await waiting.SendAsync(RawHttp.Get("/sub?channel=b"));
        server.Terminate();
        Answer ready;
        do ready = await connection.GetAsync("/health/ready");
        while (ready.Status == 200);
        server.Terminate();
        Assert.Equal(KilledByTerm, await server.ExitAsync());
    }

    [Fact]
    public async Task Start_that_fails_ends_while_its_errors_are_not_read()
    {
        await using var server = ServerProcess.StartUnread(Ports.Take(), "--CComet:Limits:Subscribers=" + new string('x', 100_000));
        Assert.Equal(1, await server.ExitAsync());
    }

    /// <summary>Gives a connection over which more requests were answered than the pipe has room for lines.</summary>
    private static async Task<RawHttp> FillAsync(int port)
    {
        var connection = await ConnectAsync(port);
        for (var i = 0; i < Requests; i++) Assert.Equal(200, (await connection.GetAsync("/sub?channel=a&seqid=0&wait=0")).Status);
        Assert.Equal(200, (await connection.GetAsync("/health/live")).Status);
        return connection;
    }

    [SuppressMessage("Performance", "CA1849", Justification = "The condition is looked at again and again.")]
    private static async Task<RawHttp> ConnectAsync(int port)
    {
        await Eventually.TrueAsync(() => Ports.Listens(port), "Listening");
        return await RawHttp.ConnectAsync(port);
    }
}
