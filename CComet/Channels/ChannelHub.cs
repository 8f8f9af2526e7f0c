using System.Collections.Concurrent;
using CComet.Access;
using CComet.Diagnostics;
using CComet.Limits;
using CComet.Messages;
using CComet.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CComet.Channels;

/// <summary>Holds the channels that are open on this node: opens, finds and closes them. One for the whole process.</summary>
/// <remarks>
/// A service that <c>AddCComet()</c> adds; an application reads its counts, on any thread, and publishes by
/// <c>ChannelPublisher</c>. What callers may do with channels is in the operations, which check and authorise; this class
/// trusts its callers.
/// </remarks>
public sealed class ChannelHub : IDisposable
{
    private readonly ConcurrentDictionary<string, ActiveChannel> _channels = new(StringComparer.Ordinal);
    private int _channelCount;

    /// <summary>Makes the hub over a store.</summary>
    internal ChannelHub(IMessageStore store, IOptions<HubOptions> options, HubMetrics metrics, TimeProvider time, ILogger<ChannelHub> logger) =>
        Context = new HubContext(store, options.Value, metrics, time, logger, () => TryEvict(HubMemory.Bound), ShrinkTails);

    /// <summary>
    /// How many subscribers there are on this node at this moment, bounded by <see cref="LimitOptions.Subscribers"/>. A long poll counts
    /// until it is answered, a stream as long as it is open; a subscriber of several channels counts once.
    /// </summary>
    public int SubscriberCount => Context.SubscriberCount;

    /// <summary>
    /// How many channels are open on this node at this moment, bounded by <see cref="LimitOptions.Channels"/>. A channel stays open for
    /// <see cref="LimitOptions.IdleChannel"/> after its last subscriber has left, or until its place is needed; one that is only
    /// published to is not opened.
    /// </summary>
    public int ChannelCount => Volatile.Read(ref _channelCount);

    /// <summary>True once the application has begun to stop, and never false again: new subscribers are refused with 503, and so is readiness.</summary>
    public bool IsDraining => Context.IsDraining;

    /// <summary>The parts that its channels and subscribers have in common.</summary>
    internal HubContext Context { get; }

    /// <summary>The settings.</summary>
    internal HubOptions Options => Context.Options;

    /// <summary>Returns the channel when it is open on this node; null otherwise.</summary>
    internal ActiveChannel? Find(string name) => _channels.GetValueOrDefault(name);

    /// <summary>The names of the channels that are open on this node at this moment, without those of the server's own.</summary>
    internal IEnumerable<string> OpenNames => _channels.Keys.Where(name => !Names.IsOfServer(name));

    /// <summary>Opens a channel, unless it is open, and counts a subscriber in.</summary>
    /// <param name="name">The channel.</param>
    /// <param name="shares">The shares that the subscriber is counted in.</param>
    /// <param name="transport">How it follows.</param>
    /// <exception cref="LimitException">A channel or a subscriber too many.</exception>
    /// <exception cref="StoreUnavailableException">The channel had to be opened and could not be.</exception>
    internal async ValueTask<ActiveChannel> EnterAsync(string name, CallerShares shares, Transport transport)
    {
        while (true)
        {
            var channel = _channels.GetValueOrDefault(name) ?? Add(name, shares);
            try
            {
                await channel.OpenAsync();
            }
            catch (Exception e)
            {
                channel.Abandon();
                Close(channel);
                if (e is LimitException limit) Context.Limits.Refused(limit);
                throw;
            }

            if (channel.TryEnter(shares, transport)) return channel;
            Close(channel);
        }
    }

    /// <summary>Appends messages to the store, in order, all or none, and delivers them.</summary>
    /// <exception cref="LimitException">A bound of the store is met.</exception>
    internal async ValueTask<IReadOnlyList<Receipt>> AppendAsync(IReadOnlyList<NewMessage> messages, CancellationToken cancellation)
    {
        try
        {
            var began = Context.Time.GetTimestamp();
            var receipts = await Context.Store.AppendAsync(messages, cancellation);
            Context.Metrics.Appended(Context.Time.GetElapsedTime(began));
            return receipts;
        }
        catch (LimitException e)
        {
            Context.Limits.Refused(e);
            throw;
        }
        finally
        {
            // Also of a failure: they may be stored all the same.
            if (Context.Appends is { } listener) foreach (var message in messages) listener.Appended(message.Channel);
        }
    }

    /// <summary>Refuses readiness and new subscribers from now on; those that are here stay for the moment.</summary>
    internal void BeginDrain() => Context.BeginDrain();

    /// <summary>Ends every wait, now and from now on.</summary>
    internal void Drain()
    {
        Context.EndWaits();
        foreach (var (name, channel) in _channels)
        {
            // The nodes' notes go on: a node that was drained stays one of them until it stops.
            if (!Names.IsPrivate(name)) channel.WakeAll(WakeReason.Draining);
        }
    }

    /// <summary>Ends the subscribers of a channel, each once it has read what is there. Later ones get a channel of their own.</summary>
    /// <param name="name">The channel.</param>
    /// <param name="reason"><see cref="WakeReason.Closed"/> or <see cref="WakeReason.Kicked"/>.</param>
    /// <returns>How many they are.</returns>
    internal int End(string name, WakeReason reason)
    {
        if (Find(name) is not { } channel || !channel.TryEnd(reason, out var subscribers)) return 0;
        Close(channel);
        channel.WakeAll(WakeReason.Messages);
        return subscribers;
    }

    /// <summary>Ends the connections of a user.</summary>
    /// <returns>How many were found; one that is just being read for or written to ends as soon as it would wait.</returns>
    internal int EndUser(string user)
    {
        // The list is changed before the subscribers are looked at.
        var count = Context.Kicks.Add(user);
        foreach (var (_, channel) in _channels) count += channel.EndUser(user);
        return count;
    }

    /// <summary>Ends the parked readers whose grant was revoked. One that is not parked looks for itself once it is.</summary>
    internal void EndRevoked()
    {
        foreach (var (_, channel) in _channels) channel.EndRevoked();
    }

    /// <summary>Closes the channels that have been idle for long, forgets addresses and users that hold nothing and tokens that are not shown, and lets the store do its own sweeping.</summary>
    internal async ValueTask SweepAsync(CancellationToken cancellation = default)
    {
        while (Context.Idle.First is { } idlest && Context.Time.GetElapsedTime(idlest.IdleSince) >= Options.Limits.IdleChannel)
        {
            if (idlest.TryClose()) Close(idlest);
        }

        foreach (var (_, channel) in _channels) channel.Sweep();
        Context.Quotas.Sweep();
        Context.Grants.Sweep();
        Context.Kicks.Sweep();
        await Context.Store.SweepAsync(cancellation);
    }

    /// <summary>Ends the timing wheel. Not public: the container that made the hub disposes of it.</summary>
    void IDisposable.Dispose() => Context.Dispose();

    private ActiveChannel Add(string name, CallerShares shares)
    {
        // Before the log is opened for nothing; the channel itself counts.
        if (Context.Quotas.FindRefusal(shares) is { } refusal) throw refusal;
        while (ChannelCount >= Options.Limits.Channels && !Names.IsPrivate(name))
        {
            if (!TryEvict("Limits:Channels"))
                throw Context.Limits.Refuse("Limits:Channels", isGlobal: true, "channel", $"the server has its {Options.Limits.Channels} channels already.");
        }

        var added = new ActiveChannel(Context, name);
        var channel = _channels.GetOrAdd(name, added);
        if (channel == added) Count(channel, 1);

        return channel;
    }

    /// <summary>Closes the idlest channel; false when every channel has subscribers.</summary>
    private bool TryEvict(string bound)
    {
        while (Context.Idle.First is { } idlest)
        {
            if (!idlest.TryClose()) continue;
            Close(idlest);
            Context.Limits.Evicted(bound);
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

    private void Close(ActiveChannel channel)
    {
        if (!_channels.TryRemove(KeyValuePair.Create(channel.Name, channel))) return;
        Count(channel, -1);
        Context.Store.Unfollow(channel.Name, channel);
    }

    /// <summary>Those of the server's own are not counted.</summary>
    private void Count(ActiveChannel channel, int change)
    {
        if (Names.IsPrivate(channel.Name)) return;
        Interlocked.Add(ref _channelCount, change);
        Context.Metrics.Channels(change);
    }
}
