using CComet.Limits;
using CComet.Messages;
using CComet.Storage;
using CComet.Subscriptions;
using Microsoft.Extensions.Logging;

namespace CComet.Channels;

/// <summary>
/// What this node knows of a channel that has subscribers: the newest messages, and who waits. One lock guards it; attaching
/// a waiter and reading the tail happen under it together, so that no append can fall between the two. Without subscribers it is
/// a cache of its log, which can be dropped at any moment (<see cref="IdleChannels"/>).
/// </summary>
public sealed partial class Channel : ILogListener
{
    private readonly Lock _lock = new();
    private readonly WaiterList _waiters = new();
    private readonly WaiterList _followers = new();
    private Dictionary<string, Subscriber>? _named;
    private readonly LogTail _tail;
    private TaskCompletionSource? _opening;
    private TaskCompletionSource? _loading;
    private int _subscribers;
    private long _end;
    private bool _closed;
    private Task? _catchUp;
    private bool _catchUpAgain;
    private AddressShare? _opener;
    private long _idleSince;

    internal Channel(ChannelHub hub, string name)
    {
        Hub = hub;
        Name = name;
        _idleSince = hub.Time.GetTimestamp();
        _tail = new LogTail(hub.TailBounds, hub.Memory);
    }

    /// <summary>The hub it is of.</summary>
    internal ChannelHub Hub { get; }

    /// <summary>Its place among the idle channels; the list's own.</summary>
    internal IdleChannels.Links Idle { get; set; }

    /// <summary>Since when it has had no subscribers, by the monotonic clock. Meant only while it is idle.</summary>
    internal long IdleSince => Volatile.Read(ref _idleSince);

    /// <summary>What its tail takes in memory, in bytes, read without the lock.</summary>
    internal long Weight => _tail.Weight;

    /// <summary>The end of what was delivered so far, read without the lock.</summary>
    internal long End => Volatile.Read(ref _end);

    /// <summary>The channel's name.</summary>
    public string Name { get; }

    /// <summary>How many subscribers it has.</summary>
    public int Subscribers
    {
        get
        {
            lock (_lock) return _subscribers;
        }
    }

    /// <summary>How many of them wait at this moment.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock) return _waiters.Count + _followers.Count;
        }
    }

    /// <inheritdoc/>
    public void Opened(LogHead head)
    {
        lock (_lock) _tail.Rebase(head.Epoch, head.End);
    }

    /// <inheritdoc/>
    public void Appended(string epoch, IReadOnlyList<Message> messages)
    {
        bool hole;
        lock (_lock)
        {
            if (_closed) return;
            var from = _tail.End;
            hole = epoch != _tail.Epoch || !_tail.Accept(messages, Hub.Time.GetUtcNow());
            if (Hub.Memory.IsOverflowing) _tail.Trim(0);
            if (!hole && _tail.End > from) Deliver(from);
        }

        if (hole) Changed();
    }

    /// <inheritdoc/>
    public void Changed() => _ = CatchUpQuietlyAsync();

    /// <summary>Opens the log, once; everyone who comes meanwhile awaits the same opening.</summary>
    internal Task OpenAsync()
    {
        TaskCompletionSource opening;
        lock (_lock)
        {
            if (_opening is not null) return _opening.Task;
            _opening = opening = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        return FollowAsync(opening);
    }

    /// <summary>Counts a subscriber in; false when the channel has been closed meanwhile and a new one must be looked up.</summary>
    /// <param name="share">What the subscriber's address takes; the first subscriber's is charged with the channel until the last has left.</param>
    internal bool TryEnter(AddressShare? share)
    {
        lock (_lock)
        {
            if (_closed) return false;
            if (_subscribers >= Hub.Options.Limits.SubscribersPerChannel)
                throw Hub.Limits.Refuse("Limits:SubscribersPerChannel", isGlobal: false, "channel", $"'{Name}' has its {_subscribers} subscribers already.");
            if (_subscribers == 0)
            {
                if (share?.TryOpen(Hub.Addresses.MaxChannels) == false)
                {
                    // It may have been opened for this one alone.
                    Rest();
                    throw Hub.Addresses.Refuse("follows");
                }

                _opener = share;
                Hub.Idle.Remove(this);
            }

            _subscribers++;
            return true;
        }
    }

    /// <summary>Counts a subscriber out and drops whatever this channel holds of it.</summary>
    internal void Leave(ref Subscriber.Position position, Subscriber subscriber)
    {
        lock (_lock)
        {
            ListOf(subscriber).Remove(ref position);
            if (subscriber.Sname is not null && _named is not null && _named.TryGetValue(subscriber.Sname, out var named) && named == subscriber)
                _named.Remove(subscriber.Sname);
            Hub.Memory.Release(position.Held);
            position.Held = 0;
            if (--_subscribers > 0) return;
            _opener?.Close();
            _opener = null;
            _tail.Forget();
            Rest();
        }
    }

    /// <summary>Drops the messages that are too old, and encodings that can be made again.</summary>
    internal void Sweep()
    {
        lock (_lock)
        {
            _tail.Expire(Hub.Time.GetUtcNow());
            _tail.Forget();
        }
    }

    /// <summary>Drops the oldest messages from memory until the tail takes no more than so many bytes.</summary>
    internal void Trim(long maxBytes)
    {
        lock (_lock) _tail.Trim(maxBytes);
    }

    /// <summary>Closes the channel when it has no subscribers, and says whether it did.</summary>
    internal bool TryClose()
    {
        lock (_lock)
        {
            if (_closed || _subscribers > 0) return false;
            Shut();
            return true;
        }
    }

    /// <summary>Closes the channel, which nobody has entered, because its log could not be opened.</summary>
    internal void Abandon()
    {
        lock (_lock) Shut();
    }

    /// <summary>Frees what was read for a position, which has been answered.</summary>
    internal void Release(ref Subscriber.Position position)
    {
        Hub.Memory.Release(position.Held);
        position.Held = 0;
    }

    /// <summary>
    /// Reads from the position on and moves it; parks <paramref name="park"/> when everything has been read. One lock holds
    /// over both.
    /// </summary>
    internal ReadStatus Read(ref Subscriber.Position position, int index, Subscriber? park, long maxBytes, ref List<Reading>? readings)
    {
        Subscriber? replaced = null;
        var found = ReadStatus.Nothing;
        lock (_lock)
        {
            _tail.Expire(Hub.Time.GetUtcNow());
            if (position.Epoch is not null && position.Epoch != _tail.Epoch)
            {
                Tell(Notice.Reset(Name, _tail.Epoch), index, ref readings);
                Hub.Metrics.Reset();
                position.Epoch = _tail.Epoch;
                position.Next = 0;
                park = null;
                found = ReadStatus.Something;
            }

            if (position.Next < 0) position.Next = _tail.End;
            if (position.Next > _tail.End) return ReadStatus.Beyond;
            if (position.Next < _tail.First) return ReadStatus.Behind;
            position.Epoch = _tail.Epoch;
            if (position.Next < _tail.End)
            {
                var batch = _tail.BatchFrom(position.Next, maxBytes);
                (readings ??= new(1)).Add(new Reading(index, null, batch));
                Hub.Metrics.Delivered(batch.Messages.Count);
                position.Next = batch.End;
                return ReadStatus.Something;
            }

            if (park is not null) replaced = Park(ref position, index, park);
        }

        replaced?.Signal(WakeReason.Replaced);
        return found;
    }

    /// <summary>
    /// Reads messages older than those in memory, and keeps them in memory where there is room: whoever comes back after a
    /// restart, or asks for the whole history, asks for what others want too. One such reading runs at a time. What lies too
    /// deep to be kept is read for each who wants it.
    /// </summary>
    /// <returns>What the store has; null when there may be more in memory now: look again.</returns>
    internal async ValueTask<LogSlice?> LoadAsync(long from, long maxBytes, CancellationToken cancellation)
    {
        TaskCompletionSource? mine = null;
        Task? others = null;
        lock (_lock)
        {
            if (_tail.MayKeep(from) && !Hub.Memory.IsFull)
            {
                others = _loading?.Task;
                if (others is null) _loading = mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        if (others is not null)
        {
            await others.WaitAsync(cancellation);
            return null;
        }

        if (mine is null) return await ReadStoreAsync(from, maxBytes, cancellation);
        try
        {
            var slice = await ReadStoreAsync(from, Hub.TailBounds.MaxBytes, cancellation);
            bool isKept;
            lock (_lock) isKept = !_closed && _tail.TryKeep(slice);
            return isKept && slice.Messages[0].Seqid == from ? null : slice.Within(maxBytes);
        }
        finally
        {
            lock (_lock) _loading = null;
            mine.SetResult();
        }
    }

    /// <summary>Gives a position what the store had for it, told of what was missing first.</summary>
    /// <returns>How many bytes it was given; -1 when the store has begun another life of the log, which this channel must hear of first.</returns>
    internal long Take(LogSlice slice, ref Subscriber.Position position, int index, ref List<Reading>? readings)
    {
        var head = slice.Head;
        lock (_lock)
        {
            if (head.Epoch != _tail.Epoch) return -1;
        }

        if (position.Next > head.End) throw new StoreUnavailableException($"The log of channel '{Name}' is shorter than it was.");
        position.Epoch = head.Epoch;
        var first = slice.Messages.Length > 0 ? slice.Messages[0].Seqid : head.End;
        if (first > position.Next)
        {
            Tell(Notice.Gap(Name, head.Epoch, position.Next, first - 1), index, ref readings);
            Hub.Metrics.Gap(first - position.Next);
            position.Next = first;
        }

        if (slice.Messages.Length == 0) return 0;
        var batch = new Batch(head.Epoch, slice.Messages);
        Hub.Memory.Hold(batch.Bytes);
        position.Held += (int)batch.Bytes;
        (readings ??= new(1)).Add(new Reading(index, null, batch));
        Hub.Metrics.Delivered(batch.Messages.Count);
        position.Next = slice.Messages[^1].Seqid + 1;
        return batch.Bytes;
    }

    /// <summary>
    /// The cursor lies beyond the end even of the store: without an epoch that is the client's mistake; with one, the log
    /// has lost what the client saw, and says so.
    /// </summary>
    internal void StartOver(ref Subscriber.Position position, int index, ref List<Reading>? readings)
    {
        if (position.Epoch is null) RefuseBeyond(position);
        lock (_lock)
        {
            Tell(Notice.Reset(Name, _tail.Epoch), index, ref readings);
            Hub.Metrics.Reset();
            position.Next = 0;
        }
    }

    /// <summary>Finds a position its place without reading; false when it lies beyond the end that this node knows.</summary>
    internal bool Place(ref Subscriber.Position position)
    {
        lock (_lock)
        {
            if (position.Epoch is not null && position.Epoch != _tail.Epoch)
            {
                // Told as a reset by the first read; until then it stays the client's own.
                position.Next = Math.Max(0, position.Next);
                return true;
            }

            if (position.Next < 0) position.Next = _tail.End;
            if (position.Epoch is null && position.Next > _tail.End) return false;
            position.Epoch = _tail.Epoch;
            return true;
        }
    }

    /// <summary>Throws what a seqid beyond the end is answered with.</summary>
    internal void RefuseBeyond(Subscriber.Position position)
    {
        lock (_lock) throw new SeqidBeyondEndException(Name, position.Next, _tail.End);
    }

    /// <summary>
    /// Reads what the store has beyond what this node has heard of. One such reading runs at a time; who asks while it runs
    /// awaits a further round of it, so that nobody is answered with what was read before he asked.
    /// </summary>
    internal Task CatchUpAsync()
    {
        lock (_lock)
        {
            _catchUpAgain = _catchUp is not null;

            // Never on this stack: the caller may hold the store's lock.
            return _catchUp ??= Task.Run(CatchUpRoundsAsync);
        }
    }

    /// <summary>Wakes everyone who waits.</summary>
    internal void WakeWaiters(WakeReason reason)
    {
        lock (_lock)
        {
            FanOut.Wake(_waiters.TakeAll(), reason);
            FanOut.Wake(_followers.Share(), reason);
        }
    }

    /// <summary>
    /// The batch that brings one who follows to the end of what is known; null when it must read for itself: there is more than
    /// one step's worth, or what it wants is not in memory.
    /// </summary>
    internal Batch? StepFrom(long next)
    {
        lock (_lock) return Step(next);
    }

    /// <summary>Counts what a follower was given without reading.</summary>
    internal void Delivered(Batch batch) => Hub.Metrics.Delivered(batch.Messages.Count);

    /// <summary>Takes one who follows out of the list: from here on it reads for itself, until it has read everything.</summary>
    internal void StopFollowing(ref Subscriber.Position position)
    {
        lock (_lock) _followers.Remove(ref position);
    }

    private static void Tell(Notice notice, int index, ref List<Reading>? readings) =>
        (readings ??= new(1)).Add(new Reading(index, notice, Batch.Empty));

    /// <summary>Outside of the lock: the store has a lock of its own, under which it calls this channel.</summary>
    private async Task FollowAsync(TaskCompletionSource opening)
    {
        try
        {
            await Hub.Store.FollowAsync(Name, this);
            opening.SetResult();
        }
        catch (Exception e)
        {
            opening.SetException(e);
        }

        await opening.Task;
    }

    /// <summary>Reads the store, less than is wanted when too much is being read already.</summary>
    private async ValueTask<LogSlice> ReadStoreAsync(long from, long wanted, CancellationToken cancellation)
    {
        var granted = Hub.Memory.BeginRead(wanted);
        try
        {
            return await Hub.Store.ReadAsync(Name, from, granted, cancellation);
        }
        finally
        {
            Hub.Memory.EndRead(granted);
        }
    }

    /// <summary>Puts the channel among the idle, unless it is there. Under the lock.</summary>
    private void Rest()
    {
        // Its place in the order is that of the moment at which it was left.
        if (Idle.IsListed) return;
        Volatile.Write(ref _idleSince, Hub.Time.GetTimestamp());
        Hub.Idle.Add(this);
    }

    /// <summary>Under the lock. The listener may still hear of what was on its way: from here on it holds nothing.</summary>
    private void Shut()
    {
        _closed = true;
        _tail.Trim(0);
        Hub.Idle.Remove(this);
    }

    private async Task CatchUpQuietlyAsync()
    {
        try
        {
            await CatchUpAsync();
        }
        catch (StoreUnavailableException e)
        {
            // Nothing is lost: the store tells of a change again when it is back.
            LogCatchUpFailed(Hub.Logger, Name, e);
        }
    }

    private async Task CatchUpRoundsAsync()
    {
        try
        {
            while (true)
            {
                long end;
                lock (_lock) end = _tail.End;
                var slice = await ReadStoreAsync(end, ChannelHub.ReadBytes, CancellationToken.None);
                lock (_lock)
                {
                    if (!_closed && _tail.Absorb(slice, Hub.Time.GetUtcNow())) Deliver(end);
                }

                if (slice.Messages.Length > 0) continue;
                lock (_lock)
                {
                    if (!_catchUpAgain)
                    {
                        _catchUp = null;
                        return;
                    }

                    _catchUpAgain = false;
                }
            }
        }
        catch
        {
            lock (_lock) _catchUp = null;
            throw;
        }
    }

    private Subscriber? Park(ref Subscriber.Position position, int index, Subscriber subscriber)
    {
        // One whose subscription has ended waits for nothing more, and must not take the name back from its successor.
        if (Hub.IsEnding) subscriber.Signal(WakeReason.Draining);
        if (subscriber.Ended is not null) return null;
        Subscriber? replaced = null;
        if (subscriber.Sname is not null)
        {
            _named ??= new Dictionary<string, Subscriber>(StringComparer.Ordinal);
            if (_named.TryGetValue(subscriber.Sname, out var old) && old != subscriber) replaced = old;
            _named[subscriber.Sname] = subscriber;
        }

        ListOf(subscriber).Add(ref position, index, subscriber);
        return replaced;
    }

    /// <summary>Sends what was added from here on to everybody who has read everything. Under the lock, so that it goes out in the log's order.</summary>
    private void Deliver(long from)
    {
        Volatile.Write(ref _end, _tail.End);
        FanOut.Wake(_waiters.TakeAll(), WakeReason.Messages);
        if (_followers.Count > 0) FanOut.Push(_followers.Share(), Step(from));
    }

    private Batch? Step(long from)
    {
        if (from < _tail.First || from >= _tail.End) return null;
        var batch = _tail.BatchFrom(from, ChannelHub.StepBytes);
        return batch.End == _tail.End ? batch : null;
    }

    private WaiterList ListOf(Subscriber subscriber) => subscriber.Sink is null ? _waiters : _followers;

    [LoggerMessage(Level = LogLevel.Warning, Message = "Channel {Channel} could not catch up with its log")]
    private static partial void LogCatchUpFailed(ILogger logger, string channel, Exception exception);
}
