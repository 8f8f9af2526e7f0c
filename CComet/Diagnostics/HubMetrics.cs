using System.Diagnostics.Metrics;

namespace CComet.Diagnostics;

/// <summary>What the hub counts, under the meter <c>CComet</c>.</summary>
internal sealed class HubMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "CComet";

    private readonly Counter<long> _published;
    private readonly Counter<long> _delivered;
    private readonly Counter<long> _lost;
    private readonly Counter<long> _resets;
    private readonly Counter<long> _stalled;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _evicted;
    private readonly UpDownCounter<int> _subscribers;
    private readonly UpDownCounter<int> _channels;

    /// <summary>Makes the instruments.</summary>
    public HubMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _published = meter.CreateCounter<long>("ccomet.published", "{message}", "Messages stored.");
        _delivered = meter.CreateCounter<long>("ccomet.delivered", "{message}", "Messages read by subscribers.");
        _lost = meter.CreateCounter<long>("ccomet.gap.messages", "{message}", "Messages that subscribers were told they missed.");
        _resets = meter.CreateCounter<long>("ccomet.resets", "{reset}", "Subscribers that were told of a new epoch.");
        _stalled = meter.CreateCounter<long>("ccomet.stalled", "{connection}", "Streams cut off because the client took nothing; the tag names the channel.");
        _refused = meter.CreateCounter<long>("ccomet.limit.refused", "{request}", "Requests refused, and connections closed, because a bound was met; the tag names the setting.");
        _evicted = meter.CreateCounter<long>("ccomet.limit.evicted", "{channel}", "Idle channels dropped from memory to keep a bound; the tag names the setting.");
        _subscribers = meter.CreateUpDownCounter<int>("ccomet.subscribers", "{subscriber}", "Subscribers at this moment.");
        _channels = meter.CreateUpDownCounter<int>("ccomet.channels", "{channel}", "Channels open on this node at this moment.");
    }

    /// <summary>What administration shows of them, as an instrument cannot be read.</summary>
    internal HubTotals Totals { get; } = new();

    internal void Published(int messages)
    {
        _published.Add(messages);
        Totals.Published.Add(messages);
    }

    internal void Delivered(int messages)
    {
        _delivered.Add(messages);
        Totals.Delivered.Add(messages);
    }

    internal void Gap(long messages)
    {
        _lost.Add(messages);
        Totals.Gaps.Add(1);
    }

    internal void Reset()
    {
        _resets.Add(1);
        Totals.Resets.Add(1);
    }

    internal void Stalled(string channel)
    {
        _stalled.Add(1, new KeyValuePair<string, object?>("channel", channel));
        Totals.Stalled.Add(1);
    }

    internal void Refused(string bound)
    {
        _refused.Add(1, new KeyValuePair<string, object?>("bound", bound));
        Totals.Refused.Add(1);
    }

    internal void Evicted(string bound) => _evicted.Add(1, new KeyValuePair<string, object?>("bound", bound));

    internal void Subscribers(int change) => _subscribers.Add(change);

    internal void Channels(int change) => _channels.Add(change);
}
