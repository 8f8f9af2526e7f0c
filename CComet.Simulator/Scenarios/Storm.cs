using System.Diagnostics;

namespace CComet.Simulator.Scenarios;

/// <summary>Cuts all subscribers off at once; they come back at once.</summary>
internal sealed class Storm : Scenario
{
    public override string Name => "storm";

    public override string Summary => "Drops all connections at once, and all reconnect at once with their cursors, while messages go on: the time until all have caught up.";

    public override async Task RunAsync(Run run)
    {
        await run.ParkAsync();
        await run.WarmUpAsync();
        await run.MeasureAsync("publishing", async () =>
        {
            var publishing = run.Publishers.AtRateAsync(run.Settings.Rate, run.Settings.Duration, run.NextChannel, run.Cancel);
            await Task.Delay(run.Settings.Duration / 3, run.Cancel);
            await StrikeAsync(run);
            await publishing;
        });
    }

    private static async Task StrikeAsync(Run run)
    {
        var struck = Stopwatch.GetTimestamp();
        foreach (var subscriber in run.Crowd.Subscribers) subscriber.Drop(0);

        // A subscriber has caught up when it has all that was published until the last one was back.
        var back = await run.Crowd.SettledAsync(run.Settings.Duration + run.Settings.Drain);
        if (back) run.Findings["reconnectedSeconds"] = Seconds(struck);
        var marks = run.Channels.ToDictionary(c => c, c => c.LastAcked.Seqid);
        var caughtUp = await Clients.Waiting.UntilAsync(() => run.Crowd.Subscribers.All(s => s.Checker.Next > marks[s.Book]), run.Settings.Duration + run.Settings.Drain);
        if (back && caughtUp) run.Findings["caughtUpSeconds"] = Seconds(struck);
    }

    private static double Seconds(long since) => Math.Round(Stopwatch.GetElapsedTime(since).TotalSeconds, 3);
}
