using System.Runtime;
using System.Runtime.InteropServices;
using CComet.Kestrel;

namespace CComet.Web.Hosting;

/// <summary>
/// Gives memory back after a burst. The collector keeps what ten thousand requests have left behind until it is needed again, which
/// for a server whose clients then wait is never: once allocation is quiet after a burst, one blocking, compacting gen-2 collection
/// leaves what is in use, and malloc_trim gives the rest back; all threads wait while it runs. What little traffic leaves behind, as
/// when parked polls are answered and asked again, is left to a background collection, which keeps the process from growing and
/// makes no request wait. Each kind of collection runs at most once per 30 s. What the just-in-time compiler has used for the methods that
/// have become hot is given back by the C library alone, once it has come to rest.
/// </summary>
internal sealed class MemoryTrimService(TimeProvider time, ConnectionBuffers buffers) : BackgroundService
{
    /// <summary>How often it looks.</summary>
    public static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(3);

    /// <summary>How long it rests between two collections of a kind.</summary>
    public static readonly TimeSpan MinInterval = TimeSpan.FromSeconds(30);

    /// <summary>So much must have been allocated since the last collection, in bytes.</summary>
    public const long CollectThreshold = 8 << 20;

    /// <summary>
    /// A server that allocates more between two looks is not quiet, in bytes: the polls of ten thousand subscribers, asked again every
    /// 28 s, make a fifth of it.
    /// </summary>
    public const long QuietThreshold = 48 << 20;

    /// <summary>So many methods must have been compiled since memory was last given back.</summary>
    public const int CompiledThreshold = 20;

    /// <summary>Has the C library give back what the runtime's own parts have freed; null where it is none that can.</summary>
    private static readonly MallocTrim? TrimNative =
        OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out var libc) && NativeLibrary.TryGetExport(libc, "malloc_trim", out var trim)
            ? Marshal.GetDelegateForFunctionPointer<MallocTrim>(trim)
            : null;

    private long _seen;
    private long _kept;
    private bool _burst;
    private long _compiled;
    private long _trimmedAtCompiled;
    private long? _collectedAt;
    private long? _compactedAt;

    /// <param name="pad">How much to keep at the top, in bytes.</param>
    private delegate int MallocTrim(nuint pad);

    /// <summary>What a look had done.</summary>
    public enum Done
    {
        /// <summary>Nothing was due.</summary>
        Nothing,

        /// <summary>A background collection.</summary>
        Collected,

        /// <summary>A blocking collection.</summary>
        Compacted,
    }

    /// <summary>Looks, and collects when it is due.</summary>
    /// <param name="allocated">All that the process has allocated so far, in bytes.</param>
    public Done Look(long allocated)
    {
        var isQuiet = allocated - _seen < QuietThreshold;
        _seen = allocated;
        if (!isQuiet) _burst = true;
        if (!isQuiet || allocated - _kept < CollectThreshold) return Done.Nothing;
        if (_burst && IsRested(_compactedAt))
        {
            buffers.Trim();
            GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            TrimNative?.Invoke(0);
            _burst = false;
            (_kept, _compactedAt) = (allocated, time.GetTimestamp());
            return Done.Compacted;
        }

        if (!IsRested(_collectedAt)) return Done.Nothing;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);
        (_kept, _collectedAt) = (allocated, time.GetTimestamp());
        return Done.Collected;
    }

    /// <summary>Looks whether the compiler has come to rest after it had much to do, and gives back what it has freed then.</summary>
    /// <param name="compiled">How many methods it has compiled so far.</param>
    /// <returns>Whether it did.</returns>
    public bool LookAtCompiler(long compiled)
    {
        var rests = compiled == _compiled;
        _compiled = compiled;
        if (!rests || compiled - _trimmedAtCompiled < CompiledThreshold) return false;
        TrimNative?.Invoke(0);
        _trimmedAtCompiled = compiled;
        return true;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(LookInterval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            Look(GC.GetTotalAllocatedBytes());
            LookAtCompiler(JitInfo.GetCompiledMethodCount());
        }
    }

    private bool IsRested(long? since) => since is not { } at || time.GetElapsedTime(at) >= MinInterval;
}
