namespace CComet.Cli.Diagnosis;

/// <summary>What was found about one transport.</summary>
/// <param name="transport">Its name.</param>
internal sealed class Probe(string transport)
{
    public string Transport => transport;

    /// <summary>Gets or sets whether messages get through as they are published, and nothing cuts it.</summary>
    public bool Works { get; set; }

    public TimeSpan? FirstByte { get; set; }

    /// <summary>Gets or sets the time from the publish to the message.</summary>
    public TimeSpan? Delivery { get; set; }

    /// <summary>Gets or sets the time of silence after which the first sign of life came.</summary>
    public TimeSpan? Heartbeat { get; set; }

    public List<string> Findings { get; } = [];
}

/// <summary>What was found.</summary>
/// <param name="Best">The transport to use; null when none works.</param>
/// <param name="Findings">What is not about one transport.</param>
/// <param name="Probes">The transports.</param>
internal sealed record Report(string? Best, IReadOnlyList<string> Findings, IReadOnlyList<Probe> Probes);
