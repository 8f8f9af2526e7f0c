using System.Runtime.InteropServices;
using System.Text.Json.Serialization;

namespace CComet.Simulator.Figures;

/// <summary>On what a run ran.</summary>
internal sealed record Machine(string Name, string System, string Architecture, int Processors, string Runtime)
{
    public static Machine This { get; } = new(
        Environment.MachineName,
        RuntimeInformation.OSDescription,
        RuntimeInformation.OSArchitecture.ToString(),
        Environment.ProcessorCount,
        RuntimeInformation.FrameworkDescription);
}

/// <summary>What the checkers found. All but the last three are breaches of the promise.</summary>
internal sealed record PromiseFigures(long Lost, long Repeated, long OutOfOrder, long InconsistentCursors, long Gaps, long GapMessages, long Resets)
{
    public bool IsKept => Lost == 0 && Repeated == 0 && OutOfOrder == 0 && InconsistentCursors == 0;
}

/// <summary>What happened to connections, and what was refused.</summary>
internal sealed record ConnectionFigures(long Connects, long Drops, long Byes, IReadOnlyDictionary<string, long> Errors);

/// <summary>The server during the part of a run that is measured.</summary>
internal sealed record ServerFigures(int Pid, long RssBytesBefore, long RssBytesAfter, long AnonymousBytesBefore, long AnonymousBytesAfter, double CpuSeconds)
{
    /// <summary>Null when nothing was delivered.</summary>
    public double? CpuMicrosPerDelivery { get; init; }

    /// <summary>Null when nothing was published.</summary>
    public double? CpuMicrosPerPublish { get; init; }

}

/// <summary>This tool during the part of a run that is measured, to see whether it is what holds things up.</summary>
internal sealed record SimulatorFigures(double CpuSeconds, double CoresUsed, long RssBytes, long AllocatedBytes, int Collections);

/// <summary>Everything that a run found.</summary>
internal sealed record RunResult
{
    public required string Scenario { get; init; }

    public required string Transport { get; init; }

    public required string Url { get; init; }

    public required string CommandLine { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public required int Seed { get; init; }

    public required Machine Machine { get; init; }

    public required int Subscribers { get; init; }

    public required int Channels { get; init; }

    /// <summary>How long the measured part was.</summary>
    public required double Seconds { get; init; }

    /// <summary>Publishes that were acknowledged in it.</summary>
    public required long Published { get; init; }

    public required double PublishedPerSecond { get; init; }

    /// <summary>Publishes that were not acknowledged, over the whole run.</summary>
    public required long PublishErrors { get; init; }

    public required long Deliveries { get; init; }

    public required double DeliveriesPerSecond { get; init; }

    /// <summary>How many subscribers a second the server took at the beginning; null without subscribers.</summary>
    public double? ParkedPerSecond { get; init; }

    /// <summary>What only this scenario tells, such as <c>caughtUpSeconds</c>.</summary>
    public required IReadOnlyDictionary<string, double> Findings { get; init; }

    public LatencyFigures? DeliveryMicros { get; init; }

    public LatencyFigures? PublishMicros { get; init; }

    public required PromiseFigures Promise { get; init; }

    public required ConnectionFigures Connections { get; init; }

    public ServerFigures? Server { get; init; }

    public required SimulatorFigures Simulator { get; init; }

    public required IReadOnlyList<Sample> Timeline { get; init; }

    public required int ExitCode { get; init; }

    /// <summary>Whether so much was sent that a number a second says something; <c>idle</c> sends one message.</summary>
    [JsonIgnore]
    public bool HasRates => Scenario != "idle";
}
