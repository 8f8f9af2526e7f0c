namespace CComet.Web.Tests.Support;

/// <summary>The heap of this process.</summary>
public static class Heap
{
    private const long Step = 64 << 10;

    /// <summary>Returns what is on the heap, in bytes, once it no longer shrinks: what earlier tests have left behind is given up over several collections.</summary>
    public static long SettledBytes()
    {
        var bytes = GC.GetTotalMemory(forceFullCollection: true);
        for (var steady = 0; steady < 3;)
        {
            GC.WaitForPendingFinalizers();
            var next = GC.GetTotalMemory(forceFullCollection: true);
            steady = next < bytes - Step ? 0 : steady + 1;
            bytes = next;
        }

        return bytes;
    }
}
