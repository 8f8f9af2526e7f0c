namespace CComet.Web.Tests.Support;

/// <summary>The system's clock, which a test sets forward, with all that is measured by it; timers wait as long as without it. Safe for use by several threads.</summary>
public sealed class SkippingTime : TimeProvider
{
    private long _skipped;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    private TimeSpan Skipped => new(Volatile.Read(ref _skipped));

    public override long GetTimestamp() => (TimeSpan.FromSeconds((double)System.GetTimestamp() / System.TimestampFrequency) + Skipped).Ticks;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Skipped;

    /// <summary>Sets it forward.</summary>
    public void Skip(TimeSpan by) => Interlocked.Add(ref _skipped, by.Ticks);
}
