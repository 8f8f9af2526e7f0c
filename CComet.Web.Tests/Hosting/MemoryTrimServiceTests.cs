using CComet.Kestrel;
using CComet.Web.Hosting;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Hosting;

public sealed class MemoryTrimServiceTests
{
    private const long MiB = 1 << 20;

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Service_compacts_once_when_a_burst_is_over_and_not_again()
    {
        var keeper = new MemoryTrimService(_time, new ConnectionBuffers());
        Assert.Equal(MemoryTrimService.Done.Nothing, keeper.Look(500 * MiB));
        Assert.Equal(MemoryTrimService.Done.Nothing, keeper.Look(900 * MiB));
        Assert.Equal(MemoryTrimService.Done.Compacted, keeper.Look(905 * MiB));
        _time.Advance(MemoryTrimService.MinInterval);
        Assert.Equal(MemoryTrimService.Done.Nothing, keeper.Look(907 * MiB));
    }

    [Fact]
    public void Service_rests_between_two_bursts()
    {
        var keeper = new MemoryTrimService(_time, new ConnectionBuffers());
        keeper.Look(500 * MiB);
        Assert.Equal(MemoryTrimService.Done.Compacted, keeper.Look(501 * MiB));
        keeper.Look(900 * MiB);
        Assert.Equal(MemoryTrimService.Done.Collected, keeper.Look(901 * MiB));
        _time.Advance(MemoryTrimService.MinInterval);
        Assert.Equal(MemoryTrimService.Done.Compacted, keeper.Look(940 * MiB));
    }

    [Fact]
    public void Process_that_has_allocated_little_is_left_alone()
    {
        var keeper = new MemoryTrimService(_time, new ConnectionBuffers());
        for (var i = 1; i <= 7; i++) Assert.Equal(MemoryTrimService.Done.Nothing, keeper.Look(i * MiB));
        Assert.Equal(MemoryTrimService.Done.Collected, keeper.Look(8 * MiB));
    }

    [Fact]
    public void Little_traffic_is_collected_in_the_background_and_never_compacted()
    {
        var keeper = new MemoryTrimService(_time, new ConnectionBuffers());
        var allocated = 0L;
        var done = new List<MemoryTrimService.Done>();
        for (var since = TimeSpan.Zero; since < TimeSpan.FromHours(1); since += MemoryTrimService.LookInterval)
        {
            _time.Advance(MemoryTrimService.LookInterval);
            done.Add(keeper.Look(allocated += 8 * MiB));
        }

        Assert.DoesNotContain(MemoryTrimService.Done.Compacted, done);
        Assert.Equal((int)(TimeSpan.FromHours(1) / MemoryTrimService.MinInterval), done.Count(d => d == MemoryTrimService.Done.Collected));
    }

    [Fact]
    public void What_the_compiler_used_is_given_back_once_it_rests_after_much_work()
    {
        var keeper = new MemoryTrimService(_time, new ConnectionBuffers());
        Assert.False(keeper.LookAtCompiler(500));
        Assert.False(keeper.LookAtCompiler(900));
        Assert.True(keeper.LookAtCompiler(900));
        Assert.False(keeper.LookAtCompiler(900));
        Assert.False(keeper.LookAtCompiler(900 + MemoryTrimService.CompiledThreshold - 1));
        Assert.False(keeper.LookAtCompiler(900 + MemoryTrimService.CompiledThreshold - 1));
        Assert.False(keeper.LookAtCompiler(900 + MemoryTrimService.CompiledThreshold));
        Assert.True(keeper.LookAtCompiler(900 + MemoryTrimService.CompiledThreshold));
    }
}
