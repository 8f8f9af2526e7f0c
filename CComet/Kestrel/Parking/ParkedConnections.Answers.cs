using System.Buffers;
using System.Diagnostics;
using CComet.Access;
using CComet.Channels;
using CComet.Limits;
using CComet.Messages;
using CComet.Subscriptions;
using CComet.Transports;
using Microsoft.AspNetCore.Http;
using Sockets = CComet.Interop.Sockets;

namespace CComet.Kestrel.Parking;

/// <content>How those that wait are woken, and what goes to the clients.</content>
internal sealed partial class ParkedConnections
{
    /// <summary>A buffer that has grown larger is not kept, in bytes.</summary>
    private const int MaxKeptOutput = 64 << 10;

    /// <summary>What is no longer is sent together with its head, in bytes: to copy it costs less than another call of the system.</summary>
    private const int MaxJoinedBytes = 8 << 10;

    private static readonly TimeSpan StoreRetry = TimeSpan.FromSeconds(1);

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _output;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _piece;

    /// <inheritdoc/>
    string? IChannelReader.Sname => null;

    /// <inheritdoc/>
    string? IChannelReader.User => null;

    /// <inheritdoc/>
    WakeReason? IChannelReader.Ended => null;

    /// <inheritdoc/>
    bool IChannelReader.TakesPushes(int channelIndex) => _slots[channelIndex].State == SlotState.Stream;

    /// <inheritdoc/>
    bool IChannelReader.IsRevokedIn(int channelIndex) => IsRevoked(_slots[channelIndex]);

    /// <inheritdoc/>
    ref int IChannelReader.SlotIn(int channelIndex) => ref _slots[channelIndex].Listed;

    /// <inheritdoc/>
    void IChannelReader.Push(int channelIndex, Batch? batch) => Wake(channelIndex, WakeReason.Messages, batch);

    /// <inheritdoc/>
    public void Signal(int channelIndex, WakeReason reason) =>
        ThreadPool.UnsafeQueueUserWorkItem(static state => state.Self.Wake(state.Slot, state.Reason, null), (Self: this, Slot: channelIndex, Reason: reason), preferLocal: false);

    /// <inheritdoc/>
    /// <remarks>
    /// A hint: the slot may have another subscriber by now, whose own cursor says what is for it. Epochs are random, so that a batch of another
    /// channel fits none.
    /// </remarks>
    public void Wake(int channelIndex, WakeReason reason, Batch? batch)
    {
        ref var slot = ref _slots.Enter(channelIndex);
        try
        {
            if (slot.State is SlotState.Poll) WakePoll(ref slot, channelIndex, reason, batch);
            else if (slot.State is SlotState.Stream) WakeStream(ref slot, channelIndex, reason, batch);
            if (slot.State is SlotState.Reading && slot.Flags.HasFlag(SlotFlags.HasData)) Read(ref slot, channelIndex);
        }
        catch (Exception e)
        {
            Fail(ref slot, channelIndex, e);
        }
        finally
        {
            SlotTable.Exit(ref slot);
        }
    }

    /// <summary>Whether a batch is what the subscriber reads next, and all that there is.</summary>
    private bool Fits(in ParkedSlot slot, Batch? batch)
    {
        if (batch is null || batch.First != slot.Next) return false;
        var (channel, epoch) = _channels[slot.Channel];
        return batch.Epoch == epoch && channel.End <= batch.End;
    }

    private ChannelCursor CursorOf(in ParkedSlot slot)
    {
        var (channel, epoch) = _channels[slot.Channel];
        return new ChannelCursor { Channel = channel, Epoch = epoch, Next = slot.Next };
    }

    /// <summary>Notes where a subscriber is.</summary>
    private void Place(ref ParkedSlot slot, in ChannelCursor cursor)
    {
        slot.Next = cursor.Next;
        if (_channels[slot.Channel].Epoch == cursor.Epoch) return;
        var before = slot.Channel;
        slot.Channel = _channels.Take((cursor.Channel, cursor.Epoch!));
        _channels.Release(before);
    }

    private Cursor PlaceOf(in ParkedSlot slot) => new(_channels[slot.Channel].Epoch, slot.Next);

    private Grant? GrantOf(in ParkedSlot slot) => slot.Grant == 0 ? null : _grants[slot.Grant].Grant;

    private bool IsRevoked(in ParkedSlot slot)
    {
        if (!Hub.Revocations.Any || slot.Grant == 0 || slot.Channel == 0 || GrantOf(slot) is not { } grant) return false;
        return Hub.Revocations.Covers(grant) || (_channels[slot.Channel].Channel is { } channel && Hub.Revocations.Covers(grant, channel.Name));
    }

    private static Transport TransportOf(in ParkedSlot slot) => !slot.Flags.HasFlag(SlotFlags.IsStream) ? Transport.Poll : slot.Flags.HasFlag(SlotFlags.IsOfLines) ? Transport.Stream : Transport.Sse;

    private TimeSpan TimeLeft(in ParkedSlot slot) => Subscriber.TimeLeftOf(GrantOf(slot), Hub);

    /// <summary>Reads a step from the store for a cursor whose messages are not in memory, and moves it.</summary>
    private async ValueTask<(IReadOnlyList<Reading> Readings, ChannelCursor Cursor)> ReadStepAsync(ChannelCursor cursor)
    {
        using var subscriber = await _operations.SubscribeTrustedAsync(new ChannelStart(cursor.Channel.Name, new Cursor(cursor.Epoch, cursor.Next)));
        var readings = await subscriber.ReadAsync(park: false, ReadSizes.MaxStepBytes);
        var read = subscriber.At(0);
        (cursor.Epoch, cursor.Next) = (read.Epoch, read.Next);
        return (readings, cursor);
    }

    /// <summary>Whether a failure is one that is expected, and told of elsewhere.</summary>
    private static bool IsTold(Exception e) => e is StoreUnavailableException or SeqidBeyondEndException or DrainingException or LimitException;

    private static ArrayBufferWriter<byte> Output() => Emptied(ref _output);

    private static ArrayBufferWriter<byte> Emptied(ref ArrayBufferWriter<byte>? kept)
    {
        if (kept is null || kept.Capacity > MaxKeptOutput) kept = new ArrayBufferWriter<byte>(1 << 10);
        kept.ResetWrittenCount();
        return kept;
    }

    private static void WriteChunk<T>(ArrayBufferWriter<byte> output, T state, Action<IBufferWriter<byte>, T> write)
    {
        var piece = Emptied(ref _piece);
        write(piece, state);
        Chunk.Write(output, piece.WrittenSpan);
    }

    /// <summary>Sends bytes; what the kernel does not take is kept, and the connection goes on in a state of waiting for its client.</summary>
    /// <param name="slot">The connection.</param>
    /// <param name="i">Its slot.</param>
    /// <param name="head">What is sent first; what is left of it is copied.</param>
    /// <param name="body">What is sent behind it, which many connections may share: it is not copied.</param>
    /// <param name="waiting">The state.</param>
    /// <param name="awaited">The messages in it, when the subscriber waited for them.</param>
    private bool TrySend(ref ParkedSlot slot, int i, ReadOnlySpan<byte> head, ReadOnlyMemory<byte> body, SlotState waiting, Batch? awaited = null)
    {
        var now = Hub.Time.GetTimestamp();
        slot.WroteAt = _wheel.MillisecondsAt(now);
        if (awaited is not null) Hub.Lagged(TransportOf(slot), awaited, now);
        var sent = head.IsEmpty ? 0 : Sockets.Send(slot.Descriptor, head, hasMore: !body.IsEmpty);
        var isWhole = sent == head.Length;
        if (isWhole)
        {
            head = default;
            if (body.IsEmpty) return true;
            sent = Sockets.Send(slot.Descriptor, body.Span);
            if (sent == body.Length) return true;
        }

        if (sent < 0 && sent != -Sockets.Again)
        {
            Close(ref slot, i);
            return false;
        }

        if (slot.Listed >= 0) _channels[slot.Channel].Channel.Unpark(this, i);
        slot.State = waiting;
        sent = Math.Max(0, sent);
        _unsent[i] = isWhole ? (default, body[sent..]) : (head[sent..].ToArray(), body);
        LoopOf(i).WatchWrites(slot.Descriptor, NumberOf(i, slot), isWatched: true);
        _wheel.Set(i, Hub.Options.Stream.StallTimeout);
        return false;
    }

    private void SendRest(ref ParkedSlot slot, int i)
    {
        var (head, body) = _unsent[i];
        for (var any = false; head.Length + body.Length > 0; any = true)
        {
            var sent = Sockets.Send(slot.Descriptor, head.IsEmpty ? body.Span : head.Span, hasMore: !head.IsEmpty && !body.IsEmpty);
            if (sent < 0 && sent != -Sockets.Again)
            {
                Close(ref slot, i);
                return;
            }

            if (sent <= 0)
            {
                _unsent[i] = (head, body);
                if (any) _wheel.Set(i, Hub.Options.Stream.StallTimeout);
                return;
            }

            if (head.IsEmpty) body = body[sent..];
            else head = head[sent..];
        }

        _unsent.TryRemove(i, out _);
        LoopOf(i).WatchWrites(slot.Descriptor, NumberOf(i, slot), isWatched: false);
        slot.WroteAt = _wheel.Milliseconds;
        if (slot.State == SlotState.Streaming)
        {
            GoOn(ref slot, i);
            return;
        }

        Finished(ref slot, i);
        if (slot.State == SlotState.Reading) Read(ref slot, i);
    }

    private void Log(in ParkedSlot slot, bool isGone)
    {
        var elapsed = (Milliseconds() - slot.Began) & int.MaxValue;
        var isStream = slot.Flags.HasFlag(SlotFlags.IsStream);
        var status = slot.Flags.HasFlag(SlotFlags.IsRefused) ? StatusCodes.Status403Forbidden : StatusCodes.Status200OK;
        if (isGone && !isStream) status = StatusCodes.Status499ClientClosedRequest;
        _log.Write(HttpMethods.Get, _answers.PathBase + (isStream ? FormOf(slot).Path : ParkableRequest.PollPath), status, Stopwatch.GetTimestamp() - (elapsed * Stopwatch.Frequency / 1000), isHealth: false);
    }
}
