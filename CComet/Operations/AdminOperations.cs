using CComet.Access;
using CComet.Channels;
using CComet.Messages;
using CComet.Storage;

namespace CComet.Operations;

/// <summary>What an administrator does: each authorised, and what changes something is written to the audit log. The one way from every door.</summary>
internal sealed class AdminOperations(
    ChannelHub hub,
    ChannelOperations channels,
    ChannelAdministration administration,
    ChannelCensus census,
    NodeLog notes,
    NodeRoster roster,
    HubDrainer drainer,
    AccessExplainer explainer,
    StatisticsFeed feed,
    AccessAudit audit)
{
    /// <summary>The most channels that one page lists.</summary>
    public const int MaxListed = 1_000;

    /// <summary>The most messages that are shown of a channel.</summary>
    public const int MaxShown = 100;

    /// <summary>The most that is shown of a channel, in bytes; the newest message is shown whatever its length.</summary>
    private const long MaxShownBytes = 1 << 20;

    /// <summary>How often the store is asked for one page, when most of what it lists is not shown.</summary>
    private const int MaxRounds = 8;

    /// <summary>The pattern that a right to do what is of no one channel must match.</summary>
    private const string Everything = "*";

    private bool _isOn;

    /// <summary>Figures each second.</summary>
    public StatisticsFeed Feed => feed;

    /// <summary>The hub.</summary>
    public HubContext Context => hub.Context;

    /// <summary>Has this node take part in what is done on all nodes, once the host starts.</summary>
    public void Enable()
    {
        if (_isOn) return;
        _isOn = true;
        administration.Enable();
        census.Enable();
        notes.Received += Receive;
    }

    /// <summary>Tells what a caller may administer. What the application's hook gives on single channels is not known, and not told.</summary>
    /// <exception cref="AccessDeniedException">Nothing.</exception>
    public async ValueTask<AdminScope> ReadScopeAsync(CallerContext caller, CancellationToken cancellation)
    {
        var own = caller.Grant?.ScopeOf(ChannelRight.Admin) ?? RightScope.None;
        try
        {
            await channels.AuthorizeAsync(caller, ChannelRight.Admin, Everything, isAudited: own.IsEmpty, cancellation);
            return new AdminScope(NameOf(caller), IsAll: true, RightScope.All);
        }
        catch (AccessDeniedException) when (!own.IsEmpty)
        {
            return new AdminScope(NameOf(caller), IsAll: false, own);
        }
    }

    /// <summary>Lists the channels that have messages, and those that are open on this node, by name.</summary>
    /// <param name="caller">The administrator: of everything, or of all channels that are asked for. To the latter those are not told on which its right was revoked.</param>
    /// <param name="prefix">What their names begin with.</param>
    /// <param name="after">The name behind which to begin, or null.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>The channels, each with its subscribers on this node, and the name behind which to go on; null at the end.</returns>
    public async ValueTask<(IReadOnlyList<(ListedLog Log, int Subscribers)> Channels, string? Next)> ListAsync(CallerContext caller, string prefix, string? after, int limit, CancellationToken cancellation)
    {
        var grant = caller.Grant is { } own && IsOfPrefix(own, prefix) ? own : null;
        await AuthorizeAsync(caller, grant is null ? Everything : prefix + Everything, cancellation);
        var listed = new SortedDictionary<string, ListedLog>(Comparer<string>.Create(Names.Compare));
        string? end = null;
        if (hub.Context.Store is IListingStore store)
        {
            end = after;
            for (var round = 0; round < MaxRounds && listed.Count < limit; round++)
            {
                var page = await store.ListAsync(prefix, end, limit - listed.Count, cancellation);
                foreach (var log in page.Logs.Where(log => !Names.IsPrivate(log.Channel) && IsShown(log.Channel))) listed[log.Channel] = log;
                end = page.Next;
                if (end is null) break;
            }
        }

        // What is behind the end of what the store has told comes with a later page.
        foreach (var name in hub.OpenNames)
        {
            if (!name.StartsWith(prefix, StringComparison.Ordinal) || (after is not null && Names.Compare(name, after) <= 0) || (end is not null && Names.Compare(name, end) > 0)) continue;
            if (!listed.ContainsKey(name) && IsShown(name) && hub.Find(name) is { } open) listed[name] = new ListedLog(name, open.Head, 0);
        }

        var next = listed.Count > limit ? listed.Keys.ElementAt(limit - 1) : end;
        return ([.. listed.Values.Take(limit).Select(log => (log, census.CountHere(log.Channel).Total))], next);

        bool IsShown(string name) => grant is null || !Context.Revocations.Covers(grant, name);
    }

    /// <summary>Tells of a channel.</summary>
    /// <exception cref="UnknownException">It has no messages, and no subscribers on any node.</exception>
    public async ValueTask<ChannelDetail> ReadAsync(CallerContext caller, string channel, CancellationToken cancellation)
    {
        await AuthorizeAsync(caller, channel, cancellation);
        var head = await administration.HeadAsync(channel, cancellation);
        var (all, silent) = await census.CountOthersAsync(channel, cancellation);
        var here = census.CountHere(channel);
        for (var i = 0; i < TransportCounts.Length; i++) all[i] += here[i];
        if (head.End == 0 && all.Total == 0 && hub.Find(channel) is null) throw UnknownException.OfChannel(channel);
        long? bytes = null;
        if (hub.Context.Store is IListingStore store)
        {
            var first = (await store.ListAsync(channel, null, 1, cancellation)).Logs;
            bytes = first is [var log] && log.Channel == channel ? log.Bytes : 0;
        }

        var newest = head.End > head.First ? (await hub.Context.Store.ReadAsync(channel, head.End - 1, 1, cancellation)).Messages : [];
        return new ChannelDetail(channel, head, bytes, newest is [.., var last] ? last.Time : null, all, here, silent);
    }

    /// <summary>Reads the newest messages of a channel.</summary>
    /// <exception cref="UnknownException">It has none, and is not open on this node.</exception>
    public async ValueTask<(LogHead Head, IReadOnlyList<Message> Messages)> ReadNewestAsync(CallerContext caller, string channel, int limit, CancellationToken cancellation)
    {
        await AuthorizeAsync(caller, channel, cancellation);
        var head = await administration.HeadAsync(channel, cancellation);
        if (head.End == 0 && hub.Find(channel) is null) throw UnknownException.OfChannel(channel);
        var (messages, bytes) = (new Queue<Message>(), 0L);
        for (var from = Math.Max(head.First, head.End - limit); from < head.End;)
        {
            var slice = await hub.Context.Store.ReadAsync(channel, from, MaxShownBytes, cancellation);
            if (slice.Head.Epoch != head.Epoch || slice.Messages.Length == 0) break;
            foreach (var message in slice.Messages.Where(message => message.Seqid < head.End))
            {
                messages.Enqueue(message);
                bytes += message.Record.Length;
            }

            while (bytes > MaxShownBytes && messages.Count > 1) bytes -= messages.Dequeue().Record.Length;
            from = slice.Messages[^1].Seqid + 1;
        }

        return (head, [.. messages]);
    }

    /// <summary>Drops the messages of a channel, whose log begins a new epoch.</summary>
    /// <returns>How many were dropped, and the bounds since.</returns>
    /// <exception cref="UnknownException">It has no messages, and no subscribers on any node.</exception>
    public async ValueTask<(long Dropped, LogHead Head)> ClearAsync(CallerContext caller, string channel, CancellationToken cancellation)
    {
        await AuthorizeAsync(caller, channel, cancellation);
        await CheckKnownAsync(channel, cancellation);
        Audit(caller, "clear", channel);
        var before = await administration.ClearAsync(channel, cancellation);
        return (before is { } head ? head.End - head.First : 0, await administration.HeadAsync(channel, cancellation));
    }

    /// <summary>Ends the subscribers of a channel on every node: they are told that it was closed.</summary>
    /// <returns>How many they were on this node.</returns>
    /// <exception cref="UnknownException">It has no messages, and no subscribers on any node.</exception>
    public async ValueTask<int> CloseAsync(CallerContext caller, string channel, CancellationToken cancellation)
    {
        await AuthorizeAsync(caller, channel, cancellation);
        await CheckKnownAsync(channel, cancellation);
        Audit(caller, "close", channel);
        return await administration.CloseAsync(channel, cancellation);
    }

    /// <summary>Publishes to a channel by the right to administer it.</summary>
    /// <returns>The receipts.</returns>
    public async ValueTask<IReadOnlyList<Receipt>> PublishAsync(CallerContext caller, IReadOnlyList<NewMessage> messages, CancellationToken cancellation)
    {
        var receipts = await channels.PublishAsync(caller, ChannelRight.Admin, messages, cancellation);
        Audit(caller, "publish", messages[0].Channel);
        return receipts;
    }

    /// <summary>Publishes a message to every channel that is open on any node.</summary>
    /// <returns>In how many channels that are open on this node.</returns>
    public async ValueTask<int> BroadcastAsync(CallerContext caller, byte[] body, CancellationToken cancellation)
    {
        await AuthorizeAsync(caller, Everything, cancellation);
        Audit(caller, "broadcast", null);
        return await administration.BroadcastAsync(System.Text.Encoding.UTF8.GetString(body), cancellation);
    }

    /// <summary>Ends the connections of a user on every node; they may come back.</summary>
    /// <returns>How many they were on this node.</returns>
    public async ValueTask<int> KickUserAsync(CallerContext caller, string user, CancellationToken cancellation)
    {
        await AuthorizeAsync(caller, Everything, cancellation);
        Audit(caller, "kick user", user);
        return await administration.KickUserAsync(user, cancellation);
    }

    /// <summary>Ends the connections to a channel on every node; they may come back.</summary>
    /// <returns>How many they were on this node.</returns>
    public async ValueTask<int> KickChannelAsync(CallerContext caller, string channel, CancellationToken cancellation)
    {
        await AuthorizeAsync(caller, channel, cancellation);
        Audit(caller, "kick channel", channel);
        return await administration.KickChannelAsync(channel, cancellation);
    }

    /// <summary>Says which rule or claim gives a caller a right, or what is missing.</summary>
    public async ValueTask<AccessExplanation> ExplainAsync(CallerContext caller, string? token, ChannelRight right, string channel, CancellationToken cancellation)
    {
        await AuthorizeAsync(caller, Everything, cancellation);
        Audit(caller, $"explain {GrantFactory.NameOf(right)}", channel);
        if (hub.Options.Auth.Mode != AuthMode.Token) return new AccessExplanation(true, "CComet:Auth:Mode", "in the mode Open, everybody who reaches the server may.");
        var (explanation, grant) = await explainer.ExplainAsync(token, right, channel, cancellation);
        if (grant is null || !Context.Revocations.Any) return explanation;
        return Context.Revocations.Covers(grant) || Context.Revocations.Covers(grant, channel) ? new AccessExplanation(false, null, "the right was revoked.") : explanation;
    }

    /// <summary>Returns the nodes, this one first.</summary>
    public async ValueTask<IReadOnlyList<KnownNode>> ReadNodesAsync(CallerContext caller, CancellationToken cancellation)
    {
        await AuthorizeAsync(caller, Everything, cancellation);
        return [new KnownNode(roster.Self, TimeSpan.Zero), .. roster.Others];
    }

    /// <summary>Returns the figures of this node.</summary>
    public async ValueTask<ServerStatistics> ReadStatisticsAsync(CallerContext caller, CancellationToken cancellation)
    {
        await AuthorizeAsync(caller, Everything, cancellation);
        return feed.Now;
    }

    /// <summary>Has a node send its subscribers away. It goes on to run.</summary>
    /// <param name="caller">The administrator.</param>
    /// <param name="node">The node's name; null for this one.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <returns>The node's name.</returns>
    /// <exception cref="UnknownException">No node of that name lives.</exception>
    public async ValueTask<string> DrainAsync(CallerContext caller, string? node, CancellationToken cancellation)
    {
        await AuthorizeAsync(caller, Everything, cancellation);
        node ??= notes.Node;
        if (node != notes.Node && !roster.IsOther(node)) throw new UnknownException("node", $"node: no node '{node}' is alive; GET /admin/nodes lists those that are.");
        Audit(caller, "drain", node);
        if (node == notes.Node) Drain();
        else await notes.WriteAsync(new NodeNote(NodeNoteKind.Drain, Id: node), cancellation);
        return node;
    }

    /// <summary>Whether a grant is of the administrator of all channels of a prefix, and not of everything.</summary>
    private static bool IsOfPrefix(Grant grant, string prefix) => grant.ScopeOf(ChannelRight.Admin) is var scope && scope.Covers(prefix) && !scope.Covers("");

    private void Receive(NodeNote note)
    {
        if (note.Kind == NodeNoteKind.Drain && note.Id == notes.Node) Drain();
    }

    private void Drain()
    {
        _ = drainer.DrainAsync();
        roster.Tell();
    }

    private async ValueTask CheckKnownAsync(string channel, CancellationToken cancellation)
    {
        if (hub.Find(channel) is not null || (await administration.HeadAsync(channel, cancellation)).End > 0) return;
        if ((await census.CountOthersAsync(channel, cancellation)).Counts.Total == 0) throw UnknownException.OfChannel(channel);
    }

    private ValueTask AuthorizeAsync(CallerContext caller, string channel, CancellationToken cancellation) => channels.AuthorizeAsync(caller, ChannelRight.Admin, channel, cancellation);

    private void Audit(in CallerContext caller, string action, string? subject) => audit.Done(NameOf(caller), caller.Address, action, subject);

    private static string? NameOf(in CallerContext caller) => caller.Grant?.User ?? caller.User?.Identity?.Name;
}

/// <summary>What a caller may administer.</summary>
/// <param name="User">The caller's name; null for one without.</param>
/// <param name="IsAll">Whether that is all: every channel, and what is of no one channel.</param>
/// <param name="Channels">The channels.</param>
internal sealed record AdminScope(string? User, bool IsAll, RightScope Channels);

/// <summary>What is told of a channel.</summary>
/// <param name="Channel">Its name.</param>
/// <param name="Head">The epoch and bounds of its log.</param>
/// <param name="Bytes">What its messages take in the store, about; null where the store cannot tell.</param>
/// <param name="Newest">The time of its newest message, in Unix milliseconds; null when none is kept.</param>
/// <param name="All">Its subscribers on all nodes.</param>
/// <param name="Here">Those on this node.</param>
/// <param name="Silent">How many nodes have not answered how many they have.</param>
internal sealed record ChannelDetail(string Channel, LogHead Head, long? Bytes, long? Newest, TransportCounts All, TransportCounts Here, int Silent);
