using System.Collections.Concurrent;
using CComet.Access;
using CComet.Diagnostics;
using CComet.Limits;
using CComet.Messages;
using CComet.Operations;
using CComet.Storage;
using CComet.Subscriptions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CComet.Channels;

/// <summary>
/// The heart of the server: takes messages to the store, and subscribers to the channels they follow. One for the whole
/// process.
/// </summary>
public sealed class ChannelHub : IDisposable
{
    /// <summary>How much one read may bring of all channels together, in bytes: more than a channel keeps by default.</summary>
    public const long ReadBytes = 4 << 20;

    /// <summary>How much a stream reads at a time of all its channels together, in bytes: what a slow one holds in memory.</summary>
    public const long StepBytes = 16 << 10;

    private static readonly TimeSpan MinReconnectDelay = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Channel> _channels = new(StringComparer.Ordinal);
    private int _channelCount;
    private int _subscriberCount;
    private volatile bool _draining;
    private volatile bool _ending;
    private TimeSpan _reconnectWindow = TimeSpan.FromSeconds(2);

    /// <summary>Makes the hub over a store.</summary>
    public ChannelHub(IMessageStore store, IOptions<HubOptions> options, HubMetrics metrics, TimeProvider time, ILogger<ChannelHub> logger)
    {
        Store = store;
        Options = options.Value;
        TailBounds = Options.History with { MaxBytes = Math.Min(Options.History.MaxBytes, Options.Limits.ChannelMemoryBytes) };
        Metrics = metrics;
        Time = time;
        Logger = logger;
        Limits = new LimitMonitor(metrics, time, logger);
        Addresses = new AddressShares(Options, Limits, time);
        Bodies = new BodyBudget(Options.Limits, Limits);
        Memory = new HubMemory(ByteBudget.Resolve(Options.Limits.MemoryBytes, 8), TailBounds.MaxBytes, () => TryEvict(HubMemory.Bound), ShrinkTails);
        Wheel = new TimingWheel(time);
    }

    /// <summary>The clock of all timeouts.</summary>
    public TimingWheel Wheel { get; }

    /// <summary>The settings.</summary>
    public HubOptions Options { get; }

    /// <summary>How many subscribers there are at this moment.</summary>
    public int SubscriberCount => Volatile.Read(ref _subscriberCount);

    /// <summary>How many channels are open on this node at this moment.</summary>
    public int ChannelCount => Volatile.Read(ref _channelCount);

    /// <summary>Which bounds are met.</summary>
    public LimitMonitor Limits { get; }

    /// <summary>The bodies of requests that are in memory.</summary>
    public BodyBudget Bodies { get; }

    /// <summary>True once the server has begun to stop.</summary>
    public bool IsDraining => _draining;

    /// <summary>True once every wait is ended at once.</summary>
    internal bool IsEnding => _ending;

    internal IMessageStore Store { get; }

    /// <summary>How much of each channel is held in memory.</summary>
    internal HistoryOptions TailBounds { get; }

    /// <summary>The messages in memory.</summary>
    internal HubMemory Memory { get; }

    /// <summary>What each client address takes.</summary>
    internal AddressShares Addresses { get; }

    /// <summary>The channels without subscribers.</summary>
    internal IdleChannels Idle { get; } = new();

    internal HubMetrics Metrics { get; }

    internal TimeProvider Time { get; }

    internal ILogger Logger { get; }

    /// <summary>Stores all drafts, in order, or none.</summary>
    /// <param name="caller">Who publishes.</param>
    /// <param name="drafts">The messages.</param>
    /// <param name="cancellation">Ends the waiting; what was on its way may be stored all the same.</param>
    /// <returns>One receipt a draft, once they are stored.</returns>
    /// <exception cref="LimitException">A bound of the store is met, or the caller's address has made its share of channels and this would be another.</exception>
    public async ValueTask<IReadOnlyList<Receipt>> PublishAsync(CallerContext caller, IReadOnlyList<NewMessage> drafts, CancellationToken cancellation = default)
    {
        if (Addresses.AnyOver && Addresses.IsOver(caller)) await CheckKnownAsync(drafts, cancellation);
        IReadOnlyList<Receipt> receipts;
        try
        {
            receipts = await AppendAsync(drafts, cancellation);
        }
        catch (LimitException e)
        {
            Limits.Refused(e);
            throw;
        }

        var (stored, made) = (0, 0);
        for (var i = 0; i < receipts.Count; i++)
        {
            if (receipts[i].Duplicate) continue;
            stored++;
            if (receipts[i].Seqid == 0) made++;
        }

        Metrics.Published(stored);
        if (made > 0) Addresses.Made(caller, made);
        return receipts;
    }

    /// <summary>Signs in to a channel.</summary>
    /// <returns>The kept history, its last message the sign-in itself, and the cursor behind it; to be disposed of once it has been answered.</returns>
    /// <exception cref="LimitException">As for a publish, or the answers under way take the memory that they may; nothing was stored then.</exception>
    public ValueTask<SignIn> SignAsync(CallerContext caller, string channel, string? sname, CancellationToken cancellation = default) =>
        SignIn.RunAsync(this, caller, channel, sname, cancellation);

    /// <summary>Subscribes to one or several channels, opening those that nobody followed. To be disposed of when done.</summary>
    /// <param name="caller">Who subscribes.</param>
    /// <param name="starts">The channels and where to begin in each; no channel twice.</param>
    /// <param name="sname">The name the subscriber goes by, or null.</param>
    /// <exception cref="LimitException">A subscriber or a channel too many.</exception>
    /// <exception cref="DrainingException">The server is stopping.</exception>
    /// <exception cref="StoreUnavailableException">A channel had to be opened and could not be.</exception>
    public async ValueTask<Subscriber> SubscribeAsync(CallerContext caller, IReadOnlyList<ChannelStart> starts, string? sname)
    {
        if (_draining) throw new DrainingException();
        if (Interlocked.Increment(ref _subscriberCount) > Options.Limits.Subscribers)
        {
            Interlocked.Decrement(ref _subscriberCount);
            throw Limits.Refuse("Limits:Subscribers", isGlobal: true, "channel", $"the server has its {Options.Limits.Subscribers} subscribers already.");
        }

        Metrics.Subscribers(1);
        var subscriber = new Subscriber(sname, starts.Count);
        var entered = 0;
        try
        {
            subscriber.Share = Addresses.Enter(caller, starts.Count);
            for (; entered < starts.Count; entered++)
            {
                var channel = await EnterAsync(starts[entered].Channel, subscriber.Share);
                subscriber.At(entered) = new Subscriber.Position
                {
                    Channel = channel,
                    Epoch = starts[entered].From.Epoch,
                    Next = starts[entered].From.Seqid ?? -1,
                    Slot = -1,
                };
            }

            return subscriber;
        }
        catch
        {
            for (var i = 0; i < entered; i++) subscriber.At(i).Channel.Leave(ref subscriber.At(i), subscriber);
            Forget(subscriber);
            throw;
        }
    }

    /// <summary>The channel, when it is open on this node.</summary>
    public Channel? Find(string name) => _channels.GetValueOrDefault(name);

    /// <summary>Refuses readiness and new subscribers from now on; those that are here stay for the moment.</summary>
    public void BeginDrain() => _draining = true;

    /// <summary>Ends every wait, now and from now on, and settles over which time the clients sent away may come back.</summary>
    public void Drain()
    {
        _draining = true;
        _reconnectWindow = TimeSpan.FromSeconds(Math.Max(1, (double)SubscriberCount / Options.Drain.ReconnectsPerSecond));
        _ending = true;
        foreach (var channel in _channels.Values) channel.WakeWaiters(WakeReason.Draining);
    }

    /// <summary>When a client that is sent away may come back: each another moment of the window.</summary>
    public TimeSpan ReconnectDelay() => MinReconnectDelay + (_reconnectWindow * Random.Shared.NextDouble());

    /// <summary>Closes the channels that have been idle for long, forgets addresses that hold nothing, and lets the store do its own sweeping.</summary>
    public async ValueTask SweepAsync(CancellationToken cancellation = default)
    {
        while (Idle.First is { } idlest && Time.GetElapsedTime(idlest.IdleSince) >= Options.Limits.IdleChannel)
        {
            if (idlest.TryClose()) Close(idlest);
        }

        foreach (var (_, channel) in _channels) channel.Sweep();
        Addresses.Sweep();
        await Store.SweepAsync(cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => Wheel.Dispose();

    /// <summary>Counts a stream that was cut off because its client took nothing.</summary>
    public void Stalled(Subscriber subscriber)
    {
        foreach (var (channel, _) in subscriber.Positions) Metrics.Stalled(channel);
    }

    internal void Forget(Subscriber subscriber)
    {
        subscriber.Share?.Leave(subscriber.Channels);
        Interlocked.Decrement(ref _subscriberCount);
        Metrics.Subscribers(-1);
    }

    /// <summary>
    /// Refuses drafts that would make a channel. The store is asked, a read for each name: only addresses that are over their share
    /// pay that.
    /// </summary>
    private async ValueTask CheckKnownAsync(IReadOnlyList<NewMessage> drafts, CancellationToken cancellation)
    {
        foreach (var channel in drafts.Select(d => d.Channel).Distinct(StringComparer.Ordinal))
        {
            // From the end on: only where the log stands is wanted.
            var slice = await Store.ReadAsync(channel, long.MaxValue, 1, cancellation);
            if (slice.Head.End == 0) throw Addresses.Refuse("has made");
        }
    }

    private ValueTask<IReadOnlyList<Receipt>> AppendAsync(IReadOnlyList<NewMessage> drafts, CancellationToken cancellation)
    {
        FanOut.Hold();
        try
        {
            return Store.AppendAsync(drafts, cancellation);
        }
        finally
        {
            FanOut.Release();
        }
    }

    private async ValueTask<Channel> EnterAsync(string name, AddressShare? share)
    {
        while (true)
        {
            var channel = _channels.GetValueOrDefault(name) ?? Add(name, share);
            try
            {
                await channel.OpenAsync();
            }
            catch (Exception e)
            {
                channel.Abandon();
                Close(channel);
                if (e is LimitException limit) Limits.Refused(limit);
                throw;
            }

            if (channel.TryEnter(share)) return channel;
            Close(channel);
        }
    }

    private Channel Add(string name, AddressShare? share)
    {
        // Before the log is opened for nothing; the channel itself counts.
        if (share?.MayOpen(Addresses.MaxChannels) == false) throw Addresses.Refuse("follows");
        while (ChannelCount >= Options.Limits.Channels)
        {
            if (!TryEvict("Limits:Channels"))
                throw Limits.Refuse("Limits:Channels", isGlobal: true, "channel", $"the server has its {Options.Limits.Channels} channels already.");
        }

        var added = new Channel(this, name);
        var channel = _channels.GetOrAdd(name, added);
        if (channel == added)
        {
            Interlocked.Increment(ref _channelCount);
            Metrics.Channels(1);
        }

        return channel;
    }

    /// <summary>Closes the idlest channel; false when every channel has subscribers.</summary>
    private bool TryEvict(string bound)
    {
        while (Idle.First is { } idlest)
        {
            if (!idlest.TryClose()) continue;
            Close(idlest);
            Limits.Evicted(bound);
            return true;
        }

        return false;
    }

    private void ShrinkTails(long maxBytes)
    {
        foreach (var (_, channel) in _channels)
        {
            if (channel.Weight > maxBytes) channel.Trim(maxBytes);
        }
    }

    private void Close(Channel channel)
    {
        if (!_channels.TryRemove(KeyValuePair.Create(channel.Name, channel))) return;
        Interlocked.Decrement(ref _channelCount);
        Metrics.Channels(-1);
        Store.Unfollow(channel.Name, channel);
    }
}
