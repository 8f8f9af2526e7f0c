using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Hosting;

public sealed class MemoryKeeperTests
{
    private const long MiB = 1 << 20;

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void After_a_burst_it_collects_once_it_is_quiet_and_not_again()
    {
        var keeper = new MemoryKeeper(_time);
        Assert.False(keeper.Look(10 * MiB));
        Assert.False(keeper.Look(500 * MiB));
        Assert.False(keeper.Look(900 * MiB));
        Assert.True(keeper.Look(905 * MiB));
        Assert.False(keeper.Look(907 * MiB));
    }

    [Fact]
    public void What_has_allocated_little_is_left_alone()
    {
        var keeper = new MemoryKeeper(_time);
        for (var i = 1; i <= 31; i++) Assert.False(keeper.Look(i * MiB));
        Assert.True(keeper.Look(32 * MiB));
    }

    [Fact]
    public void It_rests_between_two_collections()
    {
        var keeper = new MemoryKeeper(_time);
        Assert.True(keeper.Look(40 * MiB));
        Assert.False(keeper.Look(80 * MiB));
        _time.Advance(MemoryKeeper.Rest);
        Assert.True(keeper.Look(81 * MiB));
    }

    [Fact]
    public void Under_steady_traffic_it_collects_ever_more_seldom_and_after_a_burst_soon_again()
    {
        var keeper = new MemoryKeeper(_time);
        var allocated = 0L;
        var collections = 0;
        for (var period = 0; period < 3600 / 3; period++)
        {
            _time.Advance(MemoryKeeper.Period);
            if (keeper.Look(allocated += 8 * MiB)) collections++;
        }

        // After 12 s, then 30 s, 1, 2, 4, 8 and 16 minutes later, and so on.
        Assert.InRange(collections, 7, 9);
        Assert.False(keeper.Look(allocated += 900 * MiB));
        _time.Advance(MemoryKeeper.Rest);
        Assert.True(keeper.Look(allocated + MiB));
    }
}
