using CComet.Access;
using CComet.Diagnostics;
using CComet.Limits;
using CComet.Messages;
using CComet.Storage;
using Microsoft.Extensions.Logging;

namespace CComet.Channels;

/// <summary>The parts that the channels and subscribers of one hub have in common; it knows none of them.</summary>
internal sealed class HubContext : IDisposable
{
    private static readonly TimeSpan MinReconnectDelay = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _waitsEnded = new();
    private int _subscriberCount;
    private int _drainedFrom;
    private volatile bool _draining;
    private volatile bool _ending;
    private TimeSpan? _drainWindow;

    public HubContext(IMessageStore store, HubOptions options, HubMetrics metrics, TimeProvider time, ILogger logger, Func<bool> evictIdlest, Action<long> shrinkTails)
    {
        Store = store;
        Options = options;
        TailBounds = options.History with { MaxBytes = Math.Min(options.History.MaxBytes, options.Limits.ChannelMemoryBytes) };
        Metrics = metrics;
        metrics.CountAppends(KindOf(store));
        Time = time;
        Logger = logger;
        Limits = new LimitMonitor(metrics, time, logger);
        Quotas = new Quotas(options, Limits, time);
        Grants = new GrantCache(time);
        Bodies = new BodyBudget(options.Limits, Limits);
        Memory = new HubMemory(ByteBudget.Resolve(options.Limits.MemoryBytes, 8), TailBounds.MaxBytes, evictIdlest, shrinkTails);
        Wheel = new TimingWheel(time);
        Kicks = new KickList(time);
    }

    /// <summary>Where the logs are kept.</summary>
    public IMessageStore Store { get; }

    /// <summary>The settings.</summary>
    public HubOptions Options { get; }

    /// <summary>How much of each channel is held in memory.</summary>
    public HistoryOptions TailBounds { get; }

    /// <summary>What is counted.</summary>
    public HubMetrics Metrics { get; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; }

    /// <summary>The hub's log.</summary>
    public ILogger Logger { get; }

    /// <summary>Ends all waits that time out.</summary>
    public TimingWheel Wheel { get; }

    /// <summary>Which bounds are met.</summary>
    public LimitMonitor Limits { get; }

    /// <summary>What each client address and each user may take.</summary>
    public Quotas Quotas { get; }

    /// <summary>The bodies of requests that are in memory.</summary>
    public BodyBudget Bodies { get; }

    /// <summary>The grants of the tokens that were shown lately.</summary>
    public GrantCache Grants { get; }

    /// <summary>What was revoked of the grants.</summary>
    public RevocationList Revocations { get; } = new();

    /// <summary>The users whose connections were ended lately.</summary>
    public KickList Kicks { get; }

    /// <summary>The messages in memory.</summary>
    public HubMemory Memory { get; }

    /// <summary>The channels without subscribers.</summary>
    public IdleChannels Idle { get; } = new();

    /// <summary>Receive which channels have subscribers. Added to before the first subscriber comes.</summary>
    public List<IOccupancyListener> Occupancy { get; } = [];

    /// <summary>Receives which logs this node appends to; null when nothing wants to know. Set before the first append.</summary>
    public IAppendListener? Appends { get; set; }

    /// <summary>Receives which users come and leave; null when no channel has presence. Set before the first channel is opened.</summary>
    public IPresenceListener? Presence { get; set; }

    /// <summary>How many subscribers there are at this moment.</summary>
    public int SubscriberCount => Volatile.Read(ref _subscriberCount);

    /// <summary>True once the server has begun to stop.</summary>
    public bool IsDraining => _draining;

    /// <summary>Cancelled once every wait is ended at once.</summary>
    public CancellationToken WaitsEnded => _waitsEnded.Token;

    /// <summary>True once every wait is ended at once.</summary>
    public bool IsEnding => _ending;

    /// <summary>Counts a subscriber in: in its quotas, and then in the whole.</summary>
    /// <returns>The shares it is counted in.</returns>
    /// <exception cref="DrainingException">The server is stopping.</exception>
    /// <exception cref="LimitException">A subscriber too many.</exception>
    public CallerShares CountIn(in CallerContext caller, int channels)
    {
        if (_draining) throw new DrainingException();
        var shares = Quotas.Enter(caller, channels);
        if (Interlocked.Increment(ref _subscriberCount) > Options.Limits.Subscribers)
        {
            Interlocked.Decrement(ref _subscriberCount);
            Quotas.Leave(shares, channels);
            throw Limits.Refuse("Limits:Subscribers", isGlobal: true, "channel", $"the server has its {Options.Limits.Subscribers} subscribers already.");
        }

        Metrics.Subscribers(caller.Transport, 1);
        return shares;
    }

    /// <summary>Counts a subscriber out.</summary>
    public void CountOut(CallerShares shares, int channels, Transport transport)
    {
        Quotas.Leave(shares, channels);
        Interlocked.Decrement(ref _subscriberCount);
        Metrics.Subscribers(transport, -1);
    }

    /// <summary>Notes that a batch is written to a subscriber that waited for it.</summary>
    /// <param name="transport">The subscriber's transport.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="now">The monotonic clock, which the write has read anyway.</param>
    public void Lagged(Transport transport, Batch batch, long now) => Metrics.Lagged(transport, Time.GetElapsedTime(batch.AppendedAt(Time), now));

    /// <summary>Notes that readings are written to a subscriber that has waited before.</summary>
    public void Lagged(Transport transport, IReadOnlyList<Reading> readings)
    {
        var now = Time.GetTimestamp();
        for (var i = 0; i < readings.Count; i++)
        {
            if (readings[i].Batch is { Messages.Count: > 0 } batch) Lagged(transport, batch, now);
        }
    }

    /// <summary>How many subscribers there were when the drain began.</summary>
    public int DrainedFrom => Volatile.Read(ref _drainedFrom);

    /// <summary>Refuses readiness and new subscribers from now on.</summary>
    public void BeginDrain()
    {
        if (!_draining) Volatile.Write(ref _drainedFrom, SubscriberCount);
        _draining = true;
    }

    /// <summary>Has every later wait end at once, and settles over which time the clients sent away may come back.</summary>
    public void EndWaits()
    {
        _draining = true;
        if (!_ending) _drainWindow = ReconnectWindow();
        _ending = true;
        _waitsEnded.Cancel();
    }

    /// <summary>Returns when a client that is sent away may come back: each at another moment of the window.</summary>
    public TimeSpan ReconnectDelay() => MinReconnectDelay + ((_drainWindow ?? ReconnectWindow()) * Random.Shared.NextDouble());

    /// <summary>Over which time all subscribers of this moment may come back.</summary>
    private TimeSpan ReconnectWindow() => TimeSpan.FromSeconds(Math.Max(1, (double)SubscriberCount / Options.Drain.ReconnectsPerSecond));

    /// <summary>What a store is called in metrics: <c>memory</c>, <c>sqlite</c>, <c>redis</c>, or the name of an application's own.</summary>
    private static string KindOf(IMessageStore store)
    {
        const string Suffix = "Store";
        var name = store.GetType().Name;
        return (name.EndsWith(Suffix, StringComparison.Ordinal) ? name[..^Suffix.Length] : name).ToLowerInvariant();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Wheel.Dispose();
        _waitsEnded.Dispose();
    }
}
