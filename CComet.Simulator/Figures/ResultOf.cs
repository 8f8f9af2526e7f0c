using CComet.Simulator.Scenarios;

namespace CComet.Simulator.Figures;

/// <summary>Puts together what a run found.</summary>
internal static class ResultOf
{
    public static RunResult Run(string scenario, Run run, DateTimeOffset startedAt)
    {
        var (settings, meter, tally) = (run.Settings, run.Shared.Meter, run.Shared.Promise);
        var seconds = run.MeasuredTime.TotalSeconds;
        var promise = new PromiseFigures(tally.Lost, tally.Repeated, tally.OutOfOrder, tally.Inconsistent, tally.Gaps, tally.GapMessages, tally.Resets);
        var (published, deliveries) = (meter.Acks, meter.Deliveries);
        var isBroken = !promise.IsKept || published == 0;
        return new RunResult
        {
            Scenario = scenario,
            Transport = settings.Transport.ToString().ToLowerInvariant(),
            Url = settings.Url,
            CommandLine = settings.CommandLine,
            StartedAt = startedAt,
            Seed = settings.Seed,
            Machine = Machine.This,
            Subscribers = settings.Subscribers,
            Channels = settings.Channels,
            Seconds = Math.Round(seconds, 3),
            Published = published,
            PublishedPerSecond = PerSecond(published, seconds),
            PublishErrors = meter.RefusedTotal,
            Deliveries = deliveries,
            DeliveriesPerSecond = PerSecond(deliveries, seconds),
            ParkedPerSecond = run.ParkTime is { TotalSeconds: > 0 } park ? PerSecond(settings.Subscribers, park.TotalSeconds) : null,
            Findings = run.Findings,
            DeliveryMicros = LatencyFigures.Create(meter.DeliveryTimes()),
            PublishMicros = LatencyFigures.Create(meter.PublishTimes()),
            Promise = promise,
            Connections = new ConnectionFigures(run.Shared.Lines.Connects, run.Shared.Lines.Drops, run.Shared.Lines.Byes, run.Shared.Lines.Errors),
            Server = ServerOf(run, published, deliveries),
            Simulator = OwnOf(run, seconds),
            Timeline = run.Sampler.Samples,
            ExitCode = isBroken ? 1 : 0,
        };
    }

    private static ServerFigures? ServerOf(Run run, long published, long deliveries)
    {
        if (run.Settings.ServerPid is not { } pid || run.Before.Server is not { } before || run.After.Server is not { } after) return null;
        var cpu = Math.Round(after.CpuSeconds - before.CpuSeconds, 2);
        return new ServerFigures(pid, before.RssBytes, after.RssBytes, before.AnonymousBytes, after.AnonymousBytes, cpu)
        {
            CpuMicrosPerDelivery = deliveries > 0 ? Math.Round(cpu * 1e6 / deliveries, 2) : null,
            CpuMicrosPerPublish = published > 0 ? Math.Round(cpu * 1e6 / published, 2) : null,
        };
    }

    private static SimulatorFigures OwnOf(Run run, double seconds)
    {
        var (before, after) = (run.Before.Own, run.After.Own);
        var cpu = after.CpuSeconds - before.CpuSeconds;
        return new SimulatorFigures(
            Math.Round(cpu, 2),
            Math.Round(seconds > 0 ? cpu / seconds : 0, 2),
            Environment.WorkingSet,
            after.AllocatedBytes - before.AllocatedBytes,
            after.Collections - before.Collections);
    }

    private static double PerSecond(long count, double seconds) => seconds > 0 ? Math.Round(count / seconds, 1) : 0;
}
