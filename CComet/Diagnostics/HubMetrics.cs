using System.Diagnostics.Metrics;
using CComet.Access;
using CComet.Messages;

namespace CComet.Diagnostics;

/// <summary>What the hub counts, under the meter <c>CComet</c>.</summary>
/// <remarks>
/// Counts are kept here, and the instruments are read on demand: counting costs the same few nanoseconds whether somebody looks or not, and
/// nothing is kept for each subscriber. All tags have few values, which are names in the code. docs/metrics.md lists them.
/// </remarks>
internal sealed class HubMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "CComet";

    /// <summary>How a lag is told apart: most are of milliseconds, and a crowd's of some tens.</summary>
    private static readonly double[] LagBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    /// <summary>How an append is: in memory of microseconds, on a disk of milliseconds.</summary>
    private static readonly double[] AppendBounds = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private static readonly double[] HookBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private static readonly string[] Transports = ["poll", "jsonp", "sse", "stream", "websocket"];
    private static readonly string[] Recoveries = ["complete", "gap", "reset"];
    private static readonly string[] HookResults = ["allowed", "denied", "failed"];

    private readonly Meter _meter;
    private readonly StripedCells _delivered = new(Transports.Length);
    private readonly StripedCells _published = new(1);
    private readonly long[] _subscribers = new long[Transports.Length];
    private readonly StripedCells _recovered = new(Transports.Length * Recoveries.Length);
    private readonly NamedCounts _stalled = new("transport", Transports);
    private readonly NamedCounts _refused = new("bound");
    private readonly NamedCounts _evicted = new("bound");
    private readonly NamedCounts _refusedConnections = new("reason", ConnectionRefusal.All);
    private readonly NamedCounts _refusedRequests = new("reason", RequestRefusal.All);
    private readonly DurationHistogram _lag;
    private readonly DurationHistogram _hook;
    private readonly List<WebhookCounts> _webhooks = [];
    private DurationHistogram? _append;
    private long _lost;
    private long _gaps;
    private long _resets;
    private long _channels;
    private Func<int>? _presence;

    /// <summary>Makes the instruments.</summary>
    public HubMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(MeterName);
        _meter.CreateObservableCounter("ccomet.published", () => _published.Read(0), "{message}", "Messages stored that were published here.");
        _meter.CreateObservableCounter("ccomet.delivered", () => ByTransport(_delivered.Read), "{message}", "Messages given to subscribers.");
        _meter.CreateObservableCounter("ccomet.gap.messages", () => Volatile.Read(ref _lost), "{message}", "Messages that subscribers were told they missed.");
        _meter.CreateObservableCounter("ccomet.resets", () => Volatile.Read(ref _resets), "{reset}", "Times that a subscriber was told of a new epoch.");
        _meter.CreateObservableCounter("ccomet.recoveries", ReadRecoveries, "{subscription}", "Subscriptions that came with a cursor, by whether they were given all that they missed.");
        _meter.CreateObservableCounter("ccomet.stalled", _stalled.Read, "{connection}", "Connections closed because the client took nothing of what was sent to it.");
        _meter.CreateObservableCounter("ccomet.limit.refused", _refused.Read, "{request}", "Requests refused, and connections closed, because a bound was met; the tag names the setting.");
        _meter.CreateObservableCounter("ccomet.limit.evicted", _evicted.Read, "{channel}", "Idle channels dropped from memory to keep a bound; the tag names the setting.");
        _meter.CreateObservableCounter("ccomet.connections.refused", _refusedConnections.Read, "{connection}", "Connections closed at once by the bound of their address, and times that accepting stopped for another reason.");
        _meter.CreateObservableCounter("ccomet.requests.refused", _refusedRequests.Read, "{request}", "Requests and frames of WebSockets that were answered with a refusal.");
        _meter.CreateObservableUpDownCounter("ccomet.subscribers", () => ByTransport(transport => Volatile.Read(ref _subscribers[transport])), "{subscriber}", "Subscribers at this moment.");
        _meter.CreateObservableUpDownCounter("ccomet.channels", () => Volatile.Read(ref _channels), "{channel}", "Channels open on this node at this moment.");
        _meter.CreateObservableUpDownCounter("ccomet.presence.members", () => _presence?.Invoke() ?? 0, "{user}", "Users that this node has in channels with presence, each counted in each channel.");
        _meter.CreateObservableCounter("ccomet.webhook.events", () => _webhooks.Select(hook => hook.ReadPosted()), "{event}", "Events that webhooks have taken.");
        _meter.CreateObservableCounter("ccomet.webhook.failures", () => _webhooks.Select(hook => hook.ReadFailed()), "{try}", "Posts that webhooks have not taken; each is tried again.");
        _meter.CreateObservableGauge("ccomet.webhook.lag", () => _webhooks.Select(hook => hook.ReadLag()), "s", "Age of the oldest event that a webhook has not taken; 0 when there is none, and on nodes that do not post to it.");
        _lag = new DurationHistogram(_meter, "ccomet.delivery.lag", "Time from the append of a message until it is written to a subscriber that waited for it, of the oldest message of each write.", LagBounds, "transport", Transports);
        _hook = new DurationHistogram(_meter, "ccomet.hook.duration", "Time until the application answered a question of the access hook; cached answers are not counted.", HookBounds, "result", HookResults);
    }

    /// <summary>The histograms, which no listener can read.</summary>
    public IReadOnlyList<DurationHistogram> Histograms => _append is null ? [_lag, _hook] : [_lag, _append, _hook];

    /// <summary>Whether an instrument is one of these.</summary>
    public bool Owns(Instrument instrument) => instrument.Meter == _meter;

    /// <summary>What a transport is called.</summary>
    public static string NameOf(Transport transport) => Transports[(int)transport];

    /// <summary>How many subscribers there are by each transport.</summary>
    internal TransportCounts SubscribersByTransport
    {
        get
        {
            var counts = default(TransportCounts);
            for (var i = 0; i < _subscribers.Length; i++) counts[i] = (int)Volatile.Read(ref _subscribers[i]);
            return counts;
        }
    }

    /// <summary>What was counted since the start.</summary>
    internal HubTotals ReadTotals() => new(_published.Read(0), Enumerable.Range(0, Transports.Length).Sum(_delivered.Read), Volatile.Read(ref _gaps), Volatile.Read(ref _resets), _stalled.Total, _refused.Total);

    internal void Published(int messages) => _published.Add(0, messages);

    /// <summary>Messages were given to a subscriber.</summary>
    internal void Delivered(Transport transport, int messages)
    {
        if (transport != Transport.Own) _delivered.Add((int)transport, messages);
    }

    /// <summary>A subscriber was given what it has read.</summary>
    internal void Delivered(Transport transport, IReadOnlyList<Reading> readings)
    {
        if (transport == Transport.Own) return;
        var messages = 0;
        for (var i = 0; i < readings.Count; i++)
        {
            var (_, notice, batch) = readings[i];
            messages += batch.Messages.Count;
            if (notice?.Kind == NoticeKind.Gap)
            {
                Interlocked.Increment(ref _gaps);
                Interlocked.Add(ref _lost, notice.Seqid - notice.From + 1);
            }
            else if (notice?.Kind == NoticeKind.Reset) Interlocked.Increment(ref _resets);
        }

        if (messages > 0) Delivered(transport, messages);
    }

    /// <summary>A subscriber that came with a cursor has read for the first time.</summary>
    internal void Recovered(Transport transport, IReadOnlyList<Reading> readings)
    {
        var result = 0;
        for (var i = 0; i < readings.Count; i++) result = Math.Max(result, readings[i].Notice?.Kind switch { NoticeKind.Gap => 1, NoticeKind.Reset => 2, _ => 0 });
        _recovered.Add(((int)transport * Recoveries.Length) + result, 1);
    }

    /// <summary>A batch is written to a subscriber that waited for it.</summary>
    internal void Lagged(Transport transport, TimeSpan lag)
    {
        if (transport != Transport.Own) _lag.Record((int)transport, lag);
    }

    internal void Stalled(Transport transport) => _stalled.Add(Transports[(int)transport]);

    internal void Refused(string bound) => _refused.Add(bound);

    internal void Evicted(string bound) => _evicted.Add(bound);

    /// <summary>A connection was not taken.</summary>
    /// <param name="reason">One of <see cref="ConnectionRefusal"/>.</param>
    internal void RefusedConnection(string reason) => _refusedConnections.Add(reason);

    /// <summary>A request was refused.</summary>
    /// <param name="reason">One of <see cref="RequestRefusal"/>.</param>
    internal void RefusedRequest(string reason) => _refusedRequests.Add(reason);

    internal void Subscribers(Transport transport, int change) => Interlocked.Add(ref _subscribers[(int)transport], change);

    internal void Channels(int change) => Interlocked.Add(ref _channels, change);

    /// <summary>Has the users in channels counted, once they are known.</summary>
    internal void CountMembers(Func<int> count) => _presence = count;

    /// <summary>Makes the histogram of appends, once the store is known.</summary>
    /// <param name="store">The store's kind.</param>
    internal void CountAppends(string store) =>
        _append ??= new DurationHistogram(_meter, "ccomet.store.append.duration", "Time that the store takes to append a publish, as it promises to keep it.", AppendBounds, "store", store);

    /// <summary>Makes the counts of a webhook. Before the first reading.</summary>
    internal WebhookCounts CountWebhook(string name)
    {
        var counts = new WebhookCounts(name);
        _webhooks.Add(counts);
        return counts;
    }

    /// <summary>The store has appended.</summary>
    internal void Appended(TimeSpan duration) => _append?.Record(0, duration);

    /// <summary>The application has answered.</summary>
    /// <param name="isAllowed">What it said; null when it gave no answer.</param>
    /// <param name="duration">How long that took.</param>
    internal void HookAnswered(bool? isAllowed, TimeSpan duration) => _hook.Record(isAllowed switch { true => 0, false => 1, null => 2 }, duration);

    private static KeyValuePair<string, object?> TagOf(int transport) => new("transport", Transports[transport]);

    private static IEnumerable<Measurement<long>> ByTransport(Func<int, long> read) =>
        Enumerable.Range(0, Transports.Length).Select(transport => new Measurement<long>(read(transport), TagOf(transport)));

    private IEnumerable<Measurement<long>> ReadRecoveries() =>
        from transport in Enumerable.Range(0, Transports.Length)
        from result in Enumerable.Range(0, Recoveries.Length)
        select new Measurement<long>(_recovered.Read((transport * Recoveries.Length) + result), TagOf(transport), new KeyValuePair<string, object?>("result", Recoveries[result]));
}
