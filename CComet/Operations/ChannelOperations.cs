using CComet.Access;
using CComet.Channels;
using CComet.Messages;
using CComet.Subscriptions;

namespace CComet.Operations;

/// <summary>Publish, subscribe and sign, authorised and bounded: the one way from every door (HTTP, JSONP, WebSocket, <see cref="ChannelPublisher"/>) to the hub.</summary>
internal sealed class ChannelOperations(ChannelHub hub, IChannelAuthorizer authorizer)
{
    /// <summary>The parts that subscribers have in common.</summary>
    public HubContext Context { get; } = hub.Context;

    /// <summary>Publishes messages, in order, all or none.</summary>
    /// <param name="caller">The publisher.</param>
    /// <param name="messages">The messages, checked for their form.</param>
    /// <param name="cancellation">Ends the waiting; what was on its way may be stored all the same.</param>
    /// <returns>One receipt for each message, once they are stored.</returns>
    /// <exception cref="AccessDeniedException">The caller may not publish to one of the channels; nothing is stored.</exception>
    /// <exception cref="LimitException">A bound of the store is met, or the caller's address has made its share of channels and this would be another.</exception>
    public async ValueTask<IReadOnlyList<Receipt>> PublishAsync(CallerContext caller, IReadOnlyList<NewMessage> messages, CancellationToken cancellation = default)
    {
        string? authorized = null;
        for (var i = 0; i < messages.Count; i++)
        {
            // Consecutive messages of one channel, the usual array, are asked for once.
            if (messages[i].Channel == authorized) continue;
            authorized = messages[i].Channel;
            await AuthorizeAsync(caller, ChannelRight.Publish, authorized, cancellation);
        }

        return await AppendAsync(caller, messages, cancellation);
    }

    /// <summary>Publishes messages of the application's own code: the authorizer is not asked.</summary>
    /// <exception cref="LimitException">A bound of the store is met.</exception>
    public ValueTask<IReadOnlyList<Receipt>> PublishTrustedAsync(IReadOnlyList<NewMessage> messages, CancellationToken cancellation) =>
        AppendAsync(CallerContext.Local, messages, cancellation);

    /// <summary>Subscribes to one or several channels, opening those that are not open. To be disposed of when done.</summary>
    /// <param name="caller">The subscriber's client.</param>
    /// <param name="starts">The channels and the cursor to begin at in each; no channel twice.</param>
    /// <param name="sname">The name the subscriber goes by, or null.</param>
    /// <exception cref="AccessDeniedException">The caller may not subscribe to one of the channels.</exception>
    /// <exception cref="LimitException">A subscriber or a channel too many.</exception>
    /// <exception cref="DrainingException">The server is stopping.</exception>
    /// <exception cref="StoreUnavailableException">A channel had to be opened and could not be.</exception>
    public async ValueTask<Subscriber> SubscribeAsync(CallerContext caller, IReadOnlyList<ChannelStart> starts, string? sname)
    {
        for (var i = 0; i < starts.Count; i++) await AuthorizeAsync(caller, ChannelRight.Subscribe, starts[i].Channel);
        return await EnterAsync(caller, starts, sname);
    }

    /// <summary>Subscribes the server itself to one channel, without asking the authorizer.</summary>
    /// <exception cref="DrainingException">The server is stopping.</exception>
    /// <exception cref="StoreUnavailableException">The channel had to be opened and could not be.</exception>
    public ValueTask<Subscriber> SubscribeTrustedAsync(ChannelStart start) => EnterAsync(CallerContext.Local, [start], sname: null);

    /// <summary>Refuses a channel whose name is the server's.</summary>
    /// <exception cref="AccessDeniedException">It is.</exception>
    public static void ThrowIfPrivate(string channel)
    {
        if (Names.IsPrivate(channel)) throw new AccessDeniedException(channel, "use", $"names that begin with {Names.PrivatePrefix} are the server's own.");
    }

    private async ValueTask<Subscriber> EnterAsync(CallerContext caller, IReadOnlyList<ChannelStart> starts, string? sname)
    {
        Context.CountIn();
        var subscriber = new Subscriber(sname, starts.Count);
        var entered = 0;
        try
        {
            subscriber.Share = Context.Addresses.Enter(caller, starts.Count);
            for (; entered < starts.Count; entered++)
            {
                var channel = await hub.EnterAsync(starts[entered].Channel, subscriber.Share);
                subscriber.At(entered) = new ChannelCursor
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
            Context.CountOut(subscriber.Share, starts.Count);
            throw;
        }
    }

    /// <summary>Signs in to a channel.</summary>
    /// <returns>The kept history, its last message the sign-in itself, and the cursor behind it; to be disposed of once it has been answered.</returns>
    /// <exception cref="AccessDeniedException">The caller may not read the channel, or not publish to it; nothing is stored.</exception>
    /// <exception cref="LimitException">As for a publish, or the answers under way take the memory that they may; nothing was stored then.</exception>
    public async ValueTask<SignIn> SignAsync(CallerContext caller, string channel, string? sname, CancellationToken cancellation = default)
    {
        await AuthorizeAsync(caller, ChannelRight.Subscribe, channel, cancellation);
        return await SignIn.RunAsync(this, caller, channel, sname, cancellation);
    }

    private async ValueTask<IReadOnlyList<Receipt>> AppendAsync(CallerContext caller, IReadOnlyList<NewMessage> messages, CancellationToken cancellation)
    {
        var addresses = Context.Addresses;
        if (addresses.AnyOver && addresses.IsOver(caller)) await CheckKnownAsync(messages, cancellation);
        var receipts = await hub.AppendAsync(messages, cancellation);
        var (stored, made) = (0, 0);
        for (var i = 0; i < receipts.Count; i++)
        {
            if (receipts[i].Duplicate) continue;
            stored++;
            if (receipts[i].Seqid == 0) made++;
        }

        Context.Metrics.Published(stored);
        if (made > 0) addresses.Made(caller, made);
        return receipts;
    }

    private async ValueTask AuthorizeAsync(CallerContext caller, ChannelRight right, string channel, CancellationToken cancellation = default)
    {
        ThrowIfPrivate(channel);
        var decision = await authorizer.AuthorizeAsync(caller, right, channel, cancellation);
        if (!decision.IsAllowed) throw new AccessDeniedException(channel, right == ChannelRight.Publish ? "publish to" : "subscribe to", decision.Reason);
    }

    /// <summary>Refuses messages that would make a channel. The store is asked, a read for each name: only addresses over their share pay that.</summary>
    private async ValueTask CheckKnownAsync(IReadOnlyList<NewMessage> messages, CancellationToken cancellation)
    {
        foreach (var channel in messages.Select(m => m.Channel).Distinct(StringComparer.Ordinal))
        {
            // From the end on: only the log's end is wanted.
            var slice = await Context.Store.ReadAsync(channel, long.MaxValue, 1, cancellation);
            if (slice.Head.End == 0) throw Context.Addresses.Refuse("has made");
        }
    }
}
