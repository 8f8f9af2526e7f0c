namespace CComet.Simulator.Wire;

/// <summary>The other side answered what a subscriber cannot go on from: it reconnects, after <see cref="RetryMilliseconds"/> where that was told.</summary>
internal sealed class WireException(string message, int retryMilliseconds = -1) : Exception(message)
{
    /// <summary>How long the server wants it to stay away, in milliseconds; -1 when it did not say.</summary>
    public int RetryMilliseconds { get; } = retryMilliseconds;
}
