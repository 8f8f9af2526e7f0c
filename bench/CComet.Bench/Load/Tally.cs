using HdrHistogram;

namespace CComet.Bench.Load;

/// <summary>What one lane has received; its thread writes, and others read the counts.</summary>
internal sealed class Tally
{
    private const long MaxMicros = 60_000_000;

    private long _deliveries;
    private volatile bool _measures;

    /// <summary>How many messages came, ever.</summary>
    public long Deliveries => Volatile.Read(ref _deliveries);

    /// <summary>Messages lost, repeated or out of order.</summary>
    public long Wrong { get; set; }

    /// <summary>How late messages came, in microseconds, since measuring began.</summary>
    public LongHistogram Latencies { get; private set; } = NewHistogram();

    /// <summary>Begins to note how late messages come.</summary>
    public void Measure()
    {
        Latencies = NewHistogram();
        _measures = true;
    }

    public void Received(long due)
    {
        Volatile.Write(ref _deliveries, _deliveries + 1);
        if (_measures) Latencies.RecordValue(Math.Clamp(Mark.Now - due, 1, MaxMicros));
    }

    private static LongHistogram NewHistogram() => new(MaxMicros, 3);
}
