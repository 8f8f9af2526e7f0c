namespace CComet.Dialects.Native;

/// <summary>Bounds of one request that are fixed by the wire contract or follow from the settings.</summary>
internal static class WireLimits
{
    /// <summary>The most channels on one connection.</summary>
    public const int MaxChannels = 64;

    /// <summary>The most bytes of UTF-8 that the channels' names on one connection may have together.</summary>
    public const int MaxNamesBytes = 16 << 10;

    /// <summary>What a JSON string may grow by when every byte of it is escaped.</summary>
    private const int WorstEscape = 6;

    private const int FramingBytes = 16 << 10;

    /// <summary>Returns the largest body that is read, in bytes: what is configured, and never less than one message at its limit needs.</summary>
    public static int MaxBodyBytes(LimitOptions limits) =>
        (int)Math.Min(int.MaxValue, Math.Max(limits.BodyBytes, ((long)WorstEscape * limits.MessageBytes) + FramingBytes));
}
