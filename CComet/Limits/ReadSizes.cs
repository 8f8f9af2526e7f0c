namespace CComet.Limits;

/// <summary>How much one read of the log brings, in bytes.</summary>
internal static class ReadSizes
{
    /// <summary>The most that one read brings, of all channels of a subscriber together: more than a channel keeps by default.</summary>
    public const long MaxReadBytes = 4 << 20;

    /// <summary>The most that a stream reads at a time, of all its channels together: what a slow one holds in memory.</summary>
    public const long MaxStepBytes = 16 << 10;
}
