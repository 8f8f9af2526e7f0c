namespace CComet.Limits;

/// <summary>Counts bytes that are held at one moment, over all clients, against one bound.</summary>
internal sealed class ByteBudget(long max)
{
    private long _used;

    /// <summary>The bound, in bytes.</summary>
    public long Max => max;

    /// <summary>The bytes held at this moment.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>
    /// Adds bytes; false, and nothing is added, when the sum would be over the bound. What nobody else shares the budget with
    /// is always taken, so that one request that is larger than the bound can still be served.
    /// </summary>
    /// <param name="bytes">How many more.</param>
    /// <param name="held">How many of those counted the caller holds already.</param>
    public bool TryAdd(long bytes, long held = 0)
    {
        var used = Interlocked.Add(ref _used, bytes);
        if (used <= max || used - bytes <= held) return true;
        Interlocked.Add(ref _used, -bytes);
        return false;
    }

    /// <summary>Adds or, when negative, subtracts bytes, whatever the bound; gives the sum.</summary>
    public long Add(long bytes) => Interlocked.Add(ref _used, bytes);

    /// <summary>The part of the memory that the process may use, of which a container's limit is the measure; or what is configured instead.</summary>
    /// <param name="configured">The setting, in bytes; 0 for the part.</param>
    /// <param name="divisor">An eighth is 8.</param>
    public static long Resolve(long configured, int divisor) => configured > 0 ? configured : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / divisor;
}
