using System.Collections.Concurrent;
using CComet.Channels;
using CComet.Messages;

namespace CComet.Kestrel.Parking;

/// <content>Subscribers that an administrator ends.</content>
internal sealed partial class ParkedConnections
{
    /// <summary>The streams of a kicked user that do not wait at that moment, by their slots: each ends as soon as it would wait.</summary>
    private readonly ConcurrentDictionary<int, bool> _kicked = new();

    /// <summary>Ends the connections of a user.</summary>
    /// <returns>How many they are.</returns>
    private int EndUser(string user)
    {
        var count = 0;
        for (var i = 0; i < _slots.Count; i++)
        {
            ref var slot = ref _slots.Enter(i);
            try
            {
                if (TryEndUser(ref slot, i, user)) count++;
                if (slot.State is SlotState.Reading && slot.Flags.HasFlag(SlotFlags.HasData)) Read(ref slot, i);
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

        return count;
    }

    /// <summary>A poll that is being answered, and a request that has no subscriber yet, are left alone: what comes next on the connection has come later.</summary>
    private bool TryEndUser(ref ParkedSlot slot, int i, string user)
    {
        if (slot.State == SlotState.Free || slot.Channel == 0 || GrantOf(slot)?.User != user) return false;
        switch (slot.State)
        {
            case SlotState.Poll:
                AnswerNothing(ref slot, i, Hub.ReconnectDelay());
                return true;
            case SlotState.Stream:
                End(ref slot, i, WakeReason.Kicked);
                return true;
            case SlotState.Streaming or SlotState.Working when slot.Flags.HasFlag(SlotFlags.IsStream):
                _kicked[i] = true;
                return true;
            default:
                return false;
        }
    }

    /// <summary>Answers a poll whose channel's subscribers are ended: it was closed, or they are sent away.</summary>
    private void AnswerEnd(ref ParkedSlot slot, int i)
    {
        var channel = _channels[slot.Channel].Channel;
        if (channel.EndedBy == WakeReason.Kicked) AnswerNothing(ref slot, i, Hub.ReconnectDelay());
        else Answer(ref slot, i, [new Reading(0, Notice.Close(channel.Name), Batch.Empty)]);
    }
}
