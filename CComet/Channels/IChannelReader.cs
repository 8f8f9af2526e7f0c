using CComet.Messages;

namespace CComet.Channels;

/// <summary>What a channel knows of a subscriber: enough to deliver to it, and no more.</summary>
/// <remarks>One object may be the reader of many subscribers, which it tells apart by the index; of a subscriber of its own, the index is that of the channel.</remarks>
internal interface IChannelReader
{
    /// <summary>The name it goes by, or null. At most one parked reader of a channel goes by a name.</summary>
    string? Sname { get; }

    /// <summary>The user whose connection it is, or null; of an object that is the reader of many, null.</summary>
    string? User { get; }

    /// <summary>Why it was ended for good, or null.</summary>
    WakeReason? Ended { get; }

    /// <summary>Whether batches are pushed to it while it is parked; otherwise it is woken and reads for itself.</summary>
    bool TakesPushes(int channelIndex);

    /// <summary>Whether what it came by was revoked.</summary>
    bool IsRevokedIn(int channelIndex);

    /// <summary>Ends its wait. May be called under the channel's lock.</summary>
    void Signal(int channelIndex, WakeReason reason);

    /// <summary>Ends its wait, for what is there or for another reason. The caller holds no lock.</summary>
    /// <param name="channelIndex">Which of its channels.</param>
    /// <param name="reason">What it is woken for.</param>
    /// <param name="batch">What it will probably read, if that is known.</param>
    void Wake(int channelIndex, WakeReason reason, Batch? batch);

    /// <summary>Pushes a batch to it. The caller holds no lock.</summary>
    /// <param name="channelIndex">Which of its channels.</param>
    /// <param name="batch">The batch; null when there is more than one step of it.</param>
    void Push(int channelIndex, Batch? batch);

    /// <summary>Its slot in the channel's list, or -1; the list's own. Used under the channel's lock.</summary>
    ref int SlotIn(int channelIndex);
}
