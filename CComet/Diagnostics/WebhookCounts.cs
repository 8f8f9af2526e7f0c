using System.Diagnostics.Metrics;

namespace CComet.Diagnostics;

/// <summary>What is counted of one webhook. The names of webhooks are those of the settings, so that there are few.</summary>
internal sealed class WebhookCounts(string name)
{
    private readonly KeyValuePair<string, object?> _tag = new("hook", name);
    private long _posted;
    private long _failed;

    /// <summary>Returns how old the oldest event is that its address has not taken, in seconds; 0 when there is none, or another node posts.</summary>
    public Func<double> Lag { get; set; } = static () => 0;

    /// <summary>Events were taken.</summary>
    public void Posted(int events) => Interlocked.Add(ref _posted, events);

    /// <summary>A try failed.</summary>
    public void Failed() => Interlocked.Increment(ref _failed);

    /// <summary>Reads how many events were taken.</summary>
    public Measurement<long> ReadPosted() => new(Volatile.Read(ref _posted), _tag);

    /// <summary>Reads how many tries failed.</summary>
    public Measurement<long> ReadFailed() => new(Volatile.Read(ref _failed), _tag);

    /// <summary>Reads the lag.</summary>
    public Measurement<double> ReadLag() => new(Lag(), _tag);
}
