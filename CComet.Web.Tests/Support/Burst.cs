using CComet.Kestrel;
using CComet.Web.Hosting;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Support;

/// <summary>What the server does once it is quiet after a burst.</summary>
internal static class Burst
{
    private const long MiB = 1 << 20;

    /// <summary>Has a keeper see much allocated, and then little: it compacts.</summary>
    public static void IsOver(ConnectionBuffers buffers)
    {
        var keeper = new MemoryTrimService(new FakeTimeProvider(), buffers);
        Assert.Equal(MemoryTrimService.Done.Nothing, keeper.Look(500 * MiB));
        Assert.Equal(MemoryTrimService.Done.Compacted, keeper.Look(501 * MiB));
    }
}
