using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace CComet.Web.Hub;

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

    /// <summary>When to come back after a bound was met.</summary>
    public static readonly TimeSpan LimitRetry = TimeSpan.FromSeconds(5);

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

    /// <summary>True once the server has begun to stop.</summary>
    public bool IsDraining => _draining;

    /// <summary>True once every wait is ended at once.</summary>
    internal bool IsEnding => _ending;

    internal IMessageStore Store { get; }

    /// <summary>How much of each channel is held in memory.</summary>
    internal HistoryOptions TailBounds { get; }

    internal HubMetrics Metrics { get; }

    internal TimeProvider Time { get; }

    internal ILogger Logger { get; }

    /// <summary>Stores all drafts, in order, or none.</summary>
    /// <returns>One receipt a draft, once they are stored.</returns>
    public async ValueTask<IReadOnlyList<Receipt>> PublishAsync(IReadOnlyList<Draft> drafts, CancellationToken cancellation = default)
    {
        var receipts = await AppendAsync(drafts, cancellation);
        var stored = 0;
        for (var i = 0; i < receipts.Count; i++)
        {
            if (!receipts[i].Duplicate) stored++;
        }

        Metrics.Published(stored);
        return receipts;
    }

    /// <summary>Signs in to a channel.</summary>
    /// <returns>The kept history, its last message the sign-in itself, and the cursor behind it.</returns>
    public async ValueTask<(IReadOnlyList<Message> History, Cursor Cursor)> SignAsync(string channel, string? sname, CancellationToken cancellation = default)
    {
        var receipt = (await PublishAsync([Draft.Sign(channel, sname)], cancellation))[0];
        var sign = receipt.Stored ?? throw new InvalidOperationException("A sign-in has no id, and is never a duplicate.");
        var history = new List<Message>();
        for (var next = 0L; next < receipt.Seqid;)
        {
            var slice = await Store.ReadAsync(channel, next, ReadBytes, cancellation);
            if (slice.Messages.Length == 0 || slice.Head.Epoch != receipt.Epoch) break;
            history.AddRange(slice.Messages.TakeWhile(m => m.Seqid < receipt.Seqid));
            next = slice.Messages[^1].Seqid + 1;
        }

        history.Add(sign);
        return (history, new Cursor(receipt.Epoch, receipt.Seqid + 1));
    }

    /// <summary>Subscribes to one or several channels, opening those that nobody followed. To be disposed of when done.</summary>
    /// <param name="starts">The channels and where to begin in each; no channel twice.</param>
    /// <param name="sname">The name the subscriber goes by, or null.</param>
    /// <exception cref="LimitException">A subscriber or a channel too many.</exception>
    /// <exception cref="DrainingException">The server is stopping.</exception>
    /// <exception cref="StoreUnavailableException">A channel had to be opened and could not be.</exception>
    public async ValueTask<Subscriber> SubscribeAsync(IReadOnlyList<ChannelStart> starts, string? sname)
    {
        if (_draining) throw new DrainingException();
        if (Interlocked.Increment(ref _subscriberCount) > Options.Limits.Subscribers)
        {
            Interlocked.Decrement(ref _subscriberCount);
            throw new LimitException("channel", $"channel: the server has its {Options.Limits.Subscribers} subscribers already.", LimitRetry);
        }

        Metrics.Subscribers(1);
        var subscriber = new Subscriber(sname, starts.Count);
        var entered = 0;
        try
        {
            for (; entered < starts.Count; entered++)
            {
                var channel = await EnterAsync(starts[entered].Channel);
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
            Forget();
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
        foreach (var channel in _channels.Values) channel.WakeWaiters(Wake.Draining);
    }

    /// <summary>When a client that is sent away may come back: each another moment of the window.</summary>
    public TimeSpan ReconnectDelay() => MinReconnectDelay + (_reconnectWindow * Random.Shared.NextDouble());

    /// <summary>Closes the channels that nobody uses, and lets the store do its own sweeping.</summary>
    public async ValueTask SweepAsync(CancellationToken cancellation = default)
    {
        foreach (var (name, channel) in _channels)
        {
            if (channel.TryClose(Options.Limits.IdleChannel)) Close(name, channel);
        }

        await Store.SweepAsync(cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => Wheel.Dispose();

    /// <summary>Counts a stream that was cut off because its client took nothing.</summary>
    public void Stalled(Subscriber subscriber)
    {
        foreach (var (channel, _) in subscriber.Positions) Metrics.Stalled(channel);
    }

    internal void Forget()
    {
        Interlocked.Decrement(ref _subscriberCount);
        Metrics.Subscribers(-1);
    }

    private ValueTask<IReadOnlyList<Receipt>> AppendAsync(IReadOnlyList<Draft> drafts, CancellationToken cancellation)
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

    private async ValueTask<Channel> EnterAsync(string name)
    {
        while (true)
        {
            var channel = _channels.GetValueOrDefault(name) ?? Add(name);
            try
            {
                await channel.OpenAsync();
            }
            catch
            {
                Close(name, channel);
                throw;
            }

            if (channel.TryEnter()) return channel;
            Close(name, channel);
        }
    }

    private Channel Add(string name)
    {
        if (ChannelCount >= Options.Limits.Channels)
            throw new LimitException("channel", $"channel: the server has its {Options.Limits.Channels} channels already.", LimitRetry);
        var added = new Channel(this, name);
        var channel = _channels.GetOrAdd(name, added);
        if (channel == added)
        {
            Interlocked.Increment(ref _channelCount);
            Metrics.Channels(1);
        }

        return channel;
    }

    private void Close(string name, Channel channel)
    {
        if (!_channels.TryRemove(KeyValuePair.Create(name, channel))) return;
        Interlocked.Decrement(ref _channelCount);
        Metrics.Channels(-1);
        Store.Unfollow(name, channel);
    }
}
