using CComet.Diagnostics;
using CComet.Kestrel;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace CComet.Web.Tests.Kestrel;

/// <summary>How many connections may be open, and what is said when no more may.</summary>
public sealed class ConnectionGateTests
{
    private const string Pause = "Accepting pauses";
    private const string Resume = "Accepting goes on";

    private readonly LogLines<ConnectionGate> _log = new();

    [Theory]
    [InlineData(300, 200, 50)]
    [InlineData(1_024, 200, 696)]
    [InlineData(262_144, 200, 250_000)]
    [InlineData(100, 200, 1)]
    [InlineData(null, 200, 250_000)]
    public void Connections_leave_descriptors_for_the_rest_of_the_process(int? openFiles, int inUse, int expected)
    {
        using var gate = Gate(new LimitOptions(), openFiles, inUse);
        Assert.Equal(expected, gate.Max);
    }

    [Fact]
    public void Start_warns_when_fewer_connections_fit_than_subscribers_are_promised()
    {
        using var small = Gate(new LimitOptions(), 1_024, 200);
        var line = Assert.Single(_log.Lines);
        Assert.Contains("696", line, StringComparison.Ordinal);
        Assert.Contains("the limit of open files", line, StringComparison.Ordinal);
        Assert.Contains("200000", line, StringComparison.Ordinal);

        using var enough = Gate(new LimitOptions { Subscribers = 696 }, 1_024, 200);
        Assert.Single(_log.Lines);
    }

    [Fact]
    public async Task Gate_lets_no_more_in_than_there_are_places_and_the_next_when_one_leaves()
    {
        using var gate = Gate(new LimitOptions { Connections = 2 });
        await gate.EnterAsync(CancellationToken.None);
        await gate.EnterAsync(CancellationToken.None);
        var third = gate.EnterAsync(CancellationToken.None);
        Assert.False(third.IsCompleted);
        gate.Leave();
        await third;
        Assert.Equal(0, gate.Free);
    }

    [Fact]
    public async Task Pause_and_its_end_are_logged_once_each_though_many_come_and_go_at_the_bound()
    {
        using var gate = Gate(new LimitOptions { Connections = 32, Subscribers = 1 });
        for (var i = 0; i < 32; i++) await gate.EnterAsync(CancellationToken.None);
        Assert.Empty(_log.Lines);

        var waiting = Enumerable.Range(0, 100).Select(_ => gate.EnterAsync(CancellationToken.None)).ToArray();
        for (var i = 0; i < 100; i++)
        {
            gate.Leave();
            await waiting[i];
        }

        gate.Leave();
        await gate.EnterAsync(CancellationToken.None);
        Assert.Equal((1, 0), (_log.Count(Pause), _log.Count(Resume)));

        // A sixteenth of the places is free.
        gate.Leave();
        gate.Leave();
        Assert.Equal((1, 1), (_log.Count(Pause), _log.Count(Resume)));
        for (var i = 0; i < 30; i++) gate.Leave();
        Assert.Equal((1, 1), (_log.Count(Pause), _log.Count(Resume)));
    }

    [Fact]
    public async Task Pause_is_counted_once()
    {
        using var services = new ServiceCollection().AddMetrics().AddSingleton<HubMetrics>().BuildServiceProvider();
        using var gate = new ConnectionGate(new LimitOptions { Connections = 1 }, null, 0, _log, services.GetRequiredService<HubMetrics>());
        await gate.EnterAsync(CancellationToken.None);
        for (var i = 0; i < 3; i++) Assert.False(gate.EnterAsync(CancellationToken.None).IsCompleted);
        Assert.Equal(1, Counts.Read(services)["ccomet.connections.refused reason=connections"]);
    }

    [Fact]
    public void Limit_of_open_files_is_the_soft_one()
    {
        Assert.Equal(300, OpenFiles.LimitOf(["Limit                     Soft Limit           Hard Limit           Units", "Max open files            300                  4096                 files"]));
        Assert.Null(OpenFiles.LimitOf(["Max open files            unlimited            unlimited            files"]));
        Assert.Null(OpenFiles.LimitOf(["Max open files            1073741824000        1073741824000        files"]));
        Assert.Null(OpenFiles.LimitOf([]));
    }

    [Fact]
    public void Descriptors_of_this_process_are_counted()
    {
        if (!OperatingSystem.IsLinux()) return;
        Assert.True(OpenFiles.Limit() is null or > 0);
        Assert.True(OpenFiles.InUse() > 3);
    }

    private ConnectionGate Gate(LimitOptions limits, int? openFiles = null, int inUse = 0) => new(limits, openFiles, inUse, _log);
}
