namespace CComet.Client;

/// <summary>An attempt that failed for a passing reason.</summary>
public sealed class CCometRetry
{
    /// <summary>Creates a description; the client does, and an application's tests do.</summary>
    /// <param name="exception">The reason.</param>
    /// <param name="delay">The time until the next attempt.</param>
    public CCometRetry(CCometException exception, TimeSpan delay)
    {
        Exception = exception;
        Delay = delay;
    }

    /// <summary>Gets the reason.</summary>
    public CCometException Exception { get; }

    /// <summary>Gets the time until the next attempt.</summary>
    public TimeSpan Delay { get; }
}
