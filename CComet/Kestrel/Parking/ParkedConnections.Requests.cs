using System.Text;
using CComet.Access;
using CComet.Channels;
using CComet.Dialects.Native;
using CComet.Limits;
using CComet.Messages;
using CComet.Transports;
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
            var host = _clients[slot.Client].Listener.Host;
            if (seen.IndexOf("\r\n\r\n"u8) < 0 && count < MaxHeadBytes && ParkableRequest.MayBegin(seen, host) && slot.Next < MaxPieces && !slot.Flags.HasFlag(SlotFlags.IsHalfClosed))
            {
                slot.Next++;
                if (slot.Flags.HasFlag(SlotFlags.HasPartOfHead)) return;
                slot.Flags |= SlotFlags.HasPartOfHead;
                _wheel.Set(i, HeadTimeout);
                return;
            }

            // The first that is forwarded by somebody who is not listed has the web server say so in the log.
            if (Hub.IsDraining || ParkableRequest.Read(seen, host, _clients[slot.Client].IsProxy) is not { } request || (request.Caller.IsForwarded && !_toldForwarded && !Interlocked.Exchange(ref _toldForwarded, true)))
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

    /// <summary>Finds what the credential gives, and enters the channel: at once where nothing has to be waited for.</summary>
    private void Begin(ref ParkedSlot slot, int i, in ParkableRequest request)
    {
        slot.Began = _log.Begin() == 0 ? 0 : Milliseconds();
        if (!request.IsStream) SetPage(ref slot, request.Caller.PageLines);
        try
        {
            if (_host.TakesTokens && request.Icomet is null && !HasGrant(ref slot, request))
            {
                var token = request.Caller.Tickets.Count > 0 ? null : Encoding.ASCII.GetString(Head().AsSpan(request.Token));
                Work(ref slot, i);
                _ = VerifyLaterAsync(i, request, token);
                return;
            }
        }
        catch (TokenRefusedException)
        {
            HandOver(ref slot, i);
            return;
        }

        Ask(ref slot, i, request);
    }

    /// <summary>Asks for the right, and enters the channel.</summary>
    private void Ask(ref ParkedSlot slot, int i, in ParkableRequest request)
    {
        var caller = new CallerContext(request.Caller.Address ?? _clients[slot.Client].Address) { Grant = GrantOf(slot), Origin = request.Caller.Origin, Transport = request.Transport };
        if (request.IsBeside)
        {
            BeginBeside(ref slot, i, request, caller);
            return;
        }

        var entering = _operations.EnterAsync(caller, request.Start.Channel);
        if (entering.IsCompletedSuccessfully) Enter(ref slot, i, request, entering.Result);
        else
        {
            Work(ref slot, i);
            _ = EnterLaterAsync(i, request, entering);
        }
    }

    /// <summary>Notes what the answer says of the page. It stays for the next request, which most often is of the same page.</summary>
    private void SetPage(ref ParkedSlot slot, string lines)
    {
        if (PageOf(slot) == lines) return;
        _pages.Release(slot.Page);
        slot.Page = lines.Length == 0 ? 0 : _pages.Take(lines);
    }

    private string PageOf(in ParkedSlot slot) => slot.Page == 0 ? "" : _pages[slot.Page];

    private void Work(ref ParkedSlot slot, int i)
    {
        slot.State = SlotState.Working;
        _wheel.Remove(i);
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
        catch (LimitException e)
        {
            await RefuseAsync(BesideOf(i, request), request, e);
            return;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // What is refused otherwise, the web server refuses again, and tells why.
        }

        Resume(i, request, grant: null, entered);
    }

    /// <summary>Goes on with a request that had to wait, or leaves it to the web server when that came to nothing.</summary>
    private void Resume(int i, in ParkableRequest request, ParkedGrant? grant, (ActiveChannel, CallerShares)? entered = null)
    {
        ref var slot = ref _slots.Enter(i);
        slot.State = SlotState.Reading;
        try
        {
            if (grant is { } granted)
            {
                Keep(ref slot, granted);
                Ask(ref slot, i, request);
            }
            else if (entered is { } place)
            {
                Enter(ref slot, i, request, place);
            }
            else
            {
                HandOver(ref slot, i);
            }

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
        SetShares(ref slot, request, shares);
        if (request.IsStream && !channel.Resolve(ref cursor))
        {
            Leave(slot, i, channel, shares, request.Transport);
            HandOver(ref slot, i);
            return;
        }

        if (request.IsStream) BeginStream(ref slot, i, request, cursor);
        else Poll(ref slot, i, request, cursor);
    }

    /// <summary>Notes what a subscriber is counted in, and who it is where a proxy's connection brings the requests of many.</summary>
    private void SetShares(ref ParkedSlot slot, in ParkableRequest request, CallerShares shares)
    {
        var client = _clients[slot.Client];
        var address = request.Caller.Address ?? client.Address;
        if (client.Shares == shares && client.Address.Equals(address)) return;
        var before = slot.Client;
        slot.Client = _clients.Take(client with { Address = address, Shares = shares });
        _clients.Release(before);
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
        if (request.Wait > TimeSpan.Zero) _wheel.Set(i, PollLoop.Bound(request.Wait, TimeLeft(slot)));
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
        Recovered(request, readings ?? []);
        if (status == ReadStatus.Something)
        {
            Answer(ref slot, i, readings!);
        }
        else if (status == ReadStatus.Ended)
        {
            AnswerEnd(ref slot, i);
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

    /// <summary>Counts the first read of a subscriber that came with a cursor.</summary>
    private void Recovered(in ParkableRequest request, IReadOnlyList<Reading> readings)
    {
        if (request.Start.From.Seqid is not null) Hub.Metrics.Recovered(request.Transport, readings);
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
        Leave(slot, i, _channels[slot.Channel].Channel, client.Shares, TransportOf(slot));
        if (GrantOf(slot) is { IsNarrow: true }) _ticketsAt.TryRemove(i, out _);
        if (!_kicked.IsEmpty) _kicked.TryRemove(i, out _);
        _channels.Release(slot.Channel);
        slot.Channel = 0;
        if (slot.Began != 0) Log(slot, isGone);
        slot.Flags &= ~(SlotFlags.IsStream | SlotFlags.IsOfLines | SlotFlags.IsLive | SlotFlags.IsRefused);
    }

    /// <summary>Ends a subscriber of whose request nothing was taken, and leaves that to the web server.</summary>
    private void GiveUp(ref ParkedSlot slot, int i, ActiveChannel channel)
    {
        Leave(slot, i, channel, _clients[slot.Client].Shares, Transport.Poll);
        slot.State = SlotState.Reading;
        HandOver(ref slot, i);
    }

    private void Leave(in ParkedSlot slot, int i, ActiveChannel channel, CallerShares shares, Transport transport)
    {
        var nothing = default(ChannelCursor);
        channel.Leave(GrantOf(slot)?.User);
        channel.Leave(ref nothing, this, i, transport);
        Hub.CountOut(shares, channels: 1, transport);
    }
}
