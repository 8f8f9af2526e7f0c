namespace CComet.Channels;

/// <summary>What a read of one channel found.</summary>
internal enum ReadStatus
{
    /// <summary>Something was read, or told.</summary>
    Something,

    /// <summary>The subscriber has read everything.</summary>
    Nothing,

    /// <summary>What is wanted is older than what is in memory: the store must be read.</summary>
    Behind,

    /// <summary>What is wanted lies beyond the end this node knows.</summary>
    Beyond,

    /// <summary>The channel's subscribers are ended, and this one has read what came before that (<see cref="ActiveChannel.EndedBy"/>).</summary>
    Ended,
}
