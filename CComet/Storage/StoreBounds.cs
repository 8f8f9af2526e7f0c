namespace CComet.Storage;

/// <summary>The bounds of a whole store that are fixed, or follow from the machine.</summary>
internal static class StoreBounds
{
    /// <summary>How long an idempotency id is remembered.</summary>
    public static readonly TimeSpan IdLifetime = TimeSpan.FromMinutes(5);

    /// <summary>About what an id takes in the memory store, in bytes.</summary>
    private const long IdBytes = 100;

    /// <summary>The memory that the process may use: the container's limit or the machine's memory, less what the collector leaves to others.</summary>
    private static long Memory => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>How many bytes all logs may take in memory.</summary>
    public static long MemoryBytes(HistoryOptions history) => history.TotalBytes > 0 ? history.TotalBytes : Memory / 4;

    /// <summary>How many ids the memory store remembers.</summary>
    public static long MemoryIds(LimitOptions limits) => Math.Min(limits.Ids, Memory / 16 / IdBytes);

    /// <summary>How many bytes all logs may take in a file of which so many are there already.</summary>
    public static long FileBytes(HistoryOptions history, string path, long present)
    {
        if (history.TotalBytes > 0) return history.TotalBytes;
        try
        {
            return present + (new DriveInfo(Path.GetDirectoryName(path)!).AvailableFreeSpace / 2);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return long.MaxValue;
        }
    }
}
