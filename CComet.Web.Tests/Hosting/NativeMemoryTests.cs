using System.Runtime.InteropServices;
using CComet.Kestrel;
using CComet.Simulator.Figures;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hosting;

/// <summary>The C library keeps what was freed in the middle of its heap until it is asked for it, which after a burst is never.</summary>
[Collection(Alone.Name)]
public sealed class NativeMemoryTests
{
    private const long MiB = 1 << 20;
    private const int BlockBytes = 4096;
    private const int Blocks = (int)(64 * MiB / BlockBytes);

    /// <summary>One block of so many stays, so that what is free never is the end of the heap, which would be given back anyway.</summary>
    private const int Kept = 256;

    [Fact]
    public void Native_heap_freed_after_a_burst_is_given_back()
    {
        // What other tests have left is free, and would be taken for the blocks.
        Burst.IsOver(new ConnectionBuffers());
        var before = Resident();
        var blocks = new nint[Blocks];
        for (var i = 0; i < blocks.Length; i++)
        {
            blocks[i] = Marshal.AllocHGlobal(BlockBytes);
            Marshal.WriteByte(blocks[i], 1);
        }

        for (var i = 0; i < blocks.Length; i++)
        {
            if (i % Kept != 0) Marshal.FreeHGlobal(blocks[i]);
        }

        try
        {
            Assert.InRange(Resident() - before, 48 * MiB, long.MaxValue);
            Burst.IsOver(new ConnectionBuffers());
            Assert.InRange(Resident() - before, long.MinValue, 16 * MiB);
        }
        finally
        {
            for (var i = 0; i < blocks.Length; i += Kept) Marshal.FreeHGlobal(blocks[i]);
        }
    }

    private static long Resident() => ProcessReading.Read(Environment.ProcessId)!.AnonymousBytes;
}
