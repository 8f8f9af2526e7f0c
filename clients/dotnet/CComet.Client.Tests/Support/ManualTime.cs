using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Client.Tests.Support;

/// <summary>A clock that moves when a test moves it, and tells which timers were armed, so that a test moves it after that.</summary>
public sealed class ManualTime : FakeTimeProvider
{
    private readonly Channel<TimeSpan> _armed = Channel.CreateUnbounded<TimeSpan>();
    private int _living;

    /// <summary>Gets how many timers there are that were not disposed of.</summary>
    public int Living => Volatile.Read(ref _living);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Interlocked.Increment(ref _living);
        var timer = new Timer(this, base.CreateTimer(callback, state, dueTime, period));
        Tell(dueTime);
        return timer;
    }

    /// <summary>Waits until a timer is armed for exactly this time, and moves the clock by it. What was armed before is forgotten.</summary>
    public async Task PassAsync(TimeSpan due)
    {
        await ArmedAsync(due);
        Advance(due);
    }

    /// <summary>Waits until a timer is armed for exactly this time.</summary>
    public async Task ArmedAsync(TimeSpan due)
    {
        while (await _armed.Reader.ReadAsync().AsTask().WaitAsync(Patience.Limit) != due)
        {
        }
    }

    private void Tell(TimeSpan due)
    {
        if (due != Timeout.InfiniteTimeSpan) _armed.Writer.TryWrite(due);
    }

    private sealed class Timer(ManualTime time, ITimer inner) : ITimer
    {
        private int _isDisposed;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var changed = inner.Change(dueTime, period);
            time.Tell(dueTime);
            return changed;
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) == 0) Interlocked.Decrement(ref time._living);
            inner.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
