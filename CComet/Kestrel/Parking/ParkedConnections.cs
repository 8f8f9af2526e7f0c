using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using CComet.Channels;
using CComet.Http;
using CComet.Limits;
using CComet.Operations;
using Microsoft.Extensions.Logging;
using Sockets = CComet.Interop.Sockets;

namespace CComet.Kestrel.Parking;

/// <summary>
/// The connections that the web server has not been given: each has a slot, on which its next request is looked at, and its subscriber waits.
/// It is the one reader of all of these subscribers in their channels, which tells them apart by their slots.
/// </summary>
/// <remarks>
/// <para>
/// What it is not sure of it hands over: a head is looked at without being taken, so that the web server reads it as if it had come to it. Once
/// a connection is handed over, it stays there. What is decided about a subscriber is decided by the operations, as at every door.
/// </para>
/// <para>
/// A slot's lock is held while something is done to its connection: by the loop's thread for what comes, by a fan-out for what goes, by the wheel's
/// timer. What must wait sets the state <see cref="SlotState.Working"/> and gives the lock up. Lock order: slot, then channel; under a channel's
/// lock nothing of a slot is used but its place in the channel's list.
/// </para>
/// </remarks>
internal sealed partial class ParkedConnections : IChannelReader, IDisposable
{
    private readonly ChannelOperations _operations;
    private readonly AccessOperations _access;
    private readonly RequestLog _log;
    private readonly ConnectionGate _gate;
    private readonly ILogger _logger;
    private readonly ParkingHost _host;
    private readonly ParkedAnswers _answers;
    private readonly SlotTable _slots = new();
    private readonly SlotWheel _wheel;
    private readonly SharedTable<(ActiveChannel Channel, string Epoch)> _channels = new();
    private readonly SharedTable<ParkedClient> _clients = new();
    private readonly SharedTable<ParkedGrant> _grants = new();
    private readonly SharedTable<string> _pages = new();
    private readonly ConcurrentDictionary<int, (ReadOnlyMemory<byte> Head, ReadOnlyMemory<byte> Body)> _unsent = new();
    private readonly ParkingLoop[] _loops;
    private readonly ParkedIcomet? _icomet;
    private ParkingListener[] _listeners = [];
    private bool _toldForwarded;

    /// <summary>Makes the table, and starts its threads.</summary>
    public ParkedConnections(ChannelOperations operations, AccessOperations access, RequestLog log, ConnectionGate gate, ParkingHost host, TimeProvider time, ILogger<ParkedConnections> logger)
    {
        (_operations, _access, _log, _gate, _host, _logger) = (operations, access, log, gate, host, logger);
        _answers = new ParkedAnswers(host);
        if (host.Icomet is { } icomet) _icomet = new ParkedIcomet(host.ForIcomet(), icomet);
        _wheel = new SlotWheel(_slots, time, OnDue);
        Hub.Kicks.Others = EndUser;
        _loops = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(i => new ParkingLoop($"CComet parking {i}", OnEvent))];
    }

    private HubContext Hub => _operations.Context;

    /// <summary>Whether connections to an address may be parked.</summary>
    public bool ParksAt(IPEndPoint address) => _host.ParksAt(address);

    /// <summary>What has to be known of the server at an address.</summary>
    public ParkingHost HostAt(EndPoint address) => _icomet?.Speaks(address) == true ? _icomet.Host : _host;

    /// <summary>Whether the server is about to stop.</summary>
    public bool IsDraining => Hub.IsDraining;

    /// <summary>How many connections it has, and how much of what they have in common, or wait to send, is in use.</summary>
    public (int Connections, int Channels, int Clients, int Grants, int Pages, int Unsent, int Beside, int Tickets) InUse
    {
        get
        {
            var connections = 0;
            for (var i = 0; i < _slots.Count; i++)
            {
                if (_slots[i].State != SlotState.Free) connections++;
            }

            return (connections, _channels.InUse, _clients.InUse, _grants.InUse, _pages.InUse, _unsent.Count, _beside.Count, _ticketsAt.Count);
        }
    }

    /// <summary>Takes the connections that come to a listener, for as long as <see cref="ParkingListener.TakeNext"/> takes them.</summary>
    public void Add(ParkingListener listener)
    {
        lock (_loops)
        {
            var number = _listeners.Length;
            _listeners = [.. _listeners, listener];
            listener.Begin(_loops[0], ParkingLoop.FirstOther + (ulong)number);
        }
    }

    /// <summary>Takes over a connection that was made.</summary>
    /// <param name="descriptor">Its socket.</param>
    /// <param name="client">Its client, counted in its share and in the gate.</param>
    public void Add(int descriptor, in ParkedClient client)
    {
        var i = _slots.Take();
        ref var slot = ref _slots.Enter(i);
        (slot.Descriptor, slot.State, slot.Flags) = (descriptor, SlotState.Reading, SlotFlags.IsLocked);
        slot.Client = _clients.Take(client);
        slot.Next = 0;
        _wheel.Set(i, Hub.Options.Limits.IdleConnection);
        if (!LoopOf(i).TryWatch(descriptor, NumberOf(i, slot))) Close(ref slot, i);
        SlotTable.Exit(ref slot);
    }

    /// <summary>Hands over what has sent something, and closes the rest, of a listener's connections without a request: the server stops.</summary>
    /// <returns>Whether it has no connection with a request any more.</returns>
    public bool TryEndIdle(ParkingListener listener)
    {
        var isOver = true;
        for (var i = 0; i < _slots.Count; i++)
        {
            ref var slot = ref _slots.Enter(i);
            if (slot.State != SlotState.Free && _clients[slot.Client].Listener == listener)
            {
                if (slot.State == SlotState.Reading) HandOverOrClose(ref slot, i);
                else isOver = false;
            }

            SlotTable.Exit(ref slot);
        }

        return isOver;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var loop in _loops) loop.Dispose();
        _wheel.Dispose();
        for (var i = 0; i < _slots.Count; i++)
        {
            ref var slot = ref _slots.Enter(i);
            if (slot.State is not (SlotState.Free or SlotState.Working)) Close(ref slot, i);
            SlotTable.Exit(ref slot);
        }
    }

    private static int Milliseconds() => Math.Max(1, (int)(Stopwatch.GetTimestamp() * 1000 / Stopwatch.Frequency & int.MaxValue));

    private static ulong NumberOf(int i, in ParkedSlot slot) => ((ulong)slot.Generation << 32) | (uint)i;

    private ParkingLoop LoopOf(int i) => _loops[i % _loops.Length];

    private void OnEvent(uint what, ulong number)
    {
        if (number >= ParkingLoop.FirstOther)
        {
            _listeners[(int)(number - ParkingLoop.FirstOther)].TakeNext();
            return;
        }

        var i = (int)(uint)number;
        ref var slot = ref _slots.Enter(i);
        try
        {
            if (slot.State == SlotState.Free || NumberOf(i, slot) != number) return;
            if ((what & Sockets.Readable) != 0) slot.Flags |= SlotFlags.HasData;
            if ((what & (Sockets.PeerClosed | Sockets.HungUp | Sockets.Failed)) != 0) slot.Flags |= SlotFlags.IsHalfClosed;
            switch (slot.State)
            {
                case SlotState.Reading:
                    Read(ref slot, i);
                    break;
                case SlotState.Beside:
                    OnBesideEvent(ref slot, i, what);
                    break;
                case SlotState.Poll or SlotState.Stream when slot.Flags.HasFlag(SlotFlags.IsHalfClosed):
                    Close(ref slot, i);
                    break;
                case SlotState.Answering or SlotState.Streaming when (what & (Sockets.HungUp | Sockets.Failed)) != 0:
                    Close(ref slot, i);
                    break;
                case SlotState.Answering or SlotState.Streaming when (what & Sockets.Writable) != 0:
                    SendRest(ref slot, i);
                    break;
            }
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

    private void OnDue(int i)
    {
        ref var slot = ref _slots.Enter(i);
        try
        {
            // It may have been set again since, or have another connection.
            if (!SlotWheel.IsDue(slot)) return;
            switch (slot.State)
            {
                case SlotState.Reading:
                    HandOverOrClose(ref slot, i);
                    break;
                case SlotState.Poll:
                    AnswerNothing(ref slot, i, retry: null);
                    break;
                case SlotState.Stream:
                    Beat(ref slot, i);
                    break;
                case SlotState.Answering or SlotState.Streaming:
                    if (slot.Channel != 0) Hub.Metrics.Stalled(TransportOf(slot));
                    Close(ref slot, i);
                    break;
                case SlotState.Beside when _beside[i] is { IsFlushing: true, EndsStalls: false }:
                    Close(ref slot, i);
                    break;
            }

            if (slot.State == SlotState.Reading && slot.Flags.HasFlag(SlotFlags.HasData)) Read(ref slot, i);
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

    /// <summary>Gives a connection to the web server, as it is.</summary>
    private void HandOver(ref ParkedSlot slot, int i)
    {
        var client = _clients[slot.Client];
        LoopOf(i).Unwatch(slot.Descriptor);
        var (descriptor, isHalfClosed) = (slot.Descriptor, slot.Flags.HasFlag(SlotFlags.IsHalfClosed));
        Forget(ref slot, i);
        client.Listener.HandOver(descriptor, client.Connection, isHalfClosed);
    }

    private void HandOverOrClose(ref ParkedSlot slot, int i)
    {
        Span<byte> one = stackalloc byte[1];
        if (Sockets.Peek(slot.Descriptor, one) > 0) HandOver(ref slot, i);
        else Close(ref slot, i);
    }

    /// <summary>Closes a connection, and ends its subscriber.</summary>
    private void Close(ref ParkedSlot slot, int i)
    {
        if (slot.State is SlotState.Free) return;
        if (slot.Channel != 0) Leave(ref slot, i, isGone: slot.State is not SlotState.Answering);
        _unsent.TryRemove(i, out _);
        if (slot.State is SlotState.Beside && _beside.TryRemove(i, out var request)) request.Close();

        // Unread bytes would have the kernel reset the connection, and what was sent last be lost with it.
        if (slot.Flags.HasFlag(SlotFlags.ClosesNext))
        {
            Span<byte> rest = stackalloc byte[1 << 10];
            for (var turn = 0; turn < 64 && Sockets.Receive(slot.Descriptor, rest) > 0; turn++)
            {
            }
        }

        Sockets.Close(slot.Descriptor);
        _clients[slot.Client].Connection?.Release(Held.Connections, 1);
        Forget(ref slot, i);
        _gate.Leave();
    }

    private void Forget(ref ParkedSlot slot, int i)
    {
        _wheel.Remove(i);
        _clients.Release(slot.Client);
        _grants.Release(slot.Grant);
        _pages.Release(slot.Page);
        (slot.Client, slot.Grant, slot.Page) = (0, 0, 0);
        _slots.Free(i);
    }

    private void Fail(ref ParkedSlot slot, int i, Exception failure)
    {
        LogFailed(_logger, failure);
        Close(ref slot, i);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A parked connection failed and is closed")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
