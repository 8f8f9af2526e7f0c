namespace CComet.Web.Tests.Support;

/// <summary>Two clocks: one that only goes on, and a wall clock that can be set. Safe for use by several threads.</summary>
public sealed class JumpingTime : TimeProvider
{
    private long _ticks;
    private long _wall = DateTimeOffset.UnixEpoch.AddYears(50).UtcTicks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Volatile.Read(ref _ticks);

    public override DateTimeOffset GetUtcNow() => new(Volatile.Read(ref _wall), TimeSpan.Zero);

    /// <summary>Time passes on both.</summary>
    public void Advance(TimeSpan by)
    {
        Interlocked.Add(ref _ticks, by.Ticks);
        Interlocked.Add(ref _wall, by.Ticks);
    }

    /// <summary>Somebody sets the wall clock.</summary>
    public void Jump(TimeSpan by) => Interlocked.Add(ref _wall, by.Ticks);
}
