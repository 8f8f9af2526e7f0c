using CComet.Simulator.Clients;

namespace CComet.Web.Tests.Simulator;

/// <summary>What is slow is not called lost: only a run that stands still ends the wait for what is missing.</summary>
public sealed class WaitingTests
{
    [Fact]
    public async Task Wait_goes_on_as_long_as_there_is_progress()
    {
        // Each look finds another step done, and no time at all may pass without one.
        var steps = 0L;
        Assert.True(await Waiting.WhileProgressAsync(() => steps >= 1000, () => ++steps, TimeSpan.Zero));
    }

    [Fact]
    public async Task Wait_ends_when_nothing_moves() =>
        Assert.False(await Waiting.WhileProgressAsync(() => false, () => 7, TimeSpan.Zero));

    [Fact]
    public async Task Wait_is_over_at_once_when_there_is_nothing_to_wait_for() =>
        Assert.True(await Waiting.WhileProgressAsync(() => true, () => 7, TimeSpan.Zero));
}
