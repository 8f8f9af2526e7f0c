using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;
using CComet.Channels;
using CComet.Limits;
using CComet.Messages;

namespace CComet.Subscriptions;

/// <summary>Why a waiting subscriber was woken.</summary>
public enum WakeReason : byte
{
    /// <summary>There may be something to read: read on. A hint, not a promise.</summary>
    Messages,

    /// <summary>Its time is over.</summary>
    Timeout,

    /// <summary>A newer request of the same channel and sname took its place. Final.</summary>
    Replaced,

    /// <summary>The server is stopping. Final.</summary>
    Draining,

    /// <summary>The client has gone. Final.</summary>
    Gone,
}

/// <summary>Where one subscriber wants to begin in one channel.</summary>
public readonly record struct ChannelStart(string Channel, Cursor From);

/// <summary>What one read gave of one channel: a notice, or messages.</summary>
/// <param name="Position">Which of the subscriber's channels, counted from 0 in the order they were asked for.</param>
/// <param name="Notice">What is told, or null.</param>
/// <param name="Batch">The messages; empty with a notice.</param>
public readonly record struct Reading(int Position, Notice? Notice, Batch Batch)
{
    /// <summary>Its JSON, in bytes.</summary>
    public long Bytes => Notice?.Json.Length ?? Batch.Bytes;
}

/// <summary>
/// A cursor in one or several channels, and the completion source it waits on: it is its own, so that waiting costs no object.
/// It holds no messages: when it wakes it reads the logs from its cursor on, so that a slow one costs nothing but its own lag.
/// Used by one reader at a time; <see cref="Signal"/> may come from anywhere.
/// </summary>
public sealed class Subscriber : TimingWheel.Entry, IValueTaskSource, IDisposable
{
    private const byte None = byte.MaxValue;

    /// <summary>In the reason's place while the subscriber waits for one.</summary>
    private const byte Waiting = None - 1;

    private static readonly IReadOnlyList<Reading> Nothing = [];

    /// <summary>Stands in the continuation's place when the wait is over.</summary>
    private static readonly Action<object?> Over = static _ => { };

    // One channel is what most follow: its place is held here, and an array only for those behind it.
    private Position _first;
    private readonly Position[] _others;
    private Action<object?>? _continuation;
    private object? _state;
    private short _version;
    private byte _signal = None;
    private byte _ended = None;
    private bool _follows;
    private ushort _turn;

    /// <summary>One that has yet to be given its places, by <see cref="At"/>.</summary>
    internal Subscriber(string? sname, int channels)
    {
        Sname = sname;
        if (channels == 1)
        {
            _others = [];
            return;
        }

        // By chance: of polls, each of which is a subscriber of its own, none may always begin with the same channel.
        _others = new Position[channels - 1];
        _turn = (ushort)Random.Shared.Next(channels);
    }

    /// <summary>What its address takes, of which it is a part; null where there is no address.</summary>
    internal AddressShare? Share { get; set; }

    /// <summary>Its hub.</summary>
    public ChannelHub Hub => _first.Channel.Hub;

    /// <summary>The name it goes by, or null. At most one waiting subscriber of a channel goes by a name.</summary>
    public string? Sname { get; }

    /// <summary>
    /// Where it is given what comes next while it waits after it has read everything; null for one that is to be woken. Set
    /// before the first read, and for good.
    /// </summary>
    public IMessageSink? Sink { get; set; }

    /// <summary>How many channels it follows.</summary>
    public int Channels => 1 + _others.Length;

    /// <summary>Where it stands: one entry a channel, in the order they were asked for. Known once it has read.</summary>
    public IEnumerable<(string Channel, Cursor Cursor)> Positions =>
        from i in Enumerable.Range(0, Channels)
        select (At(i).Channel.Name, new Cursor(At(i).Epoch, At(i).Next));

    /// <summary>Where it stands, as it is told: one notice a channel.</summary>
    public IEnumerable<Notice> Places => Positions.Select(p => Notice.Cursor(p.Channel, p.Cursor.Epoch!, p.Cursor.Seqid!.Value));

    /// <summary>Where it stands, as text: <c>epoch:seqid</c>, or for several channels one such for each, joined by commas.</summary>
    public string CursorText => _others.Length == 0
        ? new Cursor(_first.Epoch, _first.Next).ToString()
        : Cursor.Combine(Positions.Select(p => p.Cursor));

    /// <summary>Why it was ended for good, or null.</summary>
    public WakeReason? Ended => Volatile.Read(ref _ended) is var ended && ended == None ? null : (WakeReason)ended;

    /// <summary>Why it was woken since it last parked, or null.</summary>
    public WakeReason? Woken => Volatile.Read(ref _signal) is var signal && signal >= Waiting ? null : (WakeReason)signal;

    /// <summary>Whether it has left its channels.</summary>
    public bool HasLeft { get; private set; }

    /// <summary>
    /// Finds its place without reading: from then on <see cref="CursorText"/> is known, and means what the client asked for.
    /// A cursor of another epoch stays as it is, so that the reset is told by the first read, not passed over.
    /// </summary>
    /// <exception cref="SeqidBeyondEndException">The seqid is beyond the end and no epoch was given.</exception>
    public async ValueTask BeginAsync()
    {
        for (var i = 0; i < Channels; i++)
        {
            if (At(i).Channel.Place(ref At(i))) continue;
            await At(i).Channel.CatchUpAsync();
            if (!At(i).Channel.Place(ref At(i))) At(i).Channel.RefuseBeyond(At(i));
        }
    }

    /// <summary>
    /// Reads what is there from the cursor on and moves the cursor behind it. When nothing is there and
    /// <paramref name="park"/> is true, the subscriber is parked in every channel: the next append wakes <see cref="WaitAsync"/>.
    /// </summary>
    /// <remarks>
    /// Among several channels the one with which half of <paramref name="maxBytes"/> is reached is the last of this read, and the next
    /// read begins with the one behind it, so that a busy channel does not keep the others waiting. Each is asked for that half and not
    /// for what is left of the whole, so that all who stand at one place ask for the same batch.
    /// </remarks>
    /// <param name="park">Whether to wait for more when there is nothing.</param>
    /// <param name="maxBytes">How much to read of all channels together, in bytes; one message is given whatever its length.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>What was read, in the order of the channels.</returns>
    /// <exception cref="SeqidBeyondEndException">The seqid is beyond the end and no epoch was given.</exception>
    /// <exception cref="StoreUnavailableException">The store had to be asked and cannot be read, and no other channel had anything.</exception>
    public async ValueTask<IReadOnlyList<Reading>> ReadAsync(bool park, long maxBytes = ChannelHub.ReadBytes, CancellationToken cancellation = default)
    {
        if (park) Rearm();
        List<Reading>? readings = null;

        // What was read before has been answered.
        for (var i = 0; i < Channels; i++)
        {
            if (At(i).Held > 0) At(i).Channel.Release(ref At(i));
        }

        StoreUnavailableException? failure = null;
        if (Channels > 1) maxBytes /= 2;
        var first = _turn;
        var (counted, bytes) = (0, 0L);
        for (var n = 0; n < Channels; n++)
        {
            var i = (first + n) % Channels;
            var parkHere = park && readings is null or { Count: 0 };
            var found = At(i).Channel.Read(ref At(i), i, parkHere ? this : null, maxBytes, ref readings);
            if (found is ReadStatus.Behind or ReadStatus.Beyond)
            {
                readings ??= [];
                try
                {
                    await ReadStoreAsync(i, found, readings, parkHere, maxBytes, cancellation);
                }
                catch (StoreUnavailableException e)
                {
                    // What was read before has moved the cursor, and is given; nobody waits who has not read everything.
                    (failure, park) = (e, false);
                }
            }

            for (; counted < readings?.Count; counted++) bytes += readings[counted].Bytes;
            if (bytes < maxBytes) continue;
            _turn = (ushort)((i + 1) % Channels);
            break;
        }

        if (readings is null or { Count: 0 })
        {
            if (failure is not null) ExceptionDispatchInfo.Throw(failure);
            return Nothing;
        }

        return first == 0 || readings.Count == 1 ? readings : [.. readings.OrderBy(reading => reading.Position)];
    }

    /// <summary>
    /// Waits until there may be something to read, the time is over, or the subscription has ended; <see cref="Woken"/> says which.
    /// To be awaited once, before anything else is asked of the subscriber.
    /// </summary>
    public ValueTask WaitAsync(TimeSpan timeout)
    {
        if (timeout <= TimeSpan.Zero) Signal(WakeReason.Timeout);
        if (Woken is not null) return ValueTask.CompletedTask;
        _continuation = null;
        _state = null;
        _version++;
        Hub.Wheel.Add(this, timeout);
        Follow(true);

        // That it waits and why it was woken are one value: a signal that is still under way cannot end a later wait without a reason.
        if (Interlocked.CompareExchange(ref _signal, Waiting, None) == None) return new ValueTask(this, _version);
        Hub.Wheel.Remove(this);
        Follow(false);
        return ValueTask.CompletedTask;
    }

    /// <summary>Wakes the subscriber, which goes on on a thread of the pool. A final reason stays: every later wait ends with it at once.</summary>
    public void Signal(WakeReason reason)
    {
        if (reason is WakeReason.Replaced or WakeReason.Draining or WakeReason.Gone) Interlocked.CompareExchange(ref _ended, (byte)reason, None);
        var found = Volatile.Read(ref _signal);
        while (found >= Waiting)
        {
            var expected = found;
            found = Interlocked.CompareExchange(ref _signal, (byte)reason, expected);
            if (found != expected) continue;
            if (expected == Waiting) Complete();
            return;
        }
    }

    /// <summary>
    /// Gives the outlet what was added, when the subscriber waits and has read everything before; else takes it out of the channel's
    /// list and wakes it: it comes back when it has read everything. The caller may hold no lock.
    /// </summary>
    /// <param name="index">Which of its channels.</param>
    /// <param name="batch">What was added, or null when it is too much for one step.</param>
    internal void Push(int index, Batch? batch)
    {
        // A subscriber is its own lock: nobody outside of the hub locks one, and another object would be as large as a fifth of it.
        lock (this)
        {
            if (_follows)
            {
                // Not while it is written to: what a write has happen on this thread may publish, and come back here.
                _follows = false;
                if (TryGive(ref At(index), index, batch))
                {
                    _follows = true;
                    return;
                }
            }

            // Before it is woken: once it hears of it, it may come back.
            At(index).Channel.StopFollowing(ref At(index));
        }

        Signal(WakeReason.Messages);
    }

    private bool TryGive(ref Position position, int index, Batch? batch)
    {
        if (batch is null || batch.Epoch != position.Epoch) return false;

        // Another's step may have brought it already.
        if (position.Next >= batch.End) return true;

        // Nor is one message written alone when the next is there already: the busier the channel, the more share a write.
        if ((position.Next != batch.First || position.Channel.End > batch.End) && (batch = position.Channel.StepFrom(position.Next)) is null) return false;
        position.Next = batch.End;
        position.Channel.Delivered(batch);
        return Sink!.TryWrite(index, batch);
    }

    /// <summary>While it follows, its places and its outlet belong to whoever holds the lock on its places.</summary>
    private void Follow(bool follows)
    {
        if (Sink is null) return;
        lock (this) _follows = follows;
    }

    /// <inheritdoc/>
    void IValueTaskSource.GetResult(short token)
    {
        Check(token);
        if (_continuation != Over) throw new InvalidOperationException("The wait is not over.");
        Hub.Wheel.Remove(this);
        Follow(false);
    }

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token)
    {
        Check(token);
        return Volatile.Read(ref _continuation) == Over ? ValueTaskSourceStatus.Succeeded : ValueTaskSourceStatus.Pending;
    }

    /// <inheritdoc/>
    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        Check(token);
        var stands = Volatile.Read(ref _continuation);
        if (stands is null)
        {
            // What awaits brings its own context with it; that of the thread is not kept here.
            _state = state;
            stands = Interlocked.CompareExchange(ref _continuation, continuation, null);
        }

        if (stands == Over) GoOn(continuation, state);
        else if (stands is not null) throw new InvalidOperationException("A wait is awaited once.");
    }

    /// <summary>Leaves every channel. Nothing of the subscriber stays behind.</summary>
    public void Dispose()
    {
        if (HasLeft) return;
        HasLeft = true;
        for (var i = 0; i < Channels; i++) At(i).Channel.Leave(ref At(i), this);
        Hub.Forget(this);
    }

    /// <summary>Its place in one of its channels.</summary>
    internal ref Position At(int index)
    {
        if (index == 0) return ref _first;
        return ref _others[index - 1];
    }

    /// <summary>Called by a channel, under its lock, when it moves or drops the subscriber's place in its list of waiters.</summary>
    internal void Moved(int position, int slot) => At(position).Slot = slot;

    /// <inheritdoc/>
    protected internal override void OnDue() => Signal(WakeReason.Timeout);

    private void Rearm()
    {
        if (Woken is null) return;

        // Cleared, then looked: together with Signal, which writes a final reason first, none can slip between.
        Interlocked.Exchange(ref _signal, None);
        var ended = Volatile.Read(ref _ended);
        if (ended != None) Interlocked.CompareExchange(ref _signal, ended, None);
    }

    /// <summary>Called once a wait, by whoever took the waiting from it.</summary>
    private void Complete()
    {
        if (Interlocked.Exchange(ref _continuation, Over) is { } continuation) GoOn(continuation, _state);
    }

    private static void GoOn(Action<object?> continuation, object? state) => ThreadPool.UnsafeQueueUserWorkItem(continuation, state, preferLocal: true);

    private void Check(short token)
    {
        if (token != _version) throw new InvalidOperationException("Another wait has begun since.");
    }

    /// <summary>The slow path of a read: the messages wanted are not in memory, or the cursor is ahead of what this node has heard of.</summary>
    private async ValueTask ReadStoreAsync(int i, ReadStatus found, List<Reading> readings, bool park, long maxBytes, CancellationToken cancellation)
    {
        var channel = At(i).Channel;
        var budget = maxBytes;
        var caughtUp = false;
        List<Reading>? all = readings;
        while (found is ReadStatus.Behind or ReadStatus.Beyond)
        {
            if (found == ReadStatus.Behind)
            {
                if (await channel.LoadAsync(At(i).Next, budget, cancellation) is { } slice)
                {
                    var taken = channel.Take(slice, ref At(i), i, ref all);
                    if (taken < 0) await channel.CatchUpAsync();
                    else if ((budget -= taken) <= 0 || (taken > 0 && Hub.Memory.AreReadsFull)) break;
                }
            }
            else if (!caughtUp)
            {
                await channel.CatchUpAsync();
                caughtUp = true;
            }
            else
            {
                channel.StartOver(ref At(i), i, ref all);
            }

            found = channel.Read(ref At(i), i, park && readings.Count == 0 ? this : null, budget, ref all);
        }
    }

    /// <summary>The place of a subscriber in one channel.</summary>
    internal struct Position
    {
        /// <summary>The channel, held open by this position.</summary>
        public Channel Channel;

        /// <summary>The epoch the client knows; null when it named none and has read nothing.</summary>
        public string? Epoch;

        /// <summary>The next seqid wanted, or -1 for "from now on".</summary>
        public long Next;

        /// <summary>The place in the channel's list of waiters, or -1.</summary>
        public int Slot;

        /// <summary>How many bytes that were read from the store for it count as held until they have been answered; it fills a gap that the struct has anyhow.</summary>
        public int Held;
    }
}
