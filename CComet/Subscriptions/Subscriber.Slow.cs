using CComet.Channels;
using CComet.Messages;

namespace CComet.Subscriptions;

/// <content>What is seldom: the store has to be asked, or a channel has ended.</content>
internal sealed partial class Subscriber
{
    /// <summary>The slow path of a read: the messages wanted are not in memory, or the cursor is ahead of what this node has heard of.</summary>
    private async ValueTask<ReadStatus> ReadStoreAsync(int i, ReadStatus found, List<Reading> readings, bool park, long maxBytes, CancellationToken cancellation)
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

        return found;
    }

    /// <summary>Tells of a channel that was closed, which it leaves; with the last one it ends. A kick ends all of it.</summary>
    private void TakeEnd(int i, ref List<Reading>? readings)
    {
        ref var cursor = ref At(i);
        if (cursor.Channel.EndedBy == WakeReason.Kicked)
        {
            Signal(WakeReason.Kicked);
            return;
        }

        if (!IsOwn) (readings ??= new(1)).Add(new Reading(i, Notice.Close(cursor.Channel.Name), Batch.Empty));
        cursor.Channel.Leave(ref cursor, this, i, Transport);
        lock (this)
        {
            // A newer grant may come at the same time.
            if (_isPresent) cursor.Channel.Leave(User);
            cursor.Slot = ChannelCursor.LeftSlot;
        }

        for (var other = 0; other < Channels; other++)
        {
            if (At(other).Slot != ChannelCursor.LeftSlot) return;
        }

        Signal(WakeReason.Closed);
    }
}
