namespace CComet.Client.Connections;

/// <summary>Cancels a request when nothing came in time. Only counts while something is expected: not while the consumer is slow.</summary>
internal sealed class Watchdog : IDisposable
{
    private readonly CancellationTokenSource _over;
    private readonly ITimer _timer;
    private volatile bool _hasFired;

    /// <param name="time">The clock.</param>
    /// <param name="stop">Cancels as well.</param>
    public Watchdog(TimeProvider time, CancellationToken stop)
    {
        _over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        _timer = time.CreateTimer(static state => ((Watchdog)state!).Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Token = _over.Token;
    }

    public CancellationToken Token { get; }

    /// <summary>Gets whether the time was over.</summary>
    public bool HasFired => _hasFired;

    /// <summary>Expects something within this time.</summary>
    public void Expect(TimeSpan within) => _timer.Change(within, Timeout.InfiniteTimeSpan);

    /// <summary>Expects nothing.</summary>
    public void Rest() => _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    /// <summary>Cancels now.</summary>
    public void Cancel()
    {
        try
        {
            _over.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It is over already.
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        _over.Dispose();
    }

    private void Fire()
    {
        _hasFired = true;
        Cancel();
    }
}
