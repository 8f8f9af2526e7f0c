using System.Runtime;

namespace CComet.Web;

/// <summary>
/// Gives memory back after a burst. The collector keeps what ten thousand requests have left behind until it is needed again,
/// which for a server whose clients then wait is never. Once it is quiet, one compacting collection leaves what is in use. Everybody
/// waits while it runs, so that under a little traffic, which leaves something behind again and again, it comes ever more seldom.
/// </summary>
internal sealed class MemoryKeeper(TimeProvider time) : BackgroundService
{
    /// <summary>How often it looks.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(3);

    /// <summary>How long it rests after the first collection; each next rest is twice as long, until there is another burst.</summary>
    public static readonly TimeSpan Rest = TimeSpan.FromSeconds(30);

    /// <summary>The longest rest.</summary>
    public static readonly TimeSpan LongestRest = TimeSpan.FromMinutes(16);

    /// <summary>So much must have been allocated since the last collection, in bytes.</summary>
    public const long WorthIt = 32 << 20;

    /// <summary>Whoever allocates more between two looks is not quiet, in bytes: the polls of ten thousand, asked anew every 28 s, make a quarter of it.</summary>
    public const long Quiet = 48 << 20;

    private long _seen;
    private long _kept;
    private long? _keptAt;
    private TimeSpan _rest = Rest;

    /// <summary>Looks; true when it has collected.</summary>
    /// <param name="allocated">All that the process has allocated so far, in bytes.</param>
    public bool Look(long allocated)
    {
        var isQuiet = allocated - _seen < Quiet;
        _seen = allocated;
        if (!isQuiet) _rest = Rest;
        if (!isQuiet || allocated - _kept < WorthIt || (_keptAt is { } at && time.GetElapsedTime(at) < _rest)) return false;
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        if (_keptAt is not null) _rest = _rest * 2 < LongestRest ? _rest * 2 : LongestRest;
        (_kept, _keptAt) = (allocated, time.GetTimestamp());
        return true;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken)) Look(GC.GetTotalAllocatedBytes());
    }
}
