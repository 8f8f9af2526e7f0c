namespace CComet.Limits;

/// <summary>Bounds how much may come within a window of time: a token bucket that holds the whole window's worth and refills evenly.</summary>
/// <remarks>
/// <para>
/// A bucket is one number, the moment at which everything taken of it has come back (the generic cell rate algorithm); this class holds
/// none, so that a share has eight bytes for each rate. An amount that is larger than the bucket is taken when the bucket is full, and
/// what follows waits until all of it has come back: a batch that is larger than a second's worth can be published, at the same average.
/// </para>
/// <para>
/// Not the limiters of <c>System.Threading.RateLimiting</c>: they cannot take back what a publish took before another quota refused
/// it, they throw for more than fits, and they read Stopwatch, which no test can turn.
/// </para>
/// </remarks>
internal sealed class Rate
{
    /// <summary>The longest time that anything takes to come back, in ticks: no sum overflows.</summary>
    private const long MaxTicks = 1L << 60;

    private readonly long _window;
    private readonly double _ticksOfOne;

    /// <summary>Makes a bound.</summary>
    /// <param name="limit">How much may come at once, and within each window.</param>
    /// <param name="window">The window.</param>
    /// <param name="time">The clock by whose timestamps it is counted.</param>
    public Rate(long limit, TimeSpan window, TimeProvider time)
    {
        var ticks = Math.Min(MaxTicks, window.TotalSeconds * time.TimestampFrequency);
        _window = (long)ticks;
        _ticksOfOne = ticks / limit;
    }

    /// <summary>Returns how long it takes until an amount may be taken of a bucket, in ticks of the clock; 0 for now.</summary>
    public long WaitFor(long amount, long fullAt, long now)
    {
        var missing = fullAt - now;
        if (amount == 0 || missing <= 0) return 0;
        return Math.Clamp(missing + TicksOf(amount) - _window, 0, missing);
    }

    /// <summary>Takes an amount, whether it may be taken or not.</summary>
    public void Take(ref long fullAt, long amount, long now) =>
        fullAt = Math.Min(now + MaxTicks, Math.Max(fullAt, now) + TicksOf(amount));

    /// <summary>Gives an amount back that was taken.</summary>
    public void GiveBack(ref long fullAt, long amount) => fullAt -= TicksOf(amount);

    /// <summary>Rounded down, so that the whole limit fits into its window.</summary>
    private long TicksOf(long amount) => (long)Math.Min(MaxTicks, amount * _ticksOfOne);
}
