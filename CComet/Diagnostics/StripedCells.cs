using System.Numerics;

namespace CComet.Diagnostics;

/// <summary>Counts to which many threads add at once: each processor adds to cells on cache lines of its own.</summary>
/// <remarks>One shared cell would move between the processors with each delivery of a fan-out, which costs some 50 ns.</remarks>
/// <param name="count">How many counts there are.</param>
internal sealed class StripedCells(int count)
{
    /// <summary>Two cache lines, as processors fetch them in pairs.</summary>
    private const int CellsPerLine = 16;

    private const int MaxStripes = 64;

    private static readonly int Stripes = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Min(Environment.ProcessorCount, MaxStripes));

    private readonly int _stride = (count + CellsPerLine - 1) / CellsPerLine * CellsPerLine;
    private readonly long[] _cells = new long[((count + CellsPerLine - 1) / CellsPerLine * CellsPerLine * Stripes) + CellsPerLine];

    /// <summary>Adds to a count.</summary>
    public void Add(int cell, long value) => Interlocked.Add(ref _cells[Stripe() + cell], value);

    /// <summary>Adds to two counts.</summary>
    public void Add(int cell, long value, int otherCell, long otherValue)
    {
        var stripe = Stripe();
        Interlocked.Add(ref _cells[stripe + cell], value);
        Interlocked.Add(ref _cells[stripe + otherCell], otherValue);
    }

    /// <summary>Reads a count.</summary>
    public long Read(int cell)
    {
        long sum = 0;
        for (var stripe = 0; stripe < Stripes; stripe++) sum += Volatile.Read(ref _cells[(stripe * _stride) + cell]);
        return sum;
    }

    private int Stripe() => (Thread.GetCurrentProcessorId() & (Stripes - 1)) * _stride;
}
