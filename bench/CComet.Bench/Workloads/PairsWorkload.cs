using CComet.Bench.Load;
using CComet.Bench.Peers;

namespace CComet.Bench.Workloads;

/// <summary>Many channels with one subscriber each.</summary>
internal sealed class PairsWorkload(string key, Transport transport, int channels, double perSecond, double mostOfNchan, params Goal[] processor) : Workload
{
    private const int Connections = 16;

    private static readonly TimeSpan Warm = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(6);

    public override string Key => key;

    public override string Title => $"{channels:N0} channels with one subscriber each by {(transport == Transport.Poll ? "long poll" : "server-sent events")}, {perSecond:N0} messages/s";

    public override IReadOnlyList<Figure> Figures =>
    [
        new("latency, p99", "ms", Less: true, new Goal(mostOfNchan, "nchan")),
        new("latency, median", "ms", Less: true),
        new("processor time for each message", "µs", Less: true, processor),
    ];

    public override async Task<double[]> MeasureAsync(Peer peer)
    {
        await using var server = await peer.StartAsync();
        using var crowd = new Crowd(server.Port, channels, peer.IsTold(transport), (i, tally) => peer.Subscribe(transport, $"pair{i}", tally));
        await crowd.ReadyAsync();
        using var publishers = new Publishers(server.PublishPort, Connections, channels, (channel, text) => peer.Publish($"pair{channel}", text), inOrder: true);
        await crowd.ReceivedAsync(await publishers.AtRateAsync(perSecond, Warm));

        crowd.Measure();
        var (before, processor) = (crowd.Deliveries, server.ProcessorMicros);
        await crowd.ReceivedAsync(before + await publishers.AtRateAsync(perSecond, Measured));
        var used = server.ProcessorMicros - processor;
        crowd.RequireWhole();
        return [crowd.Latency(99), crowd.Latency(50), used / (crowd.Deliveries - before)];
    }
}
