using CComet.Bench.Load;
using CComet.Bench.Peers;

namespace CComet.Bench.Workloads;

/// <summary>
/// Publishes to channels without subscribers, each connection the next message as soon as the last is answered. With many connections it
/// shows, beside an endpoint that does nothing, what the web server itself takes for a request when nothing of its connection is in the
/// processor's cache any more: no long poll can cost less.
/// </summary>
internal sealed class PublishWorkload(string key, int connections, params Goal[] goals) : Workload
{
    private const int Channels = 16;

    private static readonly TimeSpan Warm = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(5);

    public override string Key => key;

    public override string Title => $"publishing without subscribers, {connections:N0} connections";

    public override IReadOnlyList<Figure> Figures => [new("messages", "/s", Less: false, goals), new("processor time for each", "µs", Less: true)];

    public override bool Suits(Peer peer) => true;

    public override async Task<double[]> MeasureAsync(Peer peer)
    {
        await using var server = await peer.StartAsync();
        using var one = New();
        using var other = New();
        await PublishAsync(Warm);
        var (began, processor) = (Mark.Now, server.ProcessorMicros);
        var published = await PublishAsync(Measured);
        return [published * 1e6 / (Mark.Now - began), (server.ProcessorMicros - processor) / published];

        Publishers New() => new(server.PublishPort, connections / 2, Channels, (channel, text) => peer.Publish($"publish{channel}", text));

        async Task<int> PublishAsync(TimeSpan duration) => (await Task.WhenAll(one.AtOnceAsync(duration), other.AtOnceAsync(duration))).Sum();
    }
}
