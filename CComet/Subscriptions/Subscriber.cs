using System.Runtime.ExceptionServices;
using CComet.Access;
using CComet.Channels;
using CComet.Limits;
using CComet.Messages;

namespace CComet.Subscriptions;

/// <summary>A cursor in one or several channels, and the wait for more (<see cref="SubscriberWait"/>).</summary>
/// <remarks>
/// It holds no messages: when it wakes it reads the logs from its cursors on, so that a slow one costs only its own lag. One reader
/// uses it at a time. While pushes are allowed, the cursors and the sink are guarded by a lock on the subscriber.
/// </remarks>
internal sealed partial class Subscriber : SubscriberWait, IChannelReader, IDisposable
{
    /// <summary>How long after its grant's expiry a client may still follow, in which it brings a new one.</summary>
    public static readonly TimeSpan ExpiryGrace = TimeSpan.FromSeconds(25);

    private static readonly IReadOnlyList<Reading> Nothing = [];

    // Most subscribers have one channel: its cursor is a field, and only those of further channels are in an array.
    private ChannelCursor _first;
    private readonly ChannelCursor[] _others;
    private bool _takesPush;
    private ushort _turn;
    private bool _isPresent;

    /// <summary>Makes a subscriber whose cursors are yet to be set, by <see cref="At"/>.</summary>
    public Subscriber(string? sname, int channels)
    {
        Sname = sname;
        if (channels == 1)
        {
            _others = [];
            return;
        }

        // At random: each poll is a new subscriber, and no channel may always be the first.
        _others = new ChannelCursor[channels - 1];
        _turn = (ushort)Random.Shared.Next(channels);
    }

    /// <summary>The shares that it is counted in.</summary>
    public CallerShares Shares { get; init; }

    /// <summary>The <see cref="KickList.Number"/> at which it began.</summary>
    public ushort KickNumber { get; init; }

    /// <summary>Whether it is the server's own, which is counted nowhere.</summary>
    public bool IsOwn { get; init; }

    /// <summary>By what it is told of messages.</summary>
    public Transport Transport { get; init; }

    /// <summary>Whether it came with a cursor, from which it has not read yet.</summary>
    public bool IsRecovering { get; set; }

    /// <summary>Whether it has waited: what it reads since was appended while it was here.</summary>
    public bool IsLive { get; private set; }

    /// <summary>What its credential gives it; null where none was asked for. A client with a WebSocket may bring a newer one.</summary>
    public Grant? Grant { get; private set; }

    /// <summary>Whether its grant was revoked, whole or for one of its channels.</summary>
    public bool IsRevoked
    {
        get
        {
            if (!Hub.Revocations.Any || Grant is not { } grant) return false;
            if (Hub.Revocations.Covers(grant)) return true;
            for (var i = 0; i < Channels; i++)
            {
                if (Hub.Revocations.Covers(grant, At(i).Channel.Name)) return true;
            }

            return false;
        }
    }

    /// <inheritdoc/>
    public string? User => Grant is { } grant ? grant.User : Sname;

    /// <summary>Whether its user's connections were ended since it began.</summary>
    public bool IsKicked => Hub.Kicks.Covers(User, KickNumber);

    /// <summary>How long it may still wait by its grant: until <see cref="ExpiryGrace"/> after its expiry.</summary>
    public TimeSpan TimeLeft => TimeLeftOf(Grant, Hub);

    /// <summary>The parts that all subscribers and channels of its hub have in common.</summary>
    public HubContext Hub => _first.Channel.Hub;

    /// <inheritdoc/>
    public string? Sname { get; }

    /// <summary>How long a subscriber may wait by a grant.</summary>
    public static TimeSpan TimeLeftOf(Grant? grant, HubContext hub) => grant is not { ExpiresAt: < Grant.Never }
        ? TimeSpan.MaxValue
        : DateTimeOffset.FromUnixTimeMilliseconds(grant.ExpiresAt) + ExpiryGrace - hub.Time.GetUtcNow();

    /// <summary>
    /// The sink that batches are pushed to while it is parked; null for one that is signalled. Set before the first read, and for good.
    /// </summary>
    public IMessageSink? Sink { get; set; }

    /// <inheritdoc/>
    public bool TakesPushes(int channelIndex) => Sink is not null;

    /// <inheritdoc/>
    public bool IsRevokedIn(int channelIndex) => IsRevoked;

    /// <summary>How many channels it has.</summary>
    public int Channels => 1 + _others.Length;

    /// <summary>Its cursor in each channel, in the order they were asked for. Known once it has read.</summary>
    public IEnumerable<(string Channel, Cursor Cursor)> Cursors =>
        from i in Enumerable.Range(0, Channels)
        select (At(i).Channel.Name, new Cursor(At(i).Epoch, At(i).Next));

    /// <summary>Its cursors as notices, one for each channel.</summary>
    public IEnumerable<Notice> CursorNotices =>
        from i in Enumerable.Range(0, Channels)
        where At(i).Slot != ChannelCursor.LeftSlot
        select Notice.Cursor(At(i).Channel.Name, At(i).Epoch!, At(i).Next, Grant?.Expires);

    /// <summary>Its cursors as text: <c>epoch:seqid</c>, or for several channels one such for each, joined by commas.</summary>
    public string CursorText => _others.Length == 0
        ? new Cursor(_first.Epoch, _first.Next).ToString()
        : Cursor.Combine(Cursors.Select(c => c.Cursor));

    /// <summary>Whether it has left its channels.</summary>
    public bool HasLeft { get; private set; }

    /// <inheritdoc/>
    protected override TimingWheel Wheel => Hub.Wheel;

    /// <summary>
    /// Resolves its cursors without reading: from then on <see cref="CursorText"/> is known, and means what the client asked for.
    /// A cursor of another epoch stays as it is, so that the first read tells the reset.
    /// </summary>
    /// <exception cref="SeqidBeyondEndException">The seqid is beyond the end and no epoch was given.</exception>
    public async ValueTask BeginAsync()
    {
        for (var i = 0; i < Channels; i++)
        {
            if (At(i).Channel.Resolve(ref At(i))) continue;
            await At(i).Channel.CatchUpAsync();
            if (!At(i).Channel.Resolve(ref At(i))) At(i).Channel.RefuseBeyond(At(i));
        }
    }

    /// <summary>The same; leaves its channels when it fails.</summary>
    public async ValueTask BeginOrLeaveAsync()
    {
        try
        {
            await BeginAsync();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>
    /// Reads what is there from the cursor on and moves the cursor behind it. When nothing is there and
    /// <paramref name="park"/> is true, the subscriber is parked in every channel: the next append wakes <see cref="SubscriberWait.WaitAsync"/>.
    /// </summary>
    /// <remarks>
    /// Among several channels the one with which half of <paramref name="maxBytes"/> is reached is the last of this read, and the next
    /// read begins with the one behind it, so that a busy channel does not keep the others waiting. Each is asked for that half and not
    /// for what is left of the whole, so that all subscribers with one cursor ask for the same batch.
    /// </remarks>
    /// <param name="park">Whether to wait for more when there is nothing.</param>
    /// <param name="maxBytes">How much to read of all channels together, in bytes; one message is given whatever its length.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>What was read, in the order of the channels.</returns>
    /// <exception cref="SeqidBeyondEndException">The seqid is beyond the end and no epoch was given.</exception>
    /// <exception cref="StoreUnavailableException">The store had to be asked and cannot be read, and no other channel had anything.</exception>
    public async ValueTask<IReadOnlyList<Reading>> ReadAsync(bool park, long maxBytes = ReadSizes.MaxReadBytes, CancellationToken cancellation = default)
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
            if (At(i).Slot == ChannelCursor.LeftSlot) continue;
            var parkHere = park && readings is null or { Count: 0 };
            var found = At(i).Channel.Read(ref At(i), i, parkHere ? this : null, maxBytes, ref readings);
            if (found is ReadStatus.Behind or ReadStatus.Beyond)
            {
                readings ??= [];
                try
                {
                    found = await ReadStoreAsync(i, found, readings, parkHere, maxBytes, cancellation);
                }
                catch (StoreUnavailableException e)
                {
                    // What was read before has moved its cursor, and is returned; a subscriber that has not read everything does not park.
                    (failure, park) = (e, false);
                }
            }

            if (found == ReadStatus.Ended) TakeEnd(i, ref readings);
            for (; counted < readings?.Count; counted++) bytes += readings[counted].Bytes;
            if (bytes < maxBytes) continue;
            _turn = (ushort)((i + 1) % Channels);
            break;
        }

        if (readings is null or { Count: 0 })
        {
            if (failure is not null) ExceptionDispatchInfo.Throw(failure);
            readings = null;
        }

        Count(readings ?? Nothing);
        if (readings is null) return Nothing;
        return first == 0 || readings.Count == 1 ? readings : [.. readings.OrderBy(reading => reading.ChannelIndex)];
    }

    /// <summary>
    /// Writes a batch to the sink when the subscriber is parked and the batch joins on to its cursor; otherwise removes it from the
    /// channel's list and signals it: it reads for itself, and parks again once it has read everything. The caller holds no lock.
    /// </summary>
    /// <param name="channelIndex">Which of its channels.</param>
    /// <param name="batch">The batch, or null when it is too much for one step.</param>
    public void Push(int channelIndex, Batch? batch)
    {
        // The subscriber is its own lock: nothing outside of the hub locks one, and a lock object would be a fifth of its size.
        lock (this)
        {
            if (_takesPush)
            {
                // Off while it is written to: a write may run code on this thread that publishes, and come back here.
                _takesPush = false;
                if (TryWrite(ref At(channelIndex), channelIndex, batch))
                {
                    _takesPush = true;
                    return;
                }
            }

            // Before the signal: once it is signalled, it may park again.
            At(channelIndex).Channel.Unpark(this, channelIndex);
        }

        Signal(WakeReason.Messages);
    }

    /// <summary>Gives it what its credential gives, and has its user counted as being in its channels.</summary>
    public void Begin(Grant? grant)
    {
        Grant = grant;
        EnterPresence();
        _isPresent = true;
    }

    /// <summary>Gives it a newer grant, which may say first who it is.</summary>
    public void Renew(Grant? grant)
    {
        lock (this)
        {
            var before = User;
            Grant = grant;
            if (HasLeft || before == User) return;
            EnterPresence();
            LeavePresence(before);
        }
    }

    /// <summary>Leaves every channel. The channels and the hub keep nothing of it.</summary>
    public void Dispose()
    {
        if (HasLeft) return;
        lock (this)
        {
            // A newer grant may come at the same time.
            HasLeft = true;
            if (_isPresent) LeavePresence(User);
        }

        for (var i = 0; i < Channels; i++)
        {
            if (At(i).Slot != ChannelCursor.LeftSlot) At(i).Channel.Leave(ref At(i), this, i, Transport);
        }

        if (!IsOwn) Hub.CountOut(Shares, Channels, Transport);
    }

    /// <inheritdoc/>
    public void Signal(int channelIndex, WakeReason reason) => Signal(reason);

    /// <inheritdoc/>
    public void Wake(int channelIndex, WakeReason reason, Batch? batch) => Signal(reason);

    /// <inheritdoc/>
    public ref int SlotIn(int channelIndex) => ref At(channelIndex).Slot;

    /// <summary>Its cursor in one of its channels.</summary>
    public ref ChannelCursor At(int channelIndex)
    {
        if (channelIndex == 0) return ref _first;
        return ref _others[channelIndex - 1];
    }

    /// <inheritdoc/>
    protected override void AllowPushes(bool allowed)
    {
        IsLive = true;
        if (Sink is null) return;
        lock (this) _takesPush = allowed;
    }

    private void EnterPresence()
    {
        for (var i = 0; i < Channels; i++)
        {
            if (At(i).Slot != ChannelCursor.LeftSlot) At(i).Channel.Enter(User, Grant);
        }
    }

    private void LeavePresence(string? user)
    {
        for (var i = 0; i < Channels; i++)
        {
            if (At(i).Slot != ChannelCursor.LeftSlot) At(i).Channel.Leave(user);
        }
    }

    private bool TryWrite(ref ChannelCursor cursor, int channelIndex, Batch? batch)
    {
        if (batch is null || batch.Epoch != cursor.Epoch) return false;

        // Another push may have brought it already.
        if (cursor.Next >= batch.End) return true;

        // One message is not written alone when the next is there already: the busier the channel, the more messages share a write.
        if ((cursor.Next != batch.First || cursor.Channel.End > batch.End) && (batch = cursor.Channel.StepFrom(cursor.Epoch, cursor.Next)) is null) return false;
        cursor.Next = batch.End;
        Hub.Metrics.Delivered(Transport, batch.Messages.Count);
        return Sink!.TryWrite(channelIndex, batch);
    }

    private void Count(IReadOnlyList<Reading> readings)
    {
        if (IsOwn) return;
        if (IsRecovering) Hub.Metrics.Recovered(Transport, readings);
        IsRecovering = false;
        if (readings.Count > 0) Hub.Metrics.Delivered(Transport, readings);
    }
}
