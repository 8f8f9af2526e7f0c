namespace CComet.Diagnostics;

/// <summary>A count since the start that many threads add to: each processor has a cache line of its own, so that they do not take one from each other.</summary>
internal sealed class TotalCount
{
    /// <summary>How many numbers a cache line of 64 bytes holds.</summary>
    private const int Line = 8;

    private readonly long[] _counts = new long[(Environment.ProcessorCount + 1) * Line];

    /// <summary>The count at this moment.</summary>
    public long Value
    {
        get
        {
            var total = 0L;
            for (var i = Line; i < _counts.Length; i += Line) total += Volatile.Read(ref _counts[i]);
            return total;
        }
    }

    /// <summary>Adds to it.</summary>
    public void Add(long count) => Interlocked.Add(ref _counts[((Thread.GetCurrentProcessorId() % Environment.ProcessorCount) + 1) * Line], count);
}
