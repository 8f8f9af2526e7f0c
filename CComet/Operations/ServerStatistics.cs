using CComet.Access;
using CComet.Channels;

namespace CComet.Operations;

/// <summary>The figures of a node at one moment.</summary>
/// <param name="Time">The moment, in Unix milliseconds.</param>
/// <param name="Uptime">How long the node has been up.</param>
/// <param name="Published">Messages stored since the start.</param>
/// <param name="Delivered">Messages read by subscribers since the start.</param>
/// <param name="Gaps">Gaps that subscribers were told of since the start.</param>
/// <param name="Resets">Resets that subscribers were told of since the start.</param>
/// <param name="Stalled">Streams cut off since the start because the client took nothing.</param>
/// <param name="Refused">Requests and connections refused since the start because a bound was met.</param>
/// <param name="Subscribers">How many subscribers there are.</param>
/// <param name="Transports">How many by each transport.</param>
/// <param name="Channels">How many channels are open.</param>
/// <param name="ProcessBytes">What the process takes in memory.</param>
/// <param name="HeapBytes">What of it is in use on the managed heap, as of the last collection and since.</param>
/// <param name="DrainedFrom">Of how many subscribers a drain began; null while there is none.</param>
internal sealed record ServerStatistics(
    long Time,
    TimeSpan Uptime,
    long Published,
    long Delivered,
    long Gaps,
    long Resets,
    long Stalled,
    long Refused,
    int Subscribers,
    TransportCounts Transports,
    int Channels,
    long ProcessBytes,
    long HeapBytes,
    int? DrainedFrom)
{
    /// <summary>Takes the figures.</summary>
    /// <param name="hub">The hub.</param>
    /// <param name="since">When the node was started, in Unix milliseconds.</param>
    public static ServerStatistics Take(ChannelHub hub, long since)
    {
        var (context, totals) = (hub.Context, hub.Context.Metrics.ReadTotals());
        var now = context.Time.GetUtcNow().ToUnixTimeMilliseconds();
        return new ServerStatistics(
            now,
            TimeSpan.FromMilliseconds(now - since),
            totals.Published,
            totals.Delivered,
            totals.Gaps,
            totals.Resets,
            totals.Stalled,
            totals.Refused,
            hub.SubscriberCount,
            context.Metrics.SubscribersByTransport,
            hub.ChannelCount,
            Environment.WorkingSet,
            GC.GetTotalMemory(forceFullCollection: false),
            hub.IsDraining ? context.DrainedFrom : null);
    }
}
