using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Simulator;

/// <summary>The server goes away and comes back in the middle of a run.</summary>
public sealed class RestartTests
{
    [Fact]
    public async Task Restart_is_told_as_resets_and_breaks_nothing()
    {
        const int pairs = 10;
        var first = await LiveServer.StartAsync();
        var running = Simulation.RunAsync($"pairs --url {first.Url} --pairs {pairs} --rate 20 --duration 30s --drain 60s --json");
        await Eventually.TrueAsync(() => first.Hub.SubscriberCount == pairs, "All subscribers");
        await first.StopAsync();
        await using var second = await LiveServer.StartAsync(first.Port);
        var run = await running;

        Assert.True(run.ExitCode == 0, run.Errors);
        Assert.Equal(pairs, run.Count("promise", "resets"));
        Assert.Equal(0, run.Count("promise", "lost"));
        Assert.True(run.Count("connections", "connects") >= 2 * pairs);
        Assert.True(run.Json.GetProperty("published").GetInt64() > 0);
    }
}
