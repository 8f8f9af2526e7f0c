namespace CComet.Limits;

/// <summary>
/// Bounds the messages that the hub holds beside the store, in total: half of <see cref="LimitOptions.MemoryBytes"/> for the tails
/// of channels, half for what is being read from the store and has not been answered yet.
/// </summary>
/// <remarks>
/// Over the bound no request is refused, because everything can be read again: tails shrink (<see cref="Trim"/>), and reads bring one
/// step of <see cref="ReadSizes.MaxStepBytes"/>, so that long answers come in more parts; how many steps there can be, connections
/// bound. The memory store's own messages are counted here too while a tail holds them: they stay in memory when
/// the store drops them first.
/// </remarks>
internal sealed class HubMemory : IThreadPoolWorkItem
{
    /// <summary>The setting, as the log and the metric name it.</summary>
    public const string Bound = "Limits:MemoryBytes";

    private readonly ByteBudget _tails;
    private readonly ByteBudget _reads;
    private readonly Func<bool> _evictIdlest;
    private readonly Action<long> _shrink;
    private readonly long _largestTail;
    private int _trimming;

    /// <param name="max">The bound, in bytes.</param>
    /// <param name="largestTail">What a tail may hold at most, in bytes.</param>
    /// <param name="evictIdlest">Closes the idlest channel; false when none is idle.</param>
    /// <param name="shrink">Has every tail drop its oldest messages until it is no larger.</param>
    public HubMemory(long max, long largestTail, Func<bool> evictIdlest, Action<long> shrink)
    {
        _tails = new ByteBudget(max / 2);
        _reads = new ByteBudget(max / 2);
        _largestTail = largestTail;
        _evictIdlest = evictIdlest;
        _shrink = shrink;
    }

    /// <summary>The bytes in tails.</summary>
    public long Tails => _tails.Used;

    /// <summary>The bytes being read and answered.</summary>
    public long Reads => _reads.Used;

    /// <summary>What tails may hold together, in bytes.</summary>
    public long MaxTails => _tails.Max;

    /// <summary>What reads and answers may hold together, in bytes.</summary>
    public long MaxReads => _reads.Max;

    /// <summary>Whether a read brings one step only.</summary>
    public bool AreReadsFull => _reads.Used >= _reads.Max;

    /// <summary>Whether no tail may grow by what is read.</summary>
    public bool IsFull => _tails.Used > _tails.Max;

    /// <summary>Whether trimming has fallen behind, and what is appended is not held either.</summary>
    public bool IsOverflowing => _tails.Used > _tails.Max + (_tails.Max / 4);

    /// <summary>Counts what a tail has grown or shrunk by. The caller may hold a store's lock and a channel's.</summary>
    public void Charge(long change)
    {
        if (_tails.Add(change) > _tails.Max && change > 0 && Interlocked.Exchange(ref _trimming, 1) == 0) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>Reserves a read of the store: what is wanted, or as much less as there is room for, and always one step.</summary>
    /// <returns>How much to read, to be given to <see cref="EndRead"/>.</returns>
    public long BeginRead(long wanted)
    {
        for (; wanted > ReadSizes.MaxStepBytes; wanted = Math.Max(ReadSizes.MaxStepBytes, wanted / 4))
        {
            if (_reads.TryAdd(wanted)) return wanted;
        }

        return wanted;
    }

    /// <summary>Ends a reservation.</summary>
    public void EndRead(long granted)
    {
        if (granted > ReadSizes.MaxStepBytes) _reads.Add(-granted);
    }

    /// <summary>Counts what was read until it has been answered and <see cref="Release"/> is called.</summary>
    public void Hold(long bytes) => _reads.Add(bytes);

    /// <summary>Counts more for an answer that cannot come in parts; false when the bound is met.</summary>
    public bool TryHold(ref long held, long bytes)
    {
        var more = Math.Max(0, bytes - ReadSizes.MaxStepBytes) - held;
        if (more > 0 && !_reads.TryAdd(more, held)) return false;
        held += Math.Max(0, more);
        return true;
    }

    /// <summary>Ends what was held.</summary>
    public void Release(long held)
    {
        if (held > 0) _reads.Add(-held);
    }

    /// <inheritdoc/>
    void IThreadPoolWorkItem.Execute()
    {
        Trim();
        Volatile.Write(ref _trimming, 0);

        // What grew meanwhile may have found this still running.
        if (IsFull && Interlocked.Exchange(ref _trimming, 1) == 0) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>
    /// Brings the tails down to seven eighths of the bound: closes idle channels, then halves what each tail may hold until it
    /// suffices. An eighth of the bound must be appended before it runs again, so that its passes cost an append nothing to speak of.
    /// </summary>
    private void Trim()
    {
        var target = _tails.Max - (_tails.Max / 8);
        while (_tails.Used > target && _evictIdlest())
        {
        }

        for (var most = _largestTail / 2; _tails.Used > target; most /= 2)
        {
            _shrink(most);
            if (most == 0) return;
        }
    }
}
