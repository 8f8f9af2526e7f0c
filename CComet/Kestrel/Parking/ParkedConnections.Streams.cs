using System.Buffers;
using CComet.Channels;
using CComet.Limits;
using CComet.Messages;

namespace CComet.Kestrel.Parking;

/// <content>Streams of server-sent events and of JSON lines.</content>
internal sealed partial class ParkedConnections
{
    private void BeginStream(ref ParkedSlot slot, int i, in ParkableRequest request, ChannelCursor cursor)
    {
        slot.State = SlotState.Stream;
        slot.Flags |= request.IsOfLines ? SlotFlags.IsStream | SlotFlags.IsOfLines : SlotFlags.IsStream;
        Follow(ref slot, cursor);
        if (!TryTake(ref slot, i, request)) return;
        var output = Output();
        _answers.WriteStreamHead(output, FormOf(slot).ContentType, FormOf(slot).Path, request.Caller.PageLines);
        WriteStart(output, slot);
        if (!request.IsOfLines) BeginTickets(slot, i, output, request.Caller);
        if (TrySend(ref slot, i, output.WrittenSpan, default, SlotState.Streaming)) GoOn(ref slot, i, isRecovering: request.Start.From.Seqid is not null);
    }

    /// <summary>Reads and sends until everything has been read, and parks the stream.</summary>
    /// <param name="slot">The connection.</param>
    /// <param name="i">Its slot.</param>
    /// <param name="isRecovering">Whether it came with a cursor, from which it has not read yet.</param>
    private void GoOn(ref ParkedSlot slot, int i, bool isRecovering = false)
    {
        while (true)
        {
            slot.State = SlotState.Stream;
            if (!_kicked.IsEmpty && _kicked.ContainsKey(i))
            {
                End(ref slot, i, WakeReason.Kicked);
                return;
            }

            SetBeat(slot, i);
            var cursor = CursorOf(slot);
            List<Reading>? readings = null;
            var status = cursor.Channel.Read(ref cursor, i, this, ReadSizes.MaxStepBytes, ref readings);
            if (status is ReadStatus.Nothing or ReadStatus.Something && isRecovering) Hub.Metrics.Recovered(TransportOf(slot), readings ?? []);
            if (status == ReadStatus.Nothing)
            {
                slot.Flags |= SlotFlags.IsLive;
                if (slot.Flags.HasFlag(SlotFlags.IsHalfClosed))
                {
                    Close(ref slot, i);
                    return;
                }

                CheckEnd(slot, i);
                return;
            }

            if (status == ReadStatus.Ended)
            {
                End(ref slot, i, cursor.Channel.EndedBy!.Value);
                return;
            }

            if (status is ReadStatus.Behind or ReadStatus.Beyond)
            {
                cursor.Channel.Unpark(this, i);
                Work(ref slot, i);

                // As for a poll.
                _ = ReadStreamAsync(i, CursorOf(slot), isRecovering);
                return;
            }

            isRecovering = false;
            Place(ref slot, cursor);
            if (!TryTell(ref slot, i, readings!)) return;
        }
    }

    private bool TryTell(ref ParkedSlot slot, int i, IReadOnlyList<Reading> readings)
    {
        Hub.Metrics.Delivered(TransportOf(slot), readings);
        if (slot.Flags.HasFlag(SlotFlags.IsLive)) Hub.Lagged(TransportOf(slot), readings);
        var output = Output();
        var form = FormOf(slot);
        foreach (var reading in readings)
        {
            if (reading.Notice is { } notice) WriteChunk(output, (Form: form, Notice: notice), static (text, state) => state.Form.WriteNotice(text, state.Notice));
            else output.Write(reading.Batch.As(form.Chunks).Span);
        }

        return TrySend(ref slot, i, output.WrittenSpan, default, SlotState.Streaming);
    }

    private async Task ReadStreamAsync(int i, ChannelCursor cursor, bool isRecovering)
    {
        // The caller holds the slot's lock.
        await Task.Yield();
        while (true)
        {
            var isAway = false;
            IReadOnlyList<Reading> readings = [];
            try
            {
                (readings, cursor) = await ReadStepAsync(cursor);
            }
            catch (Exception e)
            {
                if (!IsTold(e)) LogFailed(_logger, e);

                // The stream stays: it goes on from its cursor when the store is back.
                isAway = true;
            }

            if (isAway)
            {
                if (!Hub.IsEnding) await Hub.Wheel.DelayAsync(StoreRetry, Hub.WaitsEnded).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (!Hub.IsEnding && !IsGone(i)) continue;
            }

            ref var slot = ref _slots.Enter(i);
            try
            {
                slot.State = SlotState.Stream;
                if (isAway)
                {
                    if (slot.Flags.HasFlag(SlotFlags.IsHalfClosed)) Close(ref slot, i);
                    else End(ref slot, i, WakeReason.Draining);
                }
                else
                {
                    Place(ref slot, cursor);
                    if (isRecovering) Hub.Metrics.Recovered(TransportOf(slot), readings);
                    if (readings.Count == 0 || TryTell(ref slot, i, readings)) GoOn(ref slot, i);
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

            return;
        }
    }

    private bool IsGone(int i)
    {
        ref var slot = ref _slots.Enter(i);
        var isGone = slot.Flags.HasFlag(SlotFlags.IsHalfClosed);
        SlotTable.Exit(ref slot);
        return isGone;
    }

    private void WakeStream(ref ParkedSlot slot, int i, WakeReason reason, Batch? batch)
    {
        if (reason == WakeReason.Draining)
        {
            End(ref slot, i, reason);
        }
        else if (reason == WakeReason.Revoked)
        {
            if (IsRevoked(slot)) End(ref slot, i, reason);
        }
        else if (Fits(slot, batch))
        {
            Hub.Metrics.Delivered(TransportOf(slot), batch!.Messages.Count);
            slot.Next = batch.End;
            TrySend(ref slot, i, default, batch.As(FormOf(slot).Chunks), SlotState.Streaming, awaited: batch);
        }
        else
        {
            GoOn(ref slot, i);
        }
    }

    /// <summary>Sends a sign of life when nothing was sent for long, or the end when the grant has no time left.</summary>
    private void Beat(ref ParkedSlot slot, int i)
    {
        if (TimeLeft(slot) <= TimeSpan.Zero)
        {
            End(ref slot, i, WakeReason.Expired);
            return;
        }

        if (IsTicketDue(slot, i))
        {
            _ticketsAt[i] = _wheel.Milliseconds;
            if (slot.Listed >= 0) _channels[slot.Channel].Channel.Unpark(this, i);
            Work(ref slot, i);
            _ = GiveTicketAsync(i, GrantOf(slot)!, _channels[slot.Channel].Channel.Name);
            return;
        }

        var isSilent = Silence(slot) >= Hub.Options.Stream.Heartbeat;
        if (isSilent) slot.WroteAt = _wheel.Milliseconds;
        SetBeat(slot, i);
        if (!isSilent) return;
        var form = FormOf(slot);
        var output = Output();
        if (form.Heartbeat.IsEmpty) WriteStart(output, slot);
        TrySend(ref slot, i, output.WrittenSpan, form.Heartbeat, SlotState.Streaming);
    }

    private void WriteStart(ArrayBufferWriter<byte> output, in ParkedSlot slot)
    {
        var state = (Form: FormOf(slot), Channel: _channels[slot.Channel].Channel.Name, Place: PlaceOf(slot), GrantOf(slot)?.Expires);
        WriteChunk(output, state, static (text, told) => told.Form.WriteStart(text, told.Channel, told.Place, told.Expires));
    }

    private static StreamForm FormOf(in ParkedSlot slot) => StreamForm.Of(slot.Flags.HasFlag(SlotFlags.IsOfLines));

    private void SetBeat(in ParkedSlot slot, int i)
    {
        var wait = Hub.Options.Stream.Heartbeat - Silence(slot);
        var left = TimeLeft(slot);
        _wheel.Set(i, left < wait ? left : wait);
    }

    private TimeSpan Silence(in ParkedSlot slot) => TimeSpan.FromMilliseconds((_wheel.Milliseconds - slot.WroteAt) & int.MaxValue);

    private void End(ref ParkedSlot slot, int i, WakeReason reason)
    {
        var output = Output();
        var state = (Form: FormOf(slot), Reason: reason, Retry: Hub.ReconnectDelay(), Cursor: PlaceOf(slot).ToString(), Channel: _channels[slot.Channel].Channel.Name);
        WriteChunk(output, state, static (text, told) =>
        {
            if (told.Reason == WakeReason.Closed) told.Form.WriteNotice(text, Notice.Close(told.Channel));
            told.Form.WriteEnd(text, told.Reason, told.Retry, told.Cursor);
        });
        output.Write(ParkedAnswers.StreamEnd);
        Finish(ref slot, i, output);
    }
}
