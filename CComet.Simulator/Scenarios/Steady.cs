using CComet.Simulator.Checks;

namespace CComet.Simulator.Scenarios;

/// <summary>Subscribers that stay, and messages at a rate.</summary>
/// <param name="name">Of the command.</param>
/// <param name="summary">One line of help.</param>
/// <param name="channel">Gives the channel of the next message.</param>
internal sealed class Steady(string name, string summary, Func<Run, ChannelBook> channel) : Scenario
{
    public static Scenario Fanout { get; } = new Steady(
        "fanout",
        "One channel, many subscribers, messages at a rate: deliveries a second and their latency.",
        run => run.NextChannel());

    public static Scenario Pairs { get; } = new Steady(
        "pairs",
        "As many channels as subscribers, one on each, a total rate spread over them: the latency of a message to one.",
        run => run.NextChannel());

    public static Scenario Chat { get; } = new Steady(
        "chat",
        "Rooms of people: now one and then another says something, and all in the room hear it.",
        run => run.RandomChannel());

    public override string Name => name;

    public override string Summary => summary;

    public override async Task RunAsync(Run run)
    {
        await run.ParkAsync();
        await run.WarmUpAsync();
        await run.MeasureAsync("publishing", () => run.Publishers.AtRateAsync(run.Settings.Rate, run.Settings.Duration, () => channel(run), run.Cancel));
    }
}
