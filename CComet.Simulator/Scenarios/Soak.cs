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
            await DropAsync(run, publishing);
            await publishing;
        });
    }

    private static async Task DropAsync(Run run, Task publishing)
    {
        var due = 0.0;
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!publishing.IsCompleted)
        {
            await timer.WaitForNextTickAsync(run.Cancel);
            for (due += run.Settings.Drops / 100; due >= 1; due--)
                run.Crowd.Subscribers[run.Random.Next(run.Crowd.Subscribers.Count)].Drop(run.Random.Next(MaxOffline));
        }
    }
}
