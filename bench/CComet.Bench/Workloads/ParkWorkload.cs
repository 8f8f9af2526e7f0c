using CComet.Bench.Load;
using CComet.Bench.Peers;

namespace CComet.Bench.Workloads;

/// <summary>
/// All subscribers come at once to a server that has had as many before, and often enough for its code to be warm: a just-in-time
/// compiler goes over it again as long as it learns.
/// </summary>
internal sealed class ParkWorkload(Transport transport, int subscribers, double leastOfNchan) : Workload
{
    private const int Waves = 6;

    public override string Key => transport == Transport.Poll ? "park-poll" : "park-sse";

    public override string Title => $"{subscribers:N0} {(transport == Transport.Poll ? "long polls" : "streams of server-sent events")} coming as fast as they are taken";

    public override IReadOnlyList<Figure> Figures => [new("subscribers that came", "/s", Less: false, new Goal(leastOfNchan, "nchan")), new("processor time for each", "µs", Less: true)];

    public override async Task<double[]> MeasureAsync(Peer peer)
    {
        await using var server = await peer.StartAsync();
        for (var i = 0; i < Waves; i++)
        {
            using var before = await ComeAsync();
            await server.QuietAsync();
        }

        await server.QuietAsync();
        var (began, processor) = (Mark.Now, server.ProcessorMicros);
        using var crowd = await ComeAsync();
        var answered = Mark.Now;

        // Where no answer tells that a poll waits, the server has taken them all when it has nothing left to do.
        var quiet = await server.QuietAsync();
        return [subscribers * 1e6 / ((peer.IsTold(transport) ? answered : Math.Max(answered, quiet)) - began), (server.ProcessorMicros - processor) / subscribers];

        async Task<Crowd> ComeAsync()
        {
            var crowd = new Crowd(server.Port, subscribers, peer.IsTold(transport), (_, tally) => peer.Subscribe(transport, "park", tally), between: 40);
            await crowd.ReadyAsync();
            return crowd;
        }
    }
}
