namespace CComet.Storage;

/// <summary>Measures durations within the process: it neither jumps nor goes back, whatever is done to the wall clock.</summary>
internal sealed class Uptime(TimeProvider time)
{
    private readonly long _start = time.GetTimestamp();

    /// <summary>Milliseconds since this was made.</summary>
    public long Now => (long)time.GetElapsedTime(_start).TotalMilliseconds;
}
