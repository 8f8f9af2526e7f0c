using CComet.Channels;

namespace CComet.Operations;

/// <summary>Takes the figures each second while somebody listens: one timer for all listeners, of which a slow one gets the latest.</summary>
internal sealed class StatisticsFeed(ChannelHub hub, NodeRoster roster) : IDisposable
{
    /// <summary>How many may listen.</summary>
    private const int MaxListeners = 64;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private TaskCompletionSource<ServerStatistics> _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ITimer? _timer;
    private int _listeners;

    /// <summary>The figures of this moment.</summary>
    public ServerStatistics Now => ServerStatistics.Take(hub, roster.Self.Since);

    /// <summary>Begins to listen; <see cref="NextAsync"/> gives figures from then on. To be ended by <see cref="Leave"/>.</summary>
    /// <exception cref="LimitException">A listener too many.</exception>
    public void Enter()
    {
        lock (_lock)
        {
            if (_listeners >= MaxListeners) throw new LimitException("stream", $"stream: {MaxListeners} listen to the figures already.", LimitException.DefaultRetry);
            if (_listeners++ == 0) _timer = hub.Context.Time.CreateTimer(static feed => ((StatisticsFeed)feed!).Tick(), this, Interval, Interval);
        }
    }

    /// <summary>Ends what <see cref="Enter"/> began.</summary>
    public void Leave()
    {
        lock (_lock)
        {
            if (--_listeners > 0) return;
            _timer?.Dispose();
            _timer = null;
        }
    }

    /// <summary>Completes with the figures of the next second.</summary>
    public Task<ServerStatistics> NextAsync()
    {
        lock (_lock) return _next.Task;
    }

    /// <inheritdoc/>
    public void Dispose() => _timer?.Dispose();

    private void Tick()
    {
        var figures = Now;
        TaskCompletionSource<ServerStatistics> due;
        lock (_lock) (due, _next) = (_next, new(TaskCreationOptions.RunContinuationsAsynchronously));
        due.SetResult(figures);
    }
}
