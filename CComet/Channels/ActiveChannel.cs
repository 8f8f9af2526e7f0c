using CComet.Access;
using CComet.Limits;
using CComet.Messages;
using CComet.Storage;

namespace CComet.Channels;

/// <summary>A channel that is open on this node: its log's tail (<see cref="ChannelLog"/>), its subscribers, and those that are parked.</summary>
/// <remarks>Without subscribers it is a cache of its log, which can be closed at any moment (<see cref="IdleChannels"/>).</remarks>
internal sealed partial class ActiveChannel : ChannelLog
{
    private readonly ReaderList _waiting = new();
    private readonly ReaderList _pushed = new();
    private readonly IPresenceListener? _presence;
    private Dictionary<string, (IChannelReader Reader, int Index)>? _named;
    private int _subscribers;
    private TransportCounts _transports;
    private long _end;
    private CallerShares _opener;
    private long _idleSince;
    private WakeReason? _endedBy;

    public ActiveChannel(HubContext hub, string name)
        : base(hub, name)
    {
        _idleSince = hub.Time.GetTimestamp();
        _presence = hub.Presence?.Covers(name) == true ? hub.Presence : null;
    }

    /// <summary>Its neighbours among the idle channels; the list's own.</summary>
    public IdleChannels.Links Idle { get; set; }

    /// <summary>Since when it has had no subscribers, by the monotonic clock. Valid only while it is idle.</summary>
    public long IdleSince => Volatile.Read(ref _idleSince);

    /// <summary>The end of what was delivered so far, read without the lock.</summary>
    public long End => Volatile.Read(ref _end);

    /// <summary>Why its subscribers are ended; null while they are not. From then on it takes no new one: the hub opens another of its name.</summary>
    public WakeReason? EndedBy
    {
        get
        {
            lock (Gate) return _endedBy;
        }
    }

    /// <summary>How many subscribers it has.</summary>
    public int Subscribers
    {
        get
        {
            lock (Gate) return _subscribers;
        }
    }

    /// <summary>How many by each transport.</summary>
    public TransportCounts Transports
    {
        get
        {
            lock (Gate) return _transports;
        }
    }

    /// <summary>How many of them are parked at this moment.</summary>
    public int Waiting
    {
        get
        {
            lock (Gate) return _waiting.Count + _pushed.Count;
        }
    }

    /// <summary>Counts a subscriber in; false when the channel has been closed meanwhile and a new one must be looked up.</summary>
    /// <param name="shares">The shares that the subscriber is counted in; the first subscriber's are charged with the channel until the last has left.</param>
    /// <param name="transport">How it follows.</param>
    public bool TryEnter(CallerShares shares, Transport transport)
    {
        lock (Gate)
        {
            if (IsClosed || _endedBy is not null) return false;
            if (_subscribers >= Hub.Options.Limits.SubscribersPerChannel)
                throw Hub.Limits.Refuse("Limits:SubscribersPerChannel", isGlobal: false, "channel", $"'{Name}' has its {_subscribers} subscribers already.");
            if (_subscribers == 0)
            {
                if (Hub.Quotas.Open(shares) is { } refusal)
                {
                    // It may have been opened for this one alone.
                    MarkIdle();
                    throw refusal;
                }

                _opener = shares;
                Hub.Idle.Remove(this);
                foreach (var listener in Hub.Occupancy) listener.Occupied(Name);
            }

            _subscribers++;
            _transports[(int)transport]++;
            return true;
        }
    }

    /// <summary>Counts a subscriber out and drops what this channel holds of it.</summary>
    public void Leave(ref ChannelCursor cursor, IChannelReader reader, int channelIndex, Transport transport)
    {
        lock (Gate)
        {
            ListOf(reader, channelIndex).Remove(reader, channelIndex);
            if (reader.Sname is not null && _named is not null && _named.TryGetValue(reader.Sname, out var named) && named.Reader == reader)
                _named.Remove(reader.Sname);
            Release(ref cursor);
            _transports[(int)transport]--;
            if (--_subscribers > 0) return;
            Quotas.Close(_opener);
            _opener = default;
            if (_endedBy is not null)
            {
                Shut();
                return;
            }

            foreach (var listener in Hub.Occupancy) listener.Vacated(Name);
            Tail.Forget();
            MarkIdle();
        }
    }

    /// <summary>Counts a connection of a user in, where the channel has presence. A subscriber without a name is nobody that others could be told of.</summary>
    public void Enter(string? user, Grant? grant)
    {
        if (user is not null) _presence?.Entered(Name, user, grant);
    }

    /// <summary>Counts it out.</summary>
    public void Leave(string? user)
    {
        if (user is not null) _presence?.Left(Name, user);
    }

    /// <summary>Closes the channel when it has no subscribers, and says whether it did.</summary>
    public bool TryClose()
    {
        lock (Gate)
        {
            if (IsClosed || _subscribers > 0) return false;
            Shut();
            return true;
        }
    }

    /// <summary>Has its subscribers ended, each once it has read what is there; false when it has none. The hub drops it then, and wakes them.</summary>
    /// <param name="reason"><see cref="WakeReason.Closed"/> or <see cref="WakeReason.Kicked"/>.</param>
    /// <param name="subscribers">How many they are.</param>
    public bool TryEnd(WakeReason reason, out int subscribers)
    {
        lock (Gate)
        {
            subscribers = _subscribers;
            if (IsClosed || _endedBy is not null || _subscribers == 0) return false;
            _endedBy = reason;

            // Before another of its name is opened, which may be occupied at once.
            foreach (var listener in Hub.Occupancy) listener.Vacated(Name);
            return true;
        }
    }

    /// <summary>Closes the channel, which has had no subscriber, because its log could not be opened.</summary>
    public void Abandon()
    {
        lock (Gate) Shut();
    }

    /// <summary>Frees what was read for a cursor, which has been answered.</summary>
    public void Release(ref ChannelCursor cursor)
    {
        Hub.Memory.Release(cursor.Held);
        cursor.Held = 0;
    }

    /// <summary>
    /// Reads from the cursor on and moves it; parks <paramref name="park"/> when everything has been read. Both happen under one lock.
    /// </summary>
    public ReadStatus Read(ref ChannelCursor cursor, int channelIndex, IChannelReader? park, long maxBytes, ref List<Reading>? readings)
    {
        (IChannelReader Reader, int Index)? replaced = null;
        var status = ReadStatus.Nothing;
        lock (Gate)
        {
            Tail.Expire(Hub.Time.GetUtcNow());
            if (_endedBy is not null && IsOver(ref cursor)) return ReadStatus.Ended;
            if (cursor.Epoch is not null && cursor.Epoch != Tail.Epoch)
            {
                Tell(Notice.Reset(Name, Tail.Epoch), channelIndex, ref readings);
                cursor.Epoch = Tail.Epoch;
                cursor.Next = 0;
                park = null;
                status = ReadStatus.Something;
            }

            if (cursor.Next < 0) cursor.Next = Tail.End;
            if (cursor.Next > Tail.End) return ReadStatus.Beyond;
            if (cursor.Next < Tail.First) return ReadStatus.Behind;
            cursor.Epoch = Tail.Epoch;
            if (cursor.Next < Tail.End)
            {
                var batch = Tail.BatchFrom(cursor.Next, maxBytes);
                (readings ??= new(1)).Add(new Reading(channelIndex, null, batch));
                cursor.Next = batch.End;
                return ReadStatus.Something;
            }

            if (park is not null) replaced = Park(park, channelIndex);
        }

        replaced?.Reader.Signal(replaced.Value.Index, WakeReason.Replaced);
        return status;
    }

    /// <summary>Gives a cursor what the store had for it, after a notice of what was missing.</summary>
    /// <returns>
    /// How many bytes it was given; -1 when the log has another epoch in the store than here, or than the cursor: this channel must catch
    /// up first, and the next read tells the reset.
    /// </returns>
    public long Take(LogSlice slice, ref ChannelCursor cursor, int channelIndex, ref List<Reading>? readings)
    {
        var head = slice.Head;
        lock (Gate)
        {
            if (head.Epoch != Tail.Epoch || (cursor.Epoch is not null && cursor.Epoch != head.Epoch)) return -1;
        }

        if (cursor.Next > head.End) throw new StoreUnavailableException($"The log of channel '{Name}' is shorter than it was.");
        cursor.Epoch = head.Epoch;
        var first = slice.Messages.Length > 0 ? slice.Messages[0].Seqid : head.End;
        if (first > cursor.Next)
        {
            Tell(Notice.Gap(Name, head.Epoch, cursor.Next, first - 1), channelIndex, ref readings);
            cursor.Next = first;
        }

        if (slice.Messages.Length == 0) return 0;
        var batch = new Batch(head.Epoch, slice.Messages);
        Hub.Memory.Hold(batch.Bytes);
        cursor.Held += (int)batch.Bytes;
        (readings ??= new(1)).Add(new Reading(channelIndex, null, batch));
        cursor.Next = slice.Messages[^1].Seqid + 1;
        return batch.Bytes;
    }

    /// <summary>
    /// The cursor lies beyond the end even of the store: without an epoch that is the client's mistake; with one, the log has lost what
    /// the client saw, which is told as a reset.
    /// </summary>
    public void StartOver(ref ChannelCursor cursor, int channelIndex, ref List<Reading>? readings)
    {
        if (cursor.Epoch is null) RefuseBeyond(cursor);
        lock (Gate)
        {
            Tell(Notice.Reset(Name, Tail.Epoch), channelIndex, ref readings);
            cursor.Next = 0;
        }
    }

    /// <summary>Resolves a cursor without reading; false when it lies beyond the end that this node knows.</summary>
    public bool Resolve(ref ChannelCursor cursor)
    {
        lock (Gate)
        {
            if (_endedBy is not null && IsOver(ref cursor)) return true;
            if (cursor.Epoch is not null && cursor.Epoch != Tail.Epoch)
            {
                // The first read tells the reset; until then it stays the client's own.
                cursor.Next = Math.Max(0, cursor.Next);
                return true;
            }

            if (cursor.Next < 0) cursor.Next = Tail.End;
            if (cursor.Epoch is null && cursor.Next > Tail.End) return false;
            cursor.Epoch = Tail.Epoch;
            return true;
        }
    }

    /// <summary>Throws the refusal of a seqid beyond the end.</summary>
    public void RefuseBeyond(ChannelCursor cursor)
    {
        lock (Gate) throw new SeqidBeyondEndException(Name, cursor.Next, Tail.End);
    }

    /// <summary>
    /// Returns the batch from a seqid to the end of what is known; null when the reader must read for itself: there is more than one
    /// step, what it wants is not in memory, or the log has another epoch.
    /// </summary>
    public Batch? StepFrom(string? epoch, long next)
    {
        lock (Gate) return epoch == Tail.Epoch ? Step(next) : null;
    }

    /// <summary>Removes a reader from the list of those that are parked: it reads for itself until it has read everything.</summary>
    public void Unpark(IChannelReader reader, int channelIndex)
    {
        lock (Gate) ListOf(reader, channelIndex).Remove(reader, channelIndex);
    }

    /// <inheritdoc/>
    protected override void Deliver(long from, DeferredDeliveries? deferred)
    {
        Volatile.Write(ref _end, Tail.End);
        if (_waiting.Count == 0 && _pushed.Count == 0) return;
        var batch = Step(from);
        FanOut.Wake(_waiting.TakeAll(), WakeReason.Messages, batch, deferred);
        if (_pushed.Count > 0) FanOut.Push(_pushed.Share(), batch, deferred);
    }

    /// <summary>Whether nothing of an ended channel is left for a cursor, which it gives what its text needs. Under the lock.</summary>
    /// <remarks>What is not in memory is left to the next subscriber with the cursor: this channel does not follow the store any more.</remarks>
    private bool IsOver(ref ChannelCursor cursor)
    {
        var isHere = (cursor.Epoch ?? Tail.Epoch) == Tail.Epoch;
        cursor.Epoch ??= Tail.Epoch;
        if (cursor.Next < 0) cursor.Next = Tail.End;
        return _endedBy == WakeReason.Kicked || !isHere || cursor.Next < Tail.First || cursor.Next >= Tail.End;
    }

    private static void Tell(Notice notice, int channelIndex, ref List<Reading>? readings) =>
        (readings ??= new(1)).Add(new Reading(channelIndex, notice, Batch.Empty));

    /// <summary>Lists the channel among the idle, unless it is there. Under the lock.</summary>
    private void MarkIdle()
    {
        // Its place in the order is the moment at which its last subscriber left.
        if (Idle.IsListed) return;
        Volatile.Write(ref _idleSince, Hub.Time.GetTimestamp());
        Hub.Idle.Add(this);
    }

    private void Shut()
    {
        Close();
        Hub.Idle.Remove(this);
    }

    private (IChannelReader Reader, int Index)? Park(IChannelReader reader, int channelIndex)
    {
        // One whose subscription has ended parks no more, and must not take the name back from its successor.
        if (Hub.IsEnding && !Names.IsPrivate(Name)) reader.Signal(channelIndex, WakeReason.Draining);
        if (reader.Ended is not null) return null;
        (IChannelReader Reader, int Index)? replaced = null;
        if (reader.Sname is not null)
        {
            _named ??= new Dictionary<string, (IChannelReader Reader, int Index)>(StringComparer.Ordinal);
            if (_named.TryGetValue(reader.Sname, out var old) && old.Reader != reader) replaced = old;
            _named[reader.Sname] = (reader, channelIndex);
        }

        ListOf(reader, channelIndex).Add(reader, channelIndex);
        return replaced;
    }

    private Batch? Step(long from)
    {
        if (from < Tail.First || from >= Tail.End) return null;
        var batch = Tail.BatchFrom(from, ReadSizes.MaxStepBytes);
        return batch.End == Tail.End ? batch : null;
    }

    private ReaderList ListOf(IChannelReader reader, int channelIndex) => reader.TakesPushes(channelIndex) ? _pushed : _waiting;
}
