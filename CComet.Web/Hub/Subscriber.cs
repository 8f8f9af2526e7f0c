using System.Threading.Tasks.Sources;

namespace CComet.Web.Hub;

/// <summary>Why a waiting subscriber was woken.</summary>
public enum Wake
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
public readonly record struct Reading(int Position, Notice? Notice, Batch Batch);

/// <summary>
/// A cursor in one or several channels, and the completion source it waits on: it is its own, so that waiting costs no object.
/// It holds no messages: when it wakes it reads the logs from its cursor on, so that a slow one costs nothing but its own lag.
/// Used by one reader at a time; <see cref="Signal"/> may come from anywhere.
/// </summary>
public sealed class Subscriber : TimingWheel.Entry, IValueTaskSource<Wake>, IDisposable
{
    private const int NotEnded = -1;
    private const int NoSignal = -1;

    private static readonly IReadOnlyList<Reading> Nothing = [];

    private readonly Position[] _positions;
    private ManualResetValueTaskSourceCore<Wake> _source = new() { RunContinuationsAsynchronously = true };
    private bool _follows;
    private int _signal = NoSignal;
    private int _waits;
    private int _ended = NotEnded;
    private bool _disposed;

    internal Subscriber(ChannelHub hub, string? sname, Position[] positions)
    {
        Hub = hub;
        Sname = sname;
        _positions = positions;
    }

    /// <summary>Its hub.</summary>
    public ChannelHub Hub { get; }

    /// <summary>The name it goes by, or null. At most one waiting subscriber of a channel goes by a name.</summary>
    public string? Sname { get; }

    /// <summary>
    /// Where it is given what comes next while it waits after it has read everything; null for one that is to be woken. Set
    /// before the first read, and for good.
    /// </summary>
    public IOutlet? Outlet { get; set; }

    /// <summary>How many channels it follows.</summary>
    public int Channels => _positions.Length;

    /// <summary>Where it stands: one entry a channel, in the order they were asked for. Known once it has read.</summary>
    public IEnumerable<(string Channel, Cursor Cursor)> Positions => _positions.Select(p => (p.Channel.Name, new Cursor(p.Epoch, p.Next)));

    /// <summary>Where it stands, as it is told: one notice a channel.</summary>
    public IEnumerable<Notice> Places => Positions.Select(p => Notice.Cursor(p.Channel, p.Cursor.Epoch!, p.Cursor.Seqid!.Value));

    /// <summary>Where it stands, as text: <c>epoch:seqid</c>, or <c>name=epoch:seqid,…</c> for several channels.</summary>
    public string CursorText => _positions.Length == 1
        ? new Cursor(_positions[0].Epoch, _positions[0].Next).ToString()
        : Cursor.Combine(Positions);

    /// <summary>Why it was ended for good, or null.</summary>
    public Wake? Ended => Volatile.Read(ref _ended) is var ended && ended == NotEnded ? null : (Wake)ended;

    /// <summary>
    /// Finds its place without reading: from then on <see cref="CursorText"/> is known, and means what the client asked for.
    /// A cursor of another epoch stays as it is, so that the reset is told by the first read, not passed over.
    /// </summary>
    /// <exception cref="SeqidBeyondEndException">The seqid is beyond the end and no epoch was given.</exception>
    public async ValueTask BeginAsync()
    {
        for (var i = 0; i < _positions.Length; i++)
        {
            if (_positions[i].Channel.Place(ref _positions[i])) continue;
            await _positions[i].Channel.CatchUpAsync();
            if (!_positions[i].Channel.Place(ref _positions[i])) _positions[i].Channel.RefuseBeyond(_positions[i]);
        }
    }

    /// <summary>
    /// Reads what is there from the cursor on and moves the cursor behind it. When nothing is there and
    /// <paramref name="park"/> is true, the subscriber is parked in every channel: the next append wakes <see cref="WaitAsync"/>.
    /// </summary>
    /// <param name="park">Whether to wait for more when there is nothing.</param>
    /// <param name="maxBytes">About how much to read of each channel, at least one message where there is one.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="SeqidBeyondEndException">The seqid is beyond the end and no epoch was given.</exception>
    /// <exception cref="StoreUnavailableException">The store had to be asked and cannot be read.</exception>
    public async ValueTask<IReadOnlyList<Reading>> ReadAsync(bool park, long maxBytes = ChannelHub.ReadBytes, CancellationToken cancellation = default)
    {
        if (park) Rearm();
        List<Reading>? readings = null;
        for (var i = 0; i < _positions.Length; i++)
        {
            var parkHere = park && readings is null;
            var found = _positions[i].Channel.Read(ref _positions[i], i, parkHere ? this : null, maxBytes, ref readings);
            if (found is Channel.Found.Behind or Channel.Found.Beyond) readings = await ReadStoreAsync(i, found, readings, parkHere, maxBytes, cancellation);
        }

        return readings is null ? Nothing : readings;
    }

    /// <summary>Waits until there may be something to read, the time is over, or the subscription has ended. To be awaited once, before anything else is asked of the subscriber.</summary>
    public ValueTask<Wake> WaitAsync(TimeSpan timeout)
    {
        if (Signalled is { } known) return ValueTask.FromResult(known);
        if (timeout <= TimeSpan.Zero) return ValueTask.FromResult(Wake.Timeout);
        _source.Reset();
        Hub.Wheel.Add(this, timeout);
        Follow(true);

        // Said first, then looked: whoever signals does the same the other way round, so that one of the two sees the other.
        Interlocked.Exchange(ref _waits, 1);
        if (Signalled is { } reason && Interlocked.Exchange(ref _waits, 0) == 1)
        {
            Hub.Wheel.Remove(this);
            Follow(false);
            return ValueTask.FromResult(reason);
        }

        return new ValueTask<Wake>(this, _source.Version);
    }

    /// <summary>Wakes the subscriber, which goes on on a thread of the pool. A final reason stays: every later wait ends with it at once.</summary>
    public void Signal(Wake reason)
    {
        if (reason is Wake.Replaced or Wake.Draining or Wake.Gone) Interlocked.CompareExchange(ref _ended, (int)reason, NotEnded);
        if (Interlocked.CompareExchange(ref _signal, (int)reason, NoSignal) == NoSignal && Interlocked.Exchange(ref _waits, 0) == 1) _source.SetResult(reason);
    }

    /// <summary>
    /// Gives the outlet what was added, when the subscriber waits and has read everything before; else takes it out of the channel's
    /// list and wakes it: it comes back when it has read everything. The caller may hold no lock.
    /// </summary>
    /// <param name="index">Which of its channels.</param>
    /// <param name="batch">What was added, or null when it is too much for one step.</param>
    internal void Push(int index, Batch? batch)
    {
        lock (_positions)
        {
            if (_follows)
            {
                // Not while it is written to: what a write has happen on this thread may publish, and come back here.
                _follows = false;
                if (TryGive(ref _positions[index], index, batch))
                {
                    _follows = true;
                    return;
                }
            }

            // Before it is woken: once it hears of it, it may come back.
            _positions[index].Channel.StopFollowing(ref _positions[index]);
        }

        Signal(Wake.Messages);
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
        return Outlet!.TryWrite(index, batch);
    }

    /// <summary>While it follows, its places and its outlet belong to whoever holds the lock on its places.</summary>
    private void Follow(bool follows)
    {
        if (Outlet is null) return;
        lock (_positions) _follows = follows;
    }

    /// <inheritdoc/>
    Wake IValueTaskSource<Wake>.GetResult(short token)
    {
        Hub.Wheel.Remove(this);
        Follow(false);
        return _source.GetResult(token);
    }

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource<Wake>.GetStatus(short token) => _source.GetStatus(token);

    /// <inheritdoc/>
    void IValueTaskSource<Wake>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    /// <summary>Leaves every channel. Nothing of the subscriber stays behind.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        for (var i = 0; i < _positions.Length; i++) _positions[i].Channel.Leave(ref _positions[i], this);
        Hub.Forget();
    }

    /// <summary>Called by a channel, under its lock, when it moves or drops the subscriber's place in its list of waiters.</summary>
    internal void Moved(int position, int slot) => _positions[position].Slot = slot;

    /// <inheritdoc/>
    protected internal override void OnDue() => Signal(Wake.Timeout);

    private Wake? Signalled => Volatile.Read(ref _signal) is var signal && signal == NoSignal ? null : (Wake)signal;

    private void Rearm()
    {
        if (Signalled is null) return;

        // Cleared, then looked: together with Signal, which writes a final reason first, none can slip between.
        Interlocked.Exchange(ref _signal, NoSignal);
        var ended = Volatile.Read(ref _ended);
        if (ended != NotEnded) Interlocked.CompareExchange(ref _signal, ended, NoSignal);
    }

    /// <summary>The slow path of a read: the messages wanted are not in memory, or the cursor is ahead of what this node has heard of.</summary>
    private async ValueTask<List<Reading>?> ReadStoreAsync(int i, Channel.Found found, List<Reading>? readings, bool park, long maxBytes, CancellationToken cancellation)
    {
        var channel = _positions[i].Channel;
        var budget = maxBytes;
        var caughtUp = false;
        while (found is Channel.Found.Behind or Channel.Found.Beyond)
        {
            if (found == Channel.Found.Behind)
            {
                if (await channel.LoadAsync(_positions[i].Next, budget, cancellation) is { } slice)
                {
                    var taken = channel.Take(slice, ref _positions[i], i, ref readings);
                    if (taken < 0) await channel.CatchUpAsync();
                    else if ((budget -= taken) <= 0) break;
                }
            }
            else if (!caughtUp)
            {
                await channel.CatchUpAsync();
                caughtUp = true;
            }
            else
            {
                channel.StartOver(ref _positions[i], i, ref readings);
            }

            found = channel.Read(ref _positions[i], i, park && readings is null ? this : null, budget, ref readings);
        }

        return readings;
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
    }
}
