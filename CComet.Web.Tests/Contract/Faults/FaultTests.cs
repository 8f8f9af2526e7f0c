using System.Collections.Concurrent;
using System.Globalization;
using Xunit.Abstractions;

namespace CComet.Web.Tests.Contract.Faults;

/// <summary>
/// The promise under faults. <c>CCOMET_FAULT_RUNS</c> sets how many runs of each kind there are; <c>CCOMET_FAULT_SEED</c>
/// replays one seed.
/// </summary>
public sealed class FaultTests(ITestOutputHelper output)
{
    private const int AtATime = 8;

    private static readonly Transport[] All = Enum.GetValues<Transport>();

    private static readonly string[] Quick =
        ["CComet:Poll:Timeout=00:00:00.3", "CComet:Stream:Heartbeat=00:00:00.1", "CComet:History:MaxMessages=1000"];

    public static TheoryData<Transport> Transports => [.. All];

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Nothing_is_lost_or_repeated_when_connections_fail(Transport transport)
    {
        await using var server = new Restartable(Quick);
        await server.StartAsync();
        var checkers = await RunManyAsync(seed => new FaultRun(seed, server, [transport], disturbances: 0), Runs(12));
        Assert.All(checkers, c => Assert.Equal(0, c.Gaps + c.Resets));
    }

    [Fact]
    public async Task Nothing_is_lost_or_repeated_when_the_transport_changes_at_every_reconnect()
    {
        await using var server = new Restartable(Quick);
        await server.StartAsync();
        var checkers = await RunManyAsync(seed => new FaultRun(seed, server, All, disturbances: 0), Runs(12));
        Assert.All(checkers, c => Assert.Equal(0, c.Gaps + c.Resets));
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Gap_is_told_for_what_a_tiny_history_has_dropped(Transport transport)
    {
        await using var server = new Restartable([.. Quick, "CComet:History:MaxMessages=10"]);
        await server.StartAsync();
        var checkers = await RunManyAsync(seed => new FaultRun(seed, server, [transport], disturbances: 0), Runs(12));
        Assert.All(checkers, c => Assert.Equal(0, c.Resets));
        Assert.Contains(checkers, c => c.Gaps > 0);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Restart_that_loses_the_log_is_told_as_a_reset(Transport transport)
    {
        var resets = 0;
        for (var run = 0; run < Math.Max(1, Runs(12) / 4); run++)
        {
            await using var server = new Restartable(Quick);
            await server.StartAsync();
            var checkers = await RunManyAsync(seed => new FaultRun(seed, server, [transport, transport, All[Math.Abs(seed) % All.Length]], disturbances: 2), 1);
            resets += checkers.Sum(c => c.Resets);
        }

        Assert.True(resets > 0);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Restart_on_a_file_loses_and_repeats_nothing(Transport transport)
    {
        for (var run = 0; run < Math.Max(1, Runs(12) / 4); run++)
        {
            var folder = Directory.CreateTempSubdirectory("ccomet-faults-");
            await using (var server = new Restartable([.. Quick, "CComet:Store:Kind=Sqlite", $"CComet:Store:Path={folder.FullName}/ccomet.db"]))
            {
                await server.StartAsync();
                var checkers = await RunManyAsync(seed => new FaultRun(seed, server, [transport, transport, All[Math.Abs(seed) % All.Length]], disturbances: 3), 1);
                Assert.All(checkers, c => Assert.Equal((0L, 0), (c.Gaps, c.Resets)));
            }

            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Hopping_between_two_nodes_that_are_killed_as_is_their_redis_loses_and_repeats_nothing(Transport transport)
    {
        await using var nodes = await TwoNodes.StartAsync(Quick);
        for (var run = 0; run < Math.Max(1, Runs(12) / 4); run++)
        {
            var checkers = await RunManyAsync(seed => new FaultRun(seed, nodes, [transport, transport, All[Math.Abs(seed) % All.Length]], disturbances: 3), 1);
            Assert.All(checkers, c => Assert.Equal((0L, 0), (c.Gaps, c.Resets)));
        }

        output.WriteLine($"kills of the nodes and of Redis: {string.Join(", ", nodes.Kills)}");
    }

    private static int Runs(int usual) =>
        Environment.GetEnvironmentVariable("CCOMET_FAULT_SEED") is not null ? 1
        : Environment.GetEnvironmentVariable("CCOMET_FAULT_RUNS") is { } runs ? int.Parse(runs, CultureInfo.InvariantCulture) : usual;

    private async Task<IReadOnlyCollection<Checker>> RunManyAsync(Func<int, FaultRun> make, int runs)
    {
        var replay = Environment.GetEnvironmentVariable("CCOMET_FAULT_SEED");
        var first = replay is null ? Random.Shared.Next() / 2 : int.Parse(replay, CultureInfo.InvariantCulture);
        var checkers = new ConcurrentBag<Checker>();
        var connections = 0;
        await Parallel.ForAsync(0, runs, new ParallelOptions { MaxDegreeOfParallelism = AtATime }, async (i, _) =>
        {
            var run = make(first + (i * 10));
            try
            {
                await run.RunAsync();
            }
            catch (Exception e)
            {
                throw new PromiseBrokenException($"seed {first + (i * 10)} (replay with CCOMET_FAULT_SEED={first + (i * 10)}): {e.Message}\n{e}");
            }

            checkers.Add(run.Checker);
            Interlocked.Add(ref connections, run.Connections);
        });
        output.WriteLine($"seeds {first} to {first + ((runs - 1) * 10)} by tens: {checkers.Sum(c => c.Accepted.Count)} messages over {connections} connections, {checkers.Sum(c => c.Gaps)} in gaps, {checkers.Sum(c => c.Resets)} resets");
        return checkers;
    }
}
