namespace CComet.Simulator.Figures;

/// <summary>What this tool has used up to a moment.</summary>
internal sealed record OwnReading(double CpuSeconds, long AllocatedBytes, int Collections)
{
    public static OwnReading Now() => new(Environment.CpuUsage.TotalTime.TotalSeconds, GC.GetTotalAllocatedBytes(), GC.CollectionCount(0));
}
