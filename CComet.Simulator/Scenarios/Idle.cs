using System.Diagnostics;

namespace CComet.Simulator.Scenarios;

/// <summary>Subscribes and publishes nothing.</summary>
internal sealed class Idle : Scenario
{
    private static readonly TimeSpan SettleAtMost = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(500);

    public override string Name => "idle";

    public override string Summary => "Parks subscribers and keeps them: what one costs the server's memory, and whether those of one channel still get a last message.";

    public override async Task RunAsync(Run run)
    {
        var before = run.ReadServer();
        await run.ParkAsync();
        await run.MeasureAsync("keeping", async () =>
        {
            if (before is not null)
            {
                var (rss, anonymous, seconds) = await SettledAsync(run);
                run.Findings["rssSettledSeconds"] = Math.Round(seconds, 1);
                run.Findings["rssBytesPerSubscriber"] = Math.Round((rss - before.RssBytes) / (double)run.Settings.Subscribers);
                run.Findings["anonymousBytesPerSubscriber"] = Math.Round((anonymous - before.AnonymousBytes) / (double)run.Settings.Subscribers);
            }

            await Task.Delay(run.Settings.Duration, run.Cancel);
            await run.Publishers.AtRateAsync(1, TimeSpan.FromSeconds(1), run.NextChannel, run.Cancel);
        });
    }

    /// <summary>Waits until the server's memory has moved by less than a half percent for three seconds, or half a minute is over.</summary>
    private static async Task<(long Rss, long Anonymous, double Seconds)> SettledAsync(Run run)
    {
        const int calm = 6;
        var began = Stopwatch.GetTimestamp();
        var looks = new Queue<long>();
        while (true)
        {
            var now = run.ReadServer();
            var elapsed = Stopwatch.GetElapsedTime(began);
            looks.Enqueue(now?.RssBytes ?? 0);
            if (looks.Count > calm) looks.Dequeue();
            var isCalm = looks.Count == calm && looks.Max() - looks.Min() < looks.Max() / 200;
            if (isCalm || elapsed > SettleAtMost) return (now?.RssBytes ?? 0, now?.AnonymousBytes ?? 0, elapsed.TotalSeconds);
            await Task.Delay(LookInterval, run.Cancel);
        }
    }
}
