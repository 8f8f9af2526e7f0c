namespace CComet.Messages;

/// <summary>What one read gave of one channel: a notice, or messages.</summary>
/// <param name="ChannelIndex">Which of the subscriber's channels, counted from 0 in the order they were asked for.</param>
/// <param name="Notice">What is told, or null.</param>
/// <param name="Batch">The messages; empty with a notice.</param>
internal readonly record struct Reading(int ChannelIndex, Notice? Notice, Batch Batch)
{
    /// <summary>What it takes on a wire, about, in bytes.</summary>
    public long Bytes => Notice?.MaxBytes ?? Batch.Bytes;
}
