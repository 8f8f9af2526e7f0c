using CComet.Bench.Load;
using CComet.Bench.Peers;

namespace CComet.Bench.Workloads;

/// <summary>
/// What a parked subscriber costs: how much larger the process is for it, once the burst of their coming has settled. The code is
/// warm before: several times some hundred have come, been served and gone. So much has been published that any server has noticed, and what that left
/// behind has settled too: it would be taken off what the subscribers cost.
/// </summary>
internal sealed class IdleWorkload(string key, Transport transport, int subscribers, double most) : Workload
{
    private const int Warm = 500;

    /// <summary>In several waves: a just-in-time compiler counts the calls of what it has compiled only once it has come to rest.</summary>
    private const int WarmWaves = 4;
    private const int WarmPublishers = 16;
    private const double WarmPerSecond = 30_000;

    private static readonly TimeSpan WarmTime = TimeSpan.FromSeconds(3);

    /// <summary>How long after their arrival the subscribers are weighed: before the first of them asks again.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(20);

    /// <summary>How much later they are weighed again, when a poll of CComet, whose timeout is 28 s, has been answered and asked again.</summary>
    private static readonly TimeSpan Later = TimeSpan.FromSeconds(15);

    public override string Key => key;

    public override string Title => $"{subscribers:N0} waiting {(transport == Transport.Poll ? "long polls" : "streams of server-sent events")}";

    public override IReadOnlyList<Figure> Figures =>
    [
        new("memory for each, 20 s after they came", "kB", Less: true, new Goal(most), new Goal(1, "nchan")),
        new("the same 15 s later", "kB", Less: true),
        new("memory before they came", "MB", Less: true),
        new("processor time for each that came", "µs", Less: true),
    ];

    public override async Task<double[]> MeasureAsync(Peer peer)
    {
        await using var server = await peer.StartAsync();
        for (var wave = 0; wave < WarmWaves; wave++)
        {
            using var few = new Crowd(server.Port, Warm, peer.IsTold(transport), (_, tally) => peer.Subscribe(transport, "idle", tally));
            await few.ReadyAsync();
            await server.QuietAsync();
            using var publishers = new Publishers(server.PublishPort, 1, 1, (_, text) => peer.Publish("idle", text));
            await publishers.AtRateAsync(20, WarmTime);
        }

        using (var publishers = new Publishers(server.PublishPort, WarmPublishers, 1, (_, text) => peer.Publish("warm", text))) await publishers.AtRateAsync(WarmPerSecond, WarmTime);

        await Task.Delay(peer.Settles);
        var (memory, processor) = (server.ResidentBytes, server.ProcessorMicros);
        using var all = new Crowd(server.Port, subscribers, peer.IsTold(transport), (_, tally) => peer.Subscribe(transport, "idle", tally));
        await all.ReadyAsync();
        await server.QuietAsync();
        var came = server.ProcessorMicros - processor;
        await Task.Delay(Settled);
        var settled = server.ResidentBytes - memory;
        await Task.Delay(Later);
        return [settled / 1000.0 / subscribers, (server.ResidentBytes - memory) / 1000.0 / subscribers, memory / 1e6, came / subscribers];
    }
}
