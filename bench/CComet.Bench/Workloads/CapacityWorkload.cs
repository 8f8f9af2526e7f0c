using CComet.Bench.Load;
using CComet.Bench.Peers;

namespace CComet.Bench.Workloads;

/// <summary>Messages to all subscribers of one channel, as many as the server delivers: a few are always on their way.</summary>
internal sealed class CapacityWorkload(int subscribers, double leastOfNchan, double mostOfNchan) : Workload
{
    private const int OnTheirWay = 4;

    private static readonly TimeSpan Warm = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(6);

    public override string Key => "capacity-sse";

    public override string Title => $"1 → {subscribers:N0} by server-sent events, {OnTheirWay} messages always on their way";

    public override IReadOnlyList<Figure> Figures =>
    [
        new("deliveries", "/s", Less: false, new Goal(leastOfNchan, "nchan")),
        new("processor time for each delivery", "µs", Less: true, new Goal(mostOfNchan, "nchan")),
    ];

    public override async Task<double[]> MeasureAsync(Peer peer)
    {
        await using var server = await peer.StartAsync();
        using var crowd = new Crowd(server.Port, subscribers, peer.IsTold(Transport.Events), (_, tally) => peer.Subscribe(Transport.Events, "capacity", tally));
        await crowd.ReadyAsync();
        using var publishers = new Publishers(server.PublishPort, 1, 1, (_, text) => peer.Publish("capacity", text));
        await publishers.AtOnceAsync(Warm, MayPublish);

        var (began, before, processor) = (Mark.Now, crowd.Deliveries, server.ProcessorMicros);
        await publishers.AtOnceAsync(Measured, MayPublish);
        var (took, deliveries, used) = (Mark.Now - began, crowd.Deliveries - before, server.ProcessorMicros - processor);
        crowd.RequireWhole();
        return [deliveries * 1e6 / took, used / deliveries];

        bool MayPublish(long sent) => crowd.Deliveries > (sent - OnTheirWay) * subscribers;
    }
}
