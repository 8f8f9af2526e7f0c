namespace CComet.Simulator.Scenarios;

/// <summary>Publishes without subscribers.</summary>
internal sealed class PublishOnly : Scenario
{
    public override string Name => "publish";

    public override string Summary => "Connections that publish the next message as soon as they have the receipt of the last, and no subscriber: publishes a second.";

    public override async Task RunAsync(Run run)
    {
        await run.WarmUpAsync();

        // A connection that is still being made when the time begins would publish for a part of it only, or not at all.
        await run.Publishers.ConnectedAsync(run.Settings.Drain);
        await run.MeasureAsync("publishing", () => run.Publishers.ClosedLoopAsync(run.Settings.Duration, run.NextChannel, run.Cancel));
    }
}
