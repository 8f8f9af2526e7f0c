using System.Diagnostics.CodeAnalysis;
using System.Text;
using CComet.Access;
using CComet.Channels;
using CComet.Dialects.Native;
using CComet.Limits;
using CComet.Messages;
using Sockets = CComet.Interop.Sockets;

namespace CComet.Kestrel.Parking;

/// <content>How a connection's next request is read, and its subscriber begins.</content>
internal sealed partial class ParkedConnections
{
    /// <summary>The longest head that is looked at, in bytes.</summary>
    public const int MaxHeadBytes = 4 << 10;

    /// <summary>How many requests of one connection are answered in a row before others have their turn.</summary>
    private const int MaxInRow = 16;

    /// <summary>In so many pieces may a head come.</summary>
    private const int MaxPieces = 16;

    /// <summary>How long a head may take from its first byte on, before the web server takes care of it.</summary>
    private static readonly TimeSpan HeadTimeout = TimeSpan.FromSeconds(2);

    /// <summary>How long a poll waits whose grant has no time left: its client may ask again at once.</summary>
    private static readonly TimeSpan MinWait = TimeSpan.FromSeconds(1);

    [ThreadStatic]
    private static byte[]? _head;

    private static byte[] Head() => _head ??= new byte[MaxHeadBytes];

    /// <summary>Looks at what has come, and answers requests until one waits or nothing more has come.</summary>
    private void Read(ref ParkedSlot slot, int i)
    {
        var bytes = Head();
        for (var inRow = 0; slot.State == SlotState.Reading; inRow++)
        {
            if (inRow == MaxInRow)
            {
                ThreadPool.UnsafeQueueUserWorkItem(static state => state.Self.ReadOn(state.Slot), (Self: this, Slot: i), preferLocal: false);
                return;
            }

            slot.Flags &= ~SlotFlags.HasData;
            var count = Sockets.Peek(slot.Descriptor, bytes);
            if (count == -Sockets.Again) return;
            if (count <= 0)
            {
                Close(ref slot, i);
                return;
            }

            var seen = bytes.AsSpan(0, count);
            if (seen.IndexOf("\r\n\r\n"u8) < 0 && count < MaxHeadBytes && ParkableRequest.MayBegin(seen, _host) && slot.Next < MaxPieces && !slot.Flags.HasFlag(SlotFlags.IsHalfClosed))
            {
                slot.Next++;
                if (slot.Flags.HasFlag(SlotFlags.HasPartOfHead)) return;
                slot.Flags |= SlotFlags.HasPartOfHead;
                _wheel.Set(i, HeadTimeout);
                return;
            }

            if (Hub.IsDraining || ParkableRequest.Read(seen, _host) is not { } request)
            {
                HandOver(ref slot, i);
                return;
            }

            // What has come behind the head already is no event again.
            slot.Flags &= ~SlotFlags.HasPartOfHead;
            if (count > request.HeadBytes) slot.Flags |= SlotFlags.HasData;
            Begin(ref slot, i, request);
        }
    }

    private void ReadOn(int i)
    {
        ref var slot = ref _slots.Enter(i);
        if (slot.State == SlotState.Reading) Read(ref slot, i);
        SlotTable.Exit(ref slot);
    }

    /// <summary>Verifies the credential, and enters the channel: at once where nothing has to be waited for.</summary>
    private void Begin(ref ParkedSlot slot, int i, in ParkableRequest request)
    {
        slot.Began = _log.Begin() == 0 ? 0 : Milliseconds();
        try
        {
            if (_host.TakesTokens && !HasGrant(ref slot, Head().AsSpan(request.Token), out var verifying))
            {
                Work(ref slot, i);
                _ = VerifyLaterAsync(i, verifying);
                return;
            }
        }
        catch (TokenRefusedException)
        {
            HandOver(ref slot, i);
            return;
        }

        var entering = _operations.EnterAsync(new CallerContext(_clients[slot.Client].Address) { Grant = GrantOf(slot) }, request.Start.Channel);
        if (entering.IsCompletedSuccessfully) Enter(ref slot, i, request, entering.Result);
        else
        {
            Work(ref slot, i);
            _ = EnterLaterAsync(i, request, entering);
        }
    }

    private void Work(ref ParkedSlot slot, int i)
    {
        slot.State = SlotState.Working;
        _wheel.Remove(i);
    }

    /// <summary>Finds the grant of a token, or of none, and keeps it with the connection; false when it has to be waited for.</summary>
    /// <exception cref="TokenRefusedException">It does not hold.</exception>
    private bool HasGrant(ref ParkedSlot slot, ReadOnlySpan<byte> token, [NotNullWhen(false)] out Task<ParkedGrant>? verifying)
    {
        verifying = null;
        var hash = token.IsEmpty ? 0 : TokenHash.Compute(token);
        var version = Hub.Grants.Version;
        if (slot.Grant != 0 && _grants[slot.Grant] is var kept && kept.Token == hash && kept.Version == version
            && kept.Grant.ExpiresAt > _access.Now.ToUnixTimeMilliseconds() && !Hub.Revocations.Covers(kept.Grant)) return true;

        if (token.IsEmpty)
        {
            Keep(ref slot, new ParkedGrant(_access.Grants.Anonymous, 0, version));
            return true;
        }

        var verified = _access.VerifyAsync(Encoding.ASCII.GetString(token), CancellationToken.None);
        if (!verified.IsCompletedSuccessfully)
        {
            verifying = KeepingAsync(verified, hash, version);
            return false;
        }

        Keep(ref slot, new ParkedGrant(verified.Result, hash, version));
        return true;

        static async Task<ParkedGrant> KeepingAsync(ValueTask<Grant> grant, UInt128 hash, int version) => new(await grant, hash, version);
    }

    private void Keep(ref ParkedSlot slot, ParkedGrant grant)
    {
        var before = slot.Grant;
        slot.Grant = _grants.Take(grant);
        _grants.Release(before);
    }

    /// <summary>The key has to be asked for first. Then the request is looked at again, and its grant is known.</summary>
    private async Task VerifyLaterAsync(int i, Task<ParkedGrant> verifying)
    {
        // The caller holds the slot's lock.
        await Task.Yield();
        ParkedGrant? granted = null;
        try
        {
            granted = await verifying;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // What is refused, the web server refuses again, and tells why.
        }

        Resume(i, granted is not null, granted);
    }

    /// <summary>The store or the application has to be asked first.</summary>
    private async Task EnterLaterAsync(int i, ParkableRequest request, ValueTask<(ActiveChannel, CallerShares)> entering)
    {
        await Task.Yield();
        (ActiveChannel, CallerShares)? entered = null;
        try
        {
            entered = await entering;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // As above.
        }

        Resume(i, entered is not null, grant: null, request, entered ?? default);
    }

    /// <summary>Goes on with a request that had to wait, or leaves it to the web server when that came to nothing.</summary>
    private void Resume(int i, bool isDone, ParkedGrant? grant, ParkableRequest? request = null, (ActiveChannel, CallerShares) entered = default)
    {
        ref var slot = ref _slots.Enter(i);
        slot.State = SlotState.Reading;
        try
        {
            if (grant is { } granted) Keep(ref slot, granted);
            if (!isDone) HandOver(ref slot, i);
            else if (request is { } asked) Enter(ref slot, i, asked, entered);
            Read(ref slot, i);
        }
        catch (Exception e)
        {
            Fail(ref slot, i, e);
        }
        finally
        {
            SlotTable.Exit(ref slot);
        }
    }

    /// <summary>Reads what there is from the cursor on, and parks the connection when that is nothing.</summary>
    private void Enter(ref ParkedSlot slot, int i, in ParkableRequest request, (ActiveChannel Channel, CallerShares Shares) entered)
    {
        var (channel, shares) = entered;
        var cursor = new ChannelCursor { Channel = channel, Epoch = request.Start.From.Epoch, Next = request.Start.From.Seqid ?? -1 };

        // What it is counted in is not kept with the slot: it is the client's.
        if (shares != new CallerShares(_clients[slot.Client].Share, null) || (request.IsStream && !channel.Resolve(ref cursor)))
        {
            Leave(channel, shares, i);
            HandOver(ref slot, i);
            return;
        }

        if (request.IsStream) BeginStream(ref slot, i, request, cursor);
        else Poll(ref slot, i, request, cursor);
    }

    /// <summary>Takes a head that was looked at.</summary>
    /// <returns>False when the client has gone since; then the connection is closed.</returns>
    private bool TryTake(ref ParkedSlot slot, int i, in ParkableRequest request)
    {
        if (Sockets.Receive(slot.Descriptor, Head().AsSpan(0, request.HeadBytes)) == request.HeadBytes) return true;
        Close(ref slot, i);
        return false;
    }

    /// <summary>Whether what was read is for the web server to answer, which sends a long answer piece by piece to a client that takes it slowly.</summary>
    private static bool IsLong(IReadOnlyList<Reading>? readings, in ChannelCursor cursor) =>
        readings is { Count: > 0 } && (readings.Sum(reading => reading.Bytes) > JsonArray.FlushBytes || cursor.Next < cursor.Channel.End);

    private void Poll(ref ParkedSlot slot, int i, in ParkableRequest request, ChannelCursor cursor)
    {
        List<Reading>? readings = null;
        slot.State = SlotState.Poll;

        // Before it is parked, so that one that is seen to wait has its time.
        var wait = request.Wait;
        if (wait > MinWait && TimeLeft(slot) is var left && left < wait) wait = left > MinWait ? left : MinWait;
        if (wait > TimeSpan.Zero) _wheel.Set(i, wait);
        var status = cursor.Channel.Read(ref cursor, i, request.Wait > TimeSpan.Zero ? this : null, JsonArray.FlushBytes, ref readings);
        if (status is ReadStatus.Behind or ReadStatus.Beyond)
        {
            Work(ref slot, i);
            _ = ReadPollAsync(i, request, cursor);
            return;
        }

        if (IsLong(readings, cursor))
        {
            GiveUp(ref slot, i, cursor.Channel);
            return;
        }

        Follow(ref slot, cursor);
        if (!TryTake(ref slot, i, request)) return;
        if (status == ReadStatus.Something)
        {
            Answer(ref slot, i, readings!);
        }
        else if (request.Wait <= TimeSpan.Zero)
        {
            AnswerNothing(ref slot, i, retry: null);
        }
        else if (slot.Flags.HasFlag(SlotFlags.IsHalfClosed))
        {
            Close(ref slot, i);
        }
        else
        {
            CheckEnd(slot, i);
        }
    }

    /// <summary>After it was parked: what ends it from now on wakes it.</summary>
    private void CheckEnd(in ParkedSlot slot, int i)
    {
        if (Hub.IsEnding) Signal(i, WakeReason.Draining);
        else if (IsRevoked(slot)) Signal(i, WakeReason.Revoked);
    }

    /// <summary>Notes what a subscriber follows.</summary>
    private void Follow(ref ParkedSlot slot, in ChannelCursor cursor)
    {
        slot.Next = cursor.Next;
        slot.Channel = _channels.Take((cursor.Channel, cursor.Epoch!));
    }

    /// <summary>Ends a subscriber: it is counted no more.</summary>
    private void Leave(ref ParkedSlot slot, int i, bool isGone)
    {
        var client = _clients[slot.Client];
        Leave(_channels[slot.Channel].Channel, new CallerShares(client.Share, null), i);
        _channels.Release(slot.Channel);
        slot.Channel = 0;
        if (slot.Began != 0) Log(slot, isGone);
        slot.Flags &= ~(SlotFlags.IsStream | SlotFlags.IsRefused);
    }

    /// <summary>Ends a subscriber of whose request nothing was taken, and leaves that to the web server.</summary>
    private void GiveUp(ref ParkedSlot slot, int i, ActiveChannel channel)
    {
        Leave(channel, new CallerShares(_clients[slot.Client].Share, null), i);
        slot.State = SlotState.Reading;
        HandOver(ref slot, i);
    }

    private void Leave(ActiveChannel channel, CallerShares shares, int i)
    {
        var nothing = default(ChannelCursor);
        channel.Leave(ref nothing, this, i);
        Hub.CountOut(shares, channels: 1);
    }
}
