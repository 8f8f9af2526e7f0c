using System.Collections.Concurrent;
using System.Threading.Channels;
using CComet.Channels;
using CComet.Messages;
using Microsoft.Extensions.Hosting;

namespace CComet.Operations;

/// <summary>Knows which channels have subscribers on any node, and tells its listeners when one gets its first or has lost its last.</summary>
/// <remarks>
/// A channel counts until it has had no subscriber for <paramref name="linger"/>, so that the hole between two polls is none. Nodes tell
/// each other by notes (<see cref="NodeLog"/>): each change, and everything to a node that asks. What a node had that is gone
/// (<see cref="NodeRoster"/>) is dropped.
/// </remarks>
/// <param name="hub">The hub.</param>
/// <param name="notes">The notes of the nodes.</param>
/// <param name="roster">The nodes.</param>
/// <param name="linger">How long a channel counts after its last subscriber has left; listeners are told again as often which channels count.</param>
internal sealed class ChannelOccupancy(ChannelHub hub, NodeLog notes, NodeRoster roster, TimeSpan linger) : BackgroundService, IOccupancyListener
{
    /// <summary>How many changes a listener may leave unread; one that leaves more is ended.</summary>
    private const int MaxUnread = 200_000;

    private static readonly TimeSpan TickInterval = TimeSpan.FromSeconds(1);

    /// <summary>What has changed here and was not taken in yet: one entry for each channel, however often it changes.</summary>
    private readonly ConcurrentDictionary<string, Visit> _visits = new(StringComparer.Ordinal);
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly SemaphoreSlim _sending = new(1);

    // All below is guarded by the lock.
    private readonly Lock _lock = new();
    private readonly Dictionary<string, long> _local = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> _others = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _online = new(StringComparer.Ordinal);
    private readonly HashSet<ChannelWriter<OccupancyChange>> _listeners = [];
    private readonly List<NodeNote> _unsent = [];

    /// <summary>Whether a channel counts.</summary>
    public bool IsOnline(string channel)
    {
        if (hub.Find(channel)?.Subscribers > 0) return true;
        lock (_lock) return _online.ContainsKey(channel);
    }

    /// <summary>Begins to listen: first come all channels that count, then every change, and all that count again from time to time.</summary>
    /// <returns>What to read from; it ends when too much was left unread. To be given to <see cref="StopListening"/>.</returns>
    public Listener Listen()
    {
        var changes = Channel.CreateBounded<OccupancyChange>(new BoundedChannelOptions(MaxUnread) { SingleReader = true });
        lock (_lock)
        {
            _listeners.Add(changes.Writer);
            foreach (var channel in _online.Keys) Tell(changes.Writer, new OccupancyChange(channel, IsOnline: true));
        }

        return new Listener(changes);
    }

    /// <summary>Ends what <see cref="Listen"/> began.</summary>
    public void StopListening(Listener listener)
    {
        lock (_lock) _listeners.Remove(listener.Changes.Writer);
    }

    /// <inheritdoc/>
    void IOccupancyListener.Occupied(string channel)
    {
        _visits[channel] = Visit.IsHere;
        _wake.Writer.TryWrite(true);
    }

    /// <inheritdoc/>
    void IOccupancyListener.Vacated(string channel)
    {
        // A visit that was over before it was taken in counts, too.
        _visits.AddOrUpdate(channel, static _ => Visit.IsOver, static (_, visit) => visit == Visit.IsOver ? Visit.IsOver : Visit.WasHere);
        _wake.Writer.TryWrite(true);
    }

    /// <inheritdoc/>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        hub.Context.Occupancy.Add(this);
        notes.Received += Receive;
        roster.Left += Drop;
        return base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _sending.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TickInterval, hub.Context.Time);
        await Task.WhenAll(ReadChangesAsync(stoppingToken), TickAsync(timer, stoppingToken));
    }

    private async Task ReadChangesAsync(CancellationToken cancellation)
    {
        while (await _wake.Reader.WaitToReadAsync(cancellation))
        {
            _wake.Reader.TryRead(out _);
            lock (_lock)
            {
                foreach (var channel in _visits.Keys)
                {
                    if (!_visits.TryRemove(channel, out var visit)) continue;
                    if (visit != Visit.IsOver) Note(channel, isOccupied: true);
                    if (visit != Visit.IsHere) Note(channel, isOccupied: false);
                }
            }

            await SendUnsentAsync(cancellation);
        }
    }

    private async Task TickAsync(PeriodicTimer timer, CancellationToken cancellation)
    {
        var repeatedAt = Now;
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            lock (_lock)
            {
                foreach (var (channel, vacatedAt) in _local.Where(local => local.Value > 0 && Elapsed(local.Value) >= linger).ToList()) Leave(channel);
                if (Elapsed(repeatedAt) >= linger)
                {
                    repeatedAt = Now;
                    foreach (var channel in _online.Keys) TellAll(new OccupancyChange(channel, IsOnline: true));
                }
            }

            await SendUnsentAsync(cancellation);
        }
    }

    private long Now => Math.Max(1, hub.Context.Time.GetTimestamp());

    private TimeSpan Elapsed(long since) => hub.Context.Time.GetElapsedTime(since);

    /// <summary>Takes in a change of this node. The value of a local channel is since when it has been vacant; 0 when it is not.</summary>
    private void Note(string channel, bool isOccupied)
    {
        if (Names.IsOfServer(channel)) return;
        if (!isOccupied)
        {
            if (_local.ContainsKey(channel)) _local[channel] = Now;
            return;
        }

        if (_local.TryAdd(channel, 0))
        {
            Count(channel, 1);
            _unsent.Add(new NodeNote(NodeNoteKind.Online, [channel]));
        }

        _local[channel] = 0;
    }

    private void Leave(string channel)
    {
        _local.Remove(channel);
        Count(channel, -1);
        _unsent.Add(new NodeNote(NodeNoteKind.Offline, [channel]));
    }

    private void Receive(NodeNote note)
    {
        if (note.Node == notes.Node) return;
        lock (_lock)
        {
            if (!_others.TryGetValue(note.Node, out var theirs)) _others[note.Node] = theirs = new(StringComparer.Ordinal);
            switch (note.Kind)
            {
                case NodeNoteKind.Ask:
                    foreach (var names in _local.Keys.Chunk(NodeNote.MaxNames)) _unsent.Add(new NodeNote(NodeNoteKind.Online, names));
                    break;
                case NodeNoteKind.Online:
                    foreach (var channel in note.Channels ?? [])
                        if (theirs.Add(channel)) Count(channel, 1);
                    break;
                case NodeNoteKind.Offline:
                    foreach (var channel in note.Channels ?? [])
                        if (theirs.Remove(channel)) Count(channel, -1);
                    break;
            }
        }

        // On a task of its own: the notes' reader must not wait for a write.
        _ = Task.Run(() => SendUnsentAsync(CancellationToken.None));
    }

    private void Drop(string node)
    {
        lock (_lock)
        {
            if (!_others.Remove(node, out var theirs)) return;
            foreach (var channel in theirs) Count(channel, -1);
        }
    }

    /// <summary>Counts on how many nodes a channel has subscribers.</summary>
    private void Count(string channel, int change)
    {
        var count = _online.GetValueOrDefault(channel) + change;
        if (count > 0) _online[channel] = count;
        else _online.Remove(channel);
        if (count == 0 || (change > 0 && count == 1)) TellAll(new OccupancyChange(channel, count > 0));
    }

    private void TellAll(OccupancyChange change)
    {
        foreach (var listener in _listeners) Tell(listener, change);
    }

    private static void Tell(ChannelWriter<OccupancyChange> listener, OccupancyChange change)
    {
        if (!listener.TryWrite(change)) listener.TryComplete();
    }

    /// <summary>Sends what is to be told, one caller after the other, so that the notes keep their order.</summary>
    private async Task SendUnsentAsync(CancellationToken cancellation)
    {
        await _sending.WaitAsync(cancellation);
        try
        {
            NodeNote[] unsent;
            lock (_lock)
            {
                unsent = [.. Merge([.. _unsent])];
                _unsent.Clear();
            }

            var sent = 0;
            while (sent < unsent.Length && await notes.TryWriteAsync(unsent[sent], cancellation)) sent++;

            // Again with the next tick: a change that the others never hear of would stay wrong with them.
            lock (_lock) _unsent.InsertRange(0, unsent[sent..]);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Joins consecutive notes of one kind that name channels.</summary>
    private static IEnumerable<NodeNote> Merge(NodeNote[] unsent)
    {
        for (var i = 0; i < unsent.Length;)
        {
            var kind = unsent[i].Kind;
            if (unsent[i].Channels is null)
            {
                yield return unsent[i++];
                continue;
            }

            var names = new List<string>();
            for (; i < unsent.Length && unsent[i].Kind == kind && unsent[i].Channels is { } more && names.Count < NodeNote.MaxNames; i++) names.AddRange(more);
            yield return new NodeNote(kind, names);
        }
    }

    /// <summary>A listener, and what it has not read yet.</summary>
    internal sealed record Listener(Channel<OccupancyChange> Changes);

    /// <summary>What has become of a channel since it was last taken in.</summary>
    private enum Visit
    {
        /// <summary>It has subscribers.</summary>
        IsHere,

        /// <summary>It had some, and has none any more.</summary>
        WasHere,

        /// <summary>It has none any more.</summary>
        IsOver,
    }
}

/// <summary>That a channel has subscribers on some node, or has none any more.</summary>
internal readonly record struct OccupancyChange(string Channel, bool IsOnline);
