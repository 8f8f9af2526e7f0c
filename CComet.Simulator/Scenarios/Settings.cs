using CComet.Simulator.Clients;

namespace CComet.Simulator.Scenarios;

/// <summary>What a run was asked for; what a scenario does not use keeps its default.</summary>
internal sealed record Settings
{
    public required string Url { get; init; }

    public TransportKind Transport { get; init; } = TransportKind.Sse;

    /// <summary>How many follow, over all channels.</summary>
    public int Subscribers { get; init; }

    /// <summary>Messages a second, in all.</summary>
    public double Rate { get; init; }

    /// <summary>How long the measured part is.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The bytes of a message's text, its stamp of 21 included.</summary>
    public int Size { get; init; } = 64;

    /// <summary>Connections that publish.</summary>
    public int Publishers { get; init; } = 16;

    /// <summary>Channels over which subscribers and messages are spread; in chat, the rooms.</summary>
    public int Channels { get; init; } = 1;

    /// <summary>Connections cut in a second.</summary>
    public double Drops { get; init; }

    public int Seed { get; init; }

    /// <summary>How long nothing may come at the end before what is missing is called lost.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(10);

    public int? ServerPid { get; init; }

    public bool Json { get; init; }

    public string? Report { get; init; }

    public bool OwnsHost { get; init; }

    /// <summary>As typed, for the report.</summary>
    public string CommandLine { get; init; } = "";
}
