using CComet.Bench.Load;
using CComet.Bench.Peers;

namespace CComet.Bench.Workloads;

/// <summary>Each message to all subscribers of one channel, at a rate that every server can keep.</summary>
internal sealed class FanoutWorkload(string key, Transport transport, int subscribers, double perSecond, double mostOfNchan) : Workload
{
    private static readonly TimeSpan Warm = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(8);

    public override string Key => key;

    public override string Title => $"1 → {subscribers:N0} by {(transport == Transport.Poll ? "long poll, each polling again" : "server-sent events")}, {perSecond} messages/s";

    public override IReadOnlyList<Figure> Figures =>
    [
        new("processor time for each delivery", "µs", Less: true, new Goal(mostOfNchan, "nchan")),
        new("of that, in the kernel", "µs", Less: true),
        new("latency, median", "ms", Less: true),
        new("latency, p99", "ms", Less: true),
    ];

    public override async Task<double[]> MeasureAsync(Peer peer)
    {
        await using var server = await peer.StartAsync();
        using var crowd = new Crowd(server.Port, subscribers, peer.IsTold(transport), (_, tally) => peer.Subscribe(transport, "fanout", tally));
        await crowd.ReadyAsync();
        await server.QuietAsync();
        using var publishers = new Publishers(server.PublishPort, 1, 1, (_, text) => peer.Publish("fanout", text));
        await crowd.ReceivedAsync(await publishers.AtRateAsync(perSecond, Warm) * (long)subscribers);
        await server.QuietAsync();

        crowd.Measure();
        var (before, processor, kernel) = (crowd.Deliveries, server.ProcessorMicros, server.KernelMicros);
        var published = await publishers.AtRateAsync(perSecond, Measured);
        await crowd.ReceivedAsync(before + (published * (long)subscribers));
        if (transport == Transport.Poll) await server.QuietAsync();
        var (used, usedByKernel) = (server.ProcessorMicros - processor, server.KernelMicros - kernel);
        crowd.RequireWhole();
        var deliveries = crowd.Deliveries - before;
        return [used / deliveries, usedByKernel / deliveries, crowd.Latency(50), crowd.Latency(99)];
    }
}
