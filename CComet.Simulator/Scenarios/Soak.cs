using System.Diagnostics;

namespace CComet.Simulator.Scenarios;

/// <summary>Connections break at random, all the time.</summary>
internal sealed class Soak : Scenario
{
    /// <summary>For at most so many milliseconds a subscriber stays away.</summary>
    private const int MaxOffline = 1000;

    public override string Name => "soak";

    public override string Summary => "Cuts connections at random while messages go on, and lets them come back with their cursors.";

    public override async Task RunAsync(Run run)
    {
        await run.ParkAsync();
        await run.WarmUpAsync();
        await run.MeasureAsync("soaking", async () =>
        {
            var publishing = run.Publishers.AtRateAsync(run.Settings.Rate, run.Settings.Duration, run.NextChannel, run.Cancel);
            await DropAsync(run);
            await publishing;
        });
    }

    /// <summary>Cuts on a schedule that is fixed beforehand, as the messages' is: how many cuts there are does not depend on how busy the machine is.</summary>
    private static async Task DropAsync(Run run)
    {
        var began = Stopwatch.GetTimestamp();
        var count = (long)(run.Settings.Drops * run.Settings.Duration.TotalSeconds);
        for (var i = 0L; i < count; i++)
        {
            var wait = TimeSpan.FromSeconds(i / run.Settings.Drops) - Stopwatch.GetElapsedTime(began);
            if (wait > TimeSpan.Zero) await Task.Delay(wait, run.Cancel);
            run.Crowd.Subscribers[run.Random.Next(run.Crowd.Subscribers.Count)].Drop(run.Random.Next(MaxOffline));
        }
    }
}
