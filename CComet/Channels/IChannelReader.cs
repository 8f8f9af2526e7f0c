using CComet.Messages;

namespace CComet.Channels;

/// <summary>What a channel knows of a subscriber: enough to deliver to it, and no more.</summary>
internal interface IChannelReader
{
    /// <summary>The name it goes by, or null. At most one parked reader of a channel goes by a name.</summary>
    string? Sname { get; }

    /// <summary>Whether batches are pushed to it while it is parked; otherwise it is signalled and reads for itself.</summary>
    bool TakesPushes { get; }

    /// <summary>Why it was ended for good, or null.</summary>
    WakeReason? Ended { get; }

    /// <summary>Ends its wait. May be called under the channel's lock.</summary>
    void Signal(WakeReason reason);

    /// <summary>Pushes a batch to it. The caller holds no lock.</summary>
    /// <param name="channelIndex">Which of its channels.</param>
    /// <param name="batch">The batch; null when there is more than one step of it.</param>
    void Push(int channelIndex, Batch? batch);

    /// <summary>Notes its slot in the channel's list. Called under the channel's lock.</summary>
    void Moved(int channelIndex, int slot);
}
