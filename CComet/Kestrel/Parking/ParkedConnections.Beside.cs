using System.Collections.Concurrent;
using CComet.Access;
using CComet.Dialects.Native;
using CComet.Http;
using CComet.Http.Ccomet2014;
using CComet.Operations;
using CComet.Subscriptions;
using CComet.Transports;
using Microsoft.AspNetCore.Http;
using Sockets = CComet.Interop.Sockets;

namespace CComet.Kestrel.Parking;

/// <content>Requests that are answered by an object beside their slot.</content>
/// <remarks>
/// The object is told of the connection's events, and writes to it by this table; how long it waits and what it sends is its loop's. A slot
/// has one from when its head is taken until the answer is over, or the connection is closed, which it is told. Lock order: a subscriber's
/// push, then the slot.
/// </remarks>
internal sealed partial class ParkedConnections
{
    private readonly ConcurrentDictionary<int, BesideRequest> _beside = new();

    /// <summary>Gives tickets.</summary>
    public AccessOperations Access => _access;

    /// <summary>Waits.</summary>
    public Task DelayAsync(TimeSpan time) => Hub.Wheel.DelayAsync(time, CancellationToken.None);

    /// <summary>Writes the line of a request that is over.</summary>
    public void Log(string path, int status, long began) => _log.Write(HttpMethods.Get, path, status, began, isHealth: false);

    /// <summary>Counts a refusal.</summary>
    public void CountRefusal(WireException refusal) => Hub.Metrics.RefusedRequest(refusal.Reason);

    /// <summary>Sends what a request has written.</summary>
    /// <returns>Null when the kernel has taken all of it; else what ends once it has, or the connection is closed.</returns>
    public Task? TrySend(BesideRequest request)
    {
        ref var slot = ref _slots.Enter(request.Slot);
        try
        {
            if (request.IsClosed)
            {
                request.Drop();
                return null;
            }

            if (!TrySendSome(ref slot, request) || request.IsClosed || request.Unsent.IsEmpty)
            {
                request.Drop();
                return null;
            }

            var flushing = request.BeginFlush();
            LoopOf(request.Slot).WatchWrites(slot.Descriptor, NumberOf(request.Slot, slot), isWatched: true);
            if (!request.EndsStalls) _wheel.Set(request.Slot, Hub.Options.Stream.StallTimeout);
            return flushing;
        }
        finally
        {
            SlotTable.Exit(ref slot);
        }
    }

    /// <summary>Notes that a request waits for messages.</summary>
    public void Park(BesideRequest request)
    {
        ref var slot = ref _slots.Enter(request.Slot);
        if (!request.IsClosed) request.Park(isGone: slot.Flags.HasFlag(SlotFlags.IsHalfClosed));
        SlotTable.Exit(ref slot);
    }

    /// <summary>Goes on with the next request of its connection, once the answer is over; closes it when there was none.</summary>
    public void End(BesideRequest request)
    {
        ref var slot = ref _slots.Enter(request.Slot);
        try
        {
            if (request.IsClosed) return;
            if (!request.HasBegun)
            {
                Close(ref slot, request.Slot);
                return;
            }

            _beside.TryRemove(request.Slot, out _);
            if (request.IsLast || Hub.IsDraining) slot.Flags |= SlotFlags.ClosesNext;
            AwaitNext(ref slot, request.Slot);
            if (slot.State == SlotState.Reading) Read(ref slot, request.Slot);
        }
        catch (Exception e)
        {
            Fail(ref slot, request.Slot, e);
        }
        finally
        {
            SlotTable.Exit(ref slot);
        }
    }

    /// <summary>Closes the connection of a request.</summary>
    public void Abort(BesideRequest request)
    {
        ref var slot = ref _slots.Enter(request.Slot);
        if (!request.IsClosed) Close(ref slot, request.Slot);
        SlotTable.Exit(ref slot);
    }

    /// <summary>Does so for one that has failed.</summary>
    public void Fail(BesideRequest request, Exception failure)
    {
        LogFailure(failure);
        Abort(request);
    }

    /// <summary>Writes a failure to the log.</summary>
    public void LogFailure(Exception failure) => LogFailed(_logger, failure);

    /// <summary>Sends until all is sent, or nothing more is taken; false when the connection has failed, and is closed.</summary>
    private bool TrySendSome(ref ParkedSlot slot, BesideRequest request)
    {
        while (!request.Unsent.IsEmpty)
        {
            var sent = Sockets.Send(slot.Descriptor, request.Unsent);
            if (sent == -Sockets.Again) return true;
            if (sent < 0)
            {
                Close(ref slot, request.Slot);
                return false;
            }

            request.Sent(sent);
        }

        return true;
    }

    /// <summary>Handles an event of a connection whose request has an object.</summary>
    private void OnBesideEvent(ref ParkedSlot slot, int i, uint what)
    {
        var request = _beside[i];
        if ((what & (Sockets.HungUp | Sockets.Failed)) != 0)
        {
            Close(ref slot, i);
            return;
        }

        if (slot.Flags.HasFlag(SlotFlags.IsHalfClosed)) request.OnHalfClosed();
        if ((what & Sockets.Writable) == 0 || !request.IsFlushing) return;
        var before = request.Unsent.Length;
        if (!TrySendSome(ref slot, request)) return;
        if (request.Unsent.IsEmpty)
        {
            LoopOf(i).WatchWrites(slot.Descriptor, NumberOf(i, slot), isWatched: false);
            if (!request.EndsStalls) _wheel.Remove(i);
            request.EndFlush();
        }
        else if (!request.EndsStalls && request.Unsent.Length < before)
        {
            _wheel.Set(i, Hub.Options.Stream.StallTimeout);
        }
    }

    /// <summary>Subscribes for a request that its slot does not hold.</summary>
    private void BeginBeside(ref ParkedSlot slot, int i, in ParkableRequest asked, in CallerContext caller)
    {
        Work(ref slot, i);
        var request = BesideOf(i, asked);
        _ = asked.Icomet is null ? BeginBesideAsync(request, asked, caller) : BeginIcometAsync(request, asked, asked.Icomet, caller);
    }

    private BesideRequest BesideOf(int i, in ParkableRequest asked) => new(this, i, asked.Icomet is null ? _answers : _icomet!.Answers, asked.Path, asked.Callback, asked.Caller.PageLines, _log.Begin());

    /// <summary>Answers what a bound refuses: the web server would meet the bound, and count that, once more.</summary>
    private async Task RefuseAsync(BesideRequest request, ParkableRequest asked, LimitException refusal)
    {
        if (TryTake(request, asked.HeadBytes)) await request.EndAsync(refusal, asked.Icomet?.Form ?? (asked.IsStream ? RequestForm.Native : RequestForm.NativePoll));
    }

    /// <summary>The head is taken once the subscriber has entered. None of this is held while the request waits.</summary>
    private async Task BeginBesideAsync(BesideRequest request, ParkableRequest asked, CallerContext caller)
    {
        // The caller holds the slot's lock.
        await Task.Yield();
        Subscriber? subscriber = null;
        var poll2014 = asked.IsOf2014 ? new PollRequest2014<BesideRequest>(request, _operations, caller, asked.Start, asked.Sname, asked.Wait) : null;
        var starts = asked.Several ?? [asked.Start];
        var wantsCursors = poll2014 is null && PollRequest.WantsCursors(asked.Callback, starts);
        try
        {
            if (poll2014 is not null)
            {
                subscriber = await poll2014.BeginAsync(isAudited: false);
            }
            else
            {
                subscriber = await _operations.SubscribeAsync(caller, starts, asked.Sname, isAudited: false);
                if (asked.IsStream || starts.Count > 1 || wantsCursors) await subscriber.BeginOrLeaveAsync();
            }
        }
        catch (LimitException e)
        {
            if (poll2014 is null) await RefuseAsync(request, asked, e);
            else if (TryTake(request, asked.HeadBytes)) await poll2014.EndAsync(e);
            return;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // What is refused otherwise, the web server refuses again, and tells why.
            Resume(request.Slot, asked, grant: null);
            return;
        }

        if (!TryTake(request, asked.HeadBytes)) subscriber.Dispose();
        else if (wantsCursors) await AnswerCursorsAsync(request, subscriber);
        else if (poll2014 is not null) _ = poll2014.PollAsync(subscriber);
        else if (asked.IsStream) _ = request.StreamAsync(subscriber, asked.IsOfLines);
        else _ = PollLoop.RunAsync(new PollRequest<BesideRequest>(request, subscriber, asked.Wait), subscriber);
    }

    private async Task AnswerCursorsAsync(BesideRequest request, Subscriber subscriber)
    {
        Exception? failure = null;
        try
        {
            using var left = subscriber;
            await PollRequest.WriteCursorsAsync(request, request.Callback, _access, subscriber);
        }
        catch (Exception e)
        {
            failure = e;
        }

        await request.EndAsync(failure, RequestForm.NativePoll);
    }

    /// <summary>Takes the head, from when on the object answers; false when the client has gone.</summary>
    private bool TryTake(BesideRequest request, int headBytes)
    {
        var i = request.Slot;
        ref var slot = ref _slots.Enter(i);
        try
        {
            slot.State = SlotState.Beside;
            _beside[i] = request;
            if (Sockets.Receive(slot.Descriptor, Head().AsSpan(0, headBytes)) == headBytes) return true;
            Close(ref slot, i);
            return false;
        }
        finally
        {
            SlotTable.Exit(ref slot);
        }
    }
}
