using System.Diagnostics.CodeAnalysis;
using CComet.Access;
using CComet.Channels;
using CComet.Diagnostics;
using CComet.Limits;
using CComet.Messages;
using CComet.Subscriptions;

namespace CComet.Operations;

/// <summary>Publish, subscribe and sign, authorised and bounded: the one way from every door (HTTP, JSONP, WebSocket, <see cref="ChannelPublisher"/>) to the hub.</summary>
internal sealed class ChannelOperations(ChannelHub hub, IChannelAuthorizer authorizer, AccessAudit audit)
{
    /// <summary>The parts that subscribers have in common.</summary>
    public HubContext Context { get; } = hub.Context;

    /// <summary>Publishes messages, in order, all or none.</summary>
    /// <param name="caller">The publisher.</param>
    /// <param name="messages">The messages, checked for their form.</param>
    /// <param name="cancellation">Ends the waiting; what was on its way may be stored all the same.</param>
    /// <returns>One receipt for each message, once they are stored.</returns>
    /// <exception cref="AccessDeniedException">The caller may not publish to one of the channels; nothing is stored.</exception>
    /// <exception cref="LimitException">A bound of the store is met, or a quota of the caller's address, its user or the channel.</exception>
    public ValueTask<IReadOnlyList<Receipt>> PublishAsync(CallerContext caller, IReadOnlyList<NewMessage> messages, CancellationToken cancellation = default) =>
        PublishAsync(caller, ChannelRight.Publish, messages, cancellation);

    /// <summary>The same by another right on each channel.</summary>
    public async ValueTask<IReadOnlyList<Receipt>> PublishAsync(CallerContext caller, ChannelRight right, IReadOnlyList<NewMessage> messages, CancellationToken cancellation)
    {
        string? authorized = null;
        for (var i = 0; i < messages.Count; i++)
        {
            // Consecutive messages of one channel, the usual array, are asked for once.
            if (messages[i].Channel == authorized) continue;
            authorized = messages[i].Channel;
            await AuthorizeAsync(caller, right, authorized, cancellation);
        }

        return await AppendAsync(caller, caller.Grant is null ? messages : await SignAsync(caller, messages, cancellation), cancellation);
    }

    /// <summary>Publishes messages of the application's own code: the authorizer is not asked.</summary>
    /// <exception cref="LimitException">A bound of the store is met.</exception>
    public ValueTask<IReadOnlyList<Receipt>> PublishTrustedAsync(IReadOnlyList<NewMessage> messages, CancellationToken cancellation) =>
        AppendAsync(CallerContext.Local, messages, cancellation);

    /// <summary>Subscribes to one or several channels, opening those that are not open. To be disposed of when done.</summary>
    /// <param name="caller">The subscriber's client.</param>
    /// <param name="starts">The channels and the cursor to begin at in each; no channel twice.</param>
    /// <param name="sname">The name the subscriber goes by, or null.</param>
    /// <param name="isAudited">Whether a right that is missing is written to the audit log: not by a door that leaves what is refused to another, which asks again.</param>
    /// <exception cref="AccessDeniedException">The caller may not subscribe to one of the channels.</exception>
    /// <exception cref="LimitException">A subscriber or a channel too many.</exception>
    /// <exception cref="DrainingException">The server is stopping.</exception>
    /// <exception cref="StoreUnavailableException">A channel had to be opened and could not be.</exception>
    public async ValueTask<Subscriber> SubscribeAsync(CallerContext caller, IReadOnlyList<ChannelStart> starts, string? sname, bool isAudited = true)
    {
        using var activity = HubActivities.Subscribe(starts[0].Channel, starts.Count, caller.Transport);
        try
        {
            for (var i = 0; i < starts.Count; i++) await AuthorizeAsync(caller, ChannelRight.Subscribe, starts[i].Channel, isAudited);
            await AuthorizeNameAsync(caller, sname, isAudited);
            var subscriber = await EnterAsync(caller, starts, sname);
            subscriber.Begin(caller.Grant);
            return subscriber;
        }
        catch (Exception e)
        {
            activity.Fail(e);
            throw;
        }
    }

    /// <summary>Counts a subscriber of one channel in that its door keeps by itself, authorised as for <see cref="SubscribeAsync"/>; opens the channel if it is not.</summary>
    /// <remarks>A right that is missing is not written to the audit log, as the door leaves that to another.</remarks>
    /// <returns>The channel, to be left, and the shares, to be counted out of.</returns>
    /// <inheritdoc cref="SubscribeAsync"/>
    public async ValueTask<(ActiveChannel Channel, CallerShares Shares)> EnterAsync(CallerContext caller, string channel)
    {
        await AuthorizeAsync(caller, ChannelRight.Subscribe, channel, isAudited: false);
        var shares = Context.CountIn(caller, channels: 1);
        try
        {
            var entered = await hub.EnterAsync(channel, shares, caller.Transport);
            entered.Enter(caller.Grant?.User, caller.Grant);
            return (entered, shares);
        }
        catch
        {
            Context.CountOut(shares, channels: 1, caller.Transport);
            throw;
        }
    }

    /// <summary>Gives a subscriber a newer grant, if it has the right to all that the subscriber follows.</summary>
    /// <exception cref="AccessDeniedException">It has not, or is another user's.</exception>
    public async ValueTask RenewAsync(CallerContext caller, Subscriber subscriber)
    {
        if (caller.Grant is { } grant && subscriber.Grant is { } old && old.User is not null && old.User != grant.User)
            throw new AccessDeniedException("token: is another user's; open a connection of its own for it.");
        for (var i = 0; i < subscriber.Channels; i++) await AuthorizeAsync(caller, ChannelRight.Subscribe, subscriber.At(i).Channel.Name);
        await AuthorizeNameAsync(caller, subscriber.Sname);
        subscriber.Renew(caller.Grant);
    }

    /// <summary>Subscribes the server itself to one channel, without asking the authorizer. It does not count as a subscriber.</summary>
    /// <exception cref="DrainingException">The server is stopping.</exception>
    /// <exception cref="StoreUnavailableException">The channel had to be opened and could not be.</exception>
    public ValueTask<Subscriber> SubscribeTrustedAsync(ChannelStart start) => EnterAsync(CallerContext.Local, [start], sname: null, isOwn: true);

    /// <summary>Refuses a channel whose name is the server's.</summary>
    /// <exception cref="AccessDeniedException">It is.</exception>
    public static void ThrowIfOfServer(string channel)
    {
        if (Names.IsOfServer(channel)) throw new AccessDeniedException($"channel: names that begin with {Names.ServerPrefix} are the server's own.");
    }

    private async ValueTask<Subscriber> EnterAsync(CallerContext caller, IReadOnlyList<ChannelStart> starts, string? sname, bool isOwn = false)
    {
        if (isOwn && Context.IsDraining && !Names.IsPrivate(starts[0].Channel)) throw new DrainingException();
        var shares = isOwn ? default : Context.CountIn(caller, starts.Count);
        var transport = isOwn ? Transport.Own : caller.Transport;
        var subscriber = new Subscriber(sname, starts.Count) { Shares = shares, IsOwn = isOwn, Transport = transport, KickNumber = Context.Kicks.Number, IsRecovering = !isOwn && HasCursor(starts) };
        var entered = 0;
        try
        {
            for (; entered < starts.Count; entered++)
            {
                var channel = await hub.EnterAsync(starts[entered].Channel, shares, transport);
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
            for (var i = 0; i < entered; i++) subscriber.At(i).Channel.Leave(ref subscriber.At(i), subscriber, i, transport);
            if (!isOwn) Context.CountOut(shares, starts.Count, transport);
            throw;
        }
    }

    private static bool HasCursor(IReadOnlyList<ChannelStart> starts)
    {
        for (var i = 0; i < starts.Count; i++)
        {
            if (starts[i].From.Seqid is not null) return true;
        }

        return false;
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
        using var activity = HubActivities.Publish(messages);
        PublishCharge? charge = null;
        IReadOnlyList<Receipt> receipts;
        try
        {
            charge = Context.Quotas.Publishes?.Take(caller, messages);
            if (Context.Quotas.AnyOver && Context.Quotas.IsOver(caller)) await CheckKnownAsync(caller, messages, cancellation);
            receipts = await hub.AppendAsync(messages, cancellation);
        }
        catch (Exception e) when (e is LimitException or RefusedException or StoreUnavailableException)
        {
            // Nothing was stored.
            activity.Fail(e);
            charge?.GiveBack();
            throw;
        }

        var (stored, made) = (0, 0);
        for (var i = 0; i < receipts.Count; i++)
        {
            if (receipts[i].Duplicate) continue;
            stored++;
            if (receipts[i].Seqid == 0) made++;
        }

        Context.Metrics.Published(stored);
        if (made > 0) Context.Quotas.Made(caller, made);
        if (stored < receipts.Count) charge?.GiveBackDuplicates(messages, receipts);
        return receipts;
    }

    /// <summary>Decides whether a caller has a right on a channel.</summary>
    /// <exception cref="AccessDeniedException">It has not.</exception>
    /// <exception cref="AccessUnavailableException">That cannot be decided now.</exception>
    public ValueTask AuthorizeAsync(CallerContext caller, ChannelRight right, string channel, CancellationToken cancellation = default) => AuthorizeAsync(caller, right, channel, isAudited: true, cancellation);

    /// <inheritdoc cref="AuthorizeAsync(CallerContext, ChannelRight, string, CancellationToken)"/>
    /// <remarks>A right that is missing is written to the audit log if <paramref name="isAudited"/>: not where nothing is refused for it.</remarks>
    public async ValueTask AuthorizeAsync(CallerContext caller, ChannelRight right, string channel, bool isAudited, CancellationToken cancellation = default)
    {
        // To follow who comes and leaves needs what it takes to ask who is there; a ticket names the log itself.
        if (right == ChannelRight.Subscribe && Names.FindPresenceOf(channel) is { } watched && Context.Presence?.Covers(watched) == true)
        {
            if (caller.Grant is { IsNarrow: true } ticket && ticket.Allows(right, channel)) CheckRevoked(caller, right, watched, isAudited);
            else await AuthorizeAsync(caller, ChannelRight.Presence, watched, isAudited, cancellation);
            return;
        }

        ThrowIfOfServer(channel);
        CheckRevoked(caller, right, channel, isAudited);
        var decision = await authorizer.AuthorizeAsync(caller, right, channel, cancellation);
        if (decision.IsAllowed) return;
        var scope = GrantFactory.ClaimPrefix + GrantFactory.NameOf(right);
        Deny(caller, right, channel, $"channel: {decision.Reason ?? $"you have no right to {AccessExplainer.PhraseOf(right)} '{channel}' ({scope})."}", scope, isAudited);
    }

    private void CheckRevoked(CallerContext caller, ChannelRight right, string channel, bool isAudited)
    {
        if (caller.Grant is { } grant && Context.Revocations.Any && (Context.Revocations.Covers(grant) || Context.Revocations.Covers(grant, channel)))
            Deny(caller, right, channel, "channel: the right was revoked.", scope: null, isAudited);
    }

    [DoesNotReturn]
    private void Deny(in CallerContext caller, ChannelRight right, string channel, string reason, string? scope, bool isAudited = true)
    {
        if (isAudited) audit.Denied(caller, right, channel, reason);
        throw new AccessDeniedException(reason, caller.Grant?.IsAnonymous == true) { Scope = scope };
    }

    /// <summary>Refuses an sname that is not the caller's own name, unless a right says otherwise: a message cannot be forged, nor another's stream be ended by a 409.</summary>
    private async ValueTask AuthorizeNameAsync(CallerContext caller, string? sname, bool isAudited = true, CancellationToken cancellation = default)
    {
        if (sname is null || caller.Grant is not { } grant || sname == grant.User) return;
        if ((await authorizer.AuthorizeAsync(caller, ChannelRight.Sname, sname, cancellation)).IsAllowed) return;
        var own = grant.User is null ? "must be left out" : $"must be '{grant.User}' or be left out";
        Deny(caller, ChannelRight.Sname, sname, $"sname: {own}; you have no right to go by '{sname}' (ccomet:sname).", "ccomet:sname", isAudited);
    }

    /// <summary>Names the publisher of messages by its grant, and keeps its ids apart from those of others.</summary>
    private async ValueTask<IReadOnlyList<NewMessage>> SignAsync(CallerContext caller, IReadOnlyList<NewMessage> messages, CancellationToken cancellation)
    {
        var user = caller.Grant!.User;
        var signed = new NewMessage[messages.Count];
        for (var i = 0; i < signed.Length; i++)
        {
            var message = messages[i];
            if (i == 0 || message.Sname != messages[i - 1].Sname) await AuthorizeNameAsync(caller, message.Sname, cancellation: cancellation);

            // No name has a control character, so that no id of another user is the same.
            signed[i] = message with { Sname = message.Sname ?? user, Id = message.Id is null ? null : $"{user}\n{message.Id}" };
        }

        return signed;
    }

    /// <summary>Refuses messages that would make a channel. The store is asked, a read for each name: only callers over their share pay that.</summary>
    private async ValueTask CheckKnownAsync(CallerContext caller, IReadOnlyList<NewMessage> messages, CancellationToken cancellation)
    {
        foreach (var channel in messages.Select(m => m.Channel).Distinct(StringComparer.Ordinal))
        {
            // From the end on: only the log's end is wanted.
            var slice = await Context.Store.ReadAsync(channel, long.MaxValue, 1, cancellation);
            if (slice.Head.End == 0) throw Context.Quotas.RefuseMade(caller);
        }
    }
}
