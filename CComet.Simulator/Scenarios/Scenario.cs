namespace CComet.Simulator.Scenarios;

/// <summary>One thing to try on a server.</summary>
internal abstract class Scenario
{
    public abstract string Name { get; }

    /// <summary>One line of help.</summary>
    public abstract string Summary { get; }

    /// <summary>Runs it; what is measured is inside of <see cref="Run.MeasureAsync"/>.</summary>
    public abstract Task RunAsync(Run run);
}
