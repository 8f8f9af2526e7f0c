using System.Buffers;
using CComet.Access;
using CComet.Channels;
using CComet.Diagnostics;
using CComet.Dialects.Native;
using CComet.Limits;
using CComet.Messages;

namespace CComet.Kestrel.Parking;

/// <content>Long polls: how they are woken and answered.</content>
internal sealed partial class ParkedConnections
{
    private void WakePoll(ref ParkedSlot slot, int i, WakeReason reason, Batch? batch)
    {
        if (reason == WakeReason.Draining)
        {
            AnswerNothing(ref slot, i, Hub.ReconnectDelay());
            return;
        }

        if (reason == WakeReason.Revoked)
        {
            if (IsRevoked(slot)) Refuse(ref slot, i);
            return;
        }

        if (Fits(slot, batch))
        {
            Hub.Metrics.Delivered(Transport.Poll, batch!.Messages.Count);
            Hub.Lagged(Transport.Poll, batch, Hub.Time.GetTimestamp());
            Answer(ref slot, i, batch);
            return;
        }

        var cursor = CursorOf(slot);
        List<Reading>? readings = null;
        var status = cursor.Channel.Read(ref cursor, i, this, ReadSizes.MaxStepBytes, ref readings);
        if (status == ReadStatus.Something)
        {
            Place(ref slot, cursor);
            Hub.Lagged(Transport.Poll, readings!);
            Answer(ref slot, i, readings!);
        }
        else if (status == ReadStatus.Ended)
        {
            AnswerEnd(ref slot, i);
        }
        else if (status is ReadStatus.Behind or ReadStatus.Beyond)
        {
            cursor.Channel.Unpark(this, i);
            Work(ref slot, i);

            // From where it was: a reset that was read before is told by the next read.
            _ = ReadPollAsync(i, CursorOf(slot));
        }
    }

    private void Answer(ref ParkedSlot slot, int i, Batch batch)
    {
        slot.Next = batch.End;
        var output = Output();
        var array = batch.As(NativeEncoder.Forms.Array);
        _answers.WritePollHead(output, array.Length, new Cursor(batch.Epoch, batch.End), isLast: Hub.IsDraining, PageOf(slot));
        Finish(ref slot, i, output, array);
    }

    private void Answer(ref ParkedSlot slot, int i, IReadOnlyList<Reading> readings)
    {
        Hub.Metrics.Delivered(Transport.Poll, readings);
        if (readings is [{ Notice: null, Batch: { Bytes: <= JsonArray.FlushBytes } batch }])
        {
            Answer(ref slot, i, batch);
            return;
        }

        var elements = PollAnswer.ElementsOf(readings);
        var output = Output();
        _answers.WritePollHead(output, JsonArray.Length(elements), PlaceOf(slot), isLast: Hub.IsDraining, PageOf(slot));
        Finish(ref slot, i, output, JsonArray.LineOf(elements));
    }

    private void AnswerNothing(ref ParkedSlot slot, int i, TimeSpan? retry)
    {
        var output = Output();
        _answers.WritePollHead(output, JsonArray.Empty.Length, PlaceOf(slot), isLast: Hub.IsDraining, PageOf(slot), retry);
        output.Write(JsonArray.Empty);
        Finish(ref slot, i, output);
    }

    /// <summary>Ends a poll whose right was revoked.</summary>
    private void Refuse(ref ParkedSlot slot, int i)
    {
        var output = Output();
        Hub.Metrics.RefusedRequest(RequestRefusal.Right);
        _answers.WriteRevoked(output, PageOf(slot));
        slot.Flags |= SlotFlags.IsRefused;
        Finish(ref slot, i, output);
    }

    /// <summary>Sends what ends a request, after which the connection may bring the next.</summary>
    /// <remarks>The subscriber counts as one until its client has taken the answer.</remarks>
    private void Finish(ref ParkedSlot slot, int i, ArrayBufferWriter<byte> head, ReadOnlyMemory<byte> body = default)
    {
        if (Hub.IsDraining) slot.Flags |= SlotFlags.ClosesNext;
        if (slot.Listed >= 0) _channels[slot.Channel].Channel.Unpark(this, i);
        if (body.Length <= MaxJoinedBytes)
        {
            head.Write(body.Span);
            body = default;
        }

        if (TrySend(ref slot, i, head.WrittenSpan, body, SlotState.Answering)) Finished(ref slot, i);
    }

    private void Finished(ref ParkedSlot slot, int i)
    {
        Leave(ref slot, i, isGone: false);
        AwaitNext(ref slot, i);
    }

    /// <summary>Lets the connection bring its next request, or closes it.</summary>
    private void AwaitNext(ref ParkedSlot slot, int i)
    {
        if (slot.Flags.HasFlag(SlotFlags.ClosesNext))
        {
            Close(ref slot, i);
            return;
        }

        slot.State = SlotState.Reading;
        slot.Next = 0;

        // Who has ended its side may have more requests on their way before that.
        if (slot.Flags.HasFlag(SlotFlags.IsHalfClosed)) slot.Flags |= SlotFlags.HasData;
        _wheel.Set(i, Hub.Options.Limits.IdleConnection);
    }

    /// <summary>What the poll asks for is not in memory. Nothing of the request was taken.</summary>
    private async Task ReadPollAsync(int i, ParkableRequest request, ChannelCursor cursor)
    {
        // The caller holds the slot's lock.
        await Task.Yield();
        try
        {
            using var subscriber = await _operations.SubscribeTrustedAsync(request.Start);
            var readings = await subscriber.ReadAsync(park: false, JsonArray.FlushBytes);
            ref var slot = ref _slots.Enter(i);
            try
            {
                slot.State = SlotState.Poll;
                var read = subscriber.At(0);
                (cursor.Epoch, cursor.Next) = (read.Epoch, read.Next);
                if (readings.Count == 0)
                {
                    Poll(ref slot, i, request, cursor);
                }
                else if (IsLong(readings, cursor))
                {
                    GiveUp(ref slot, i, cursor.Channel);
                }
                else
                {
                    Follow(ref slot, cursor);
                    if (TryTake(ref slot, i, request))
                    {
                        Recovered(request, readings);
                        Answer(ref slot, i, readings);
                    }
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
        catch (Exception e)
        {
            if (!IsTold(e)) LogFailed(_logger, e);
            ref var slot = ref _slots.Enter(i);
            slot.State = SlotState.Poll;
            GiveUp(ref slot, i, cursor.Channel);
            SlotTable.Exit(ref slot);
        }
    }

    /// <summary>What a poll that waited is woken for is not in memory any more.</summary>
    private async Task ReadPollAsync(int i, ChannelCursor cursor)
    {
        // The caller holds the slot's lock.
        await Task.Yield();
        IReadOnlyList<Reading> readings = [];
        try
        {
            (readings, cursor) = await ReadStepAsync(cursor);
        }
        catch (Exception e)
        {
            if (!IsTold(e)) LogFailed(_logger, e);

            // It is answered with nothing, and asks again from the same cursor.
        }

        ref var slot = ref _slots.Enter(i);
        try
        {
            slot.State = SlotState.Poll;
            Place(ref slot, cursor);
            Hub.Lagged(Transport.Poll, readings);
            if (readings.Count > 0) Answer(ref slot, i, readings);
            else AnswerNothing(ref slot, i, retry: null);
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
}
