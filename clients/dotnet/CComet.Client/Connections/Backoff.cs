namespace CComet.Client.Connections;

/// <summary>The pauses between attempts: exponential with full jitter, or what the server asked for.</summary>
internal sealed class Backoff(Timings timings)
{
    /// <summary>2^16 times any lower bound is above every upper bound.</summary>
    private const int MaxExponent = 16;

    private int _failures;

    /// <summary>Returns the next pause, and counts a failure.</summary>
    /// <param name="retryAfter">What the server asked for, or null; a share of the shortest pause is added, as it asks all its clients the same.</param>
    public TimeSpan Next(TimeSpan? retryAfter)
    {
        var bound = Math.Min(timings.RetryMax.TotalMilliseconds, timings.RetryMin.TotalMilliseconds * Math.Pow(2, Math.Min(_failures, MaxExponent)));
        _failures++;
        return retryAfter is { } told
            ? told + TimeSpan.FromMilliseconds(timings.Random() * timings.RetryMin.TotalMilliseconds)
            : TimeSpan.FromMilliseconds(timings.Random() * bound);
    }

    public void Reset() => _failures = 0;
}
