using System.Threading.Tasks.Sources;
using CComet.Channels;

namespace CComet.Subscriptions;

/// <summary>The completion source that a subscriber waits on, and the reason it was woken for.</summary>
/// <remarks>
/// It is the base class of <see cref="Subscriber"/> and not a member, so that parking allocates no object. One reader uses it at a
/// time; <see cref="Signal"/> may be called on any thread.
/// </remarks>
internal abstract class SubscriberWait : TimingWheel.Entry, IValueTaskSource
{
    private const byte None = byte.MaxValue;

    /// <summary>Takes the place of the reason while the subscriber is parked.</summary>
    private const byte Waiting = None - 1;

    /// <summary>Takes the place of the continuation once the wait is over.</summary>
    private static readonly Action<object?> Over = static _ => { };

    private Action<object?>? _continuation;
    private object? _state;
    private short _version;
    private byte _signal = None;
    private byte _ended = None;

    /// <summary>Why it was ended for good, or null.</summary>
    public WakeReason? Ended => Volatile.Read(ref _ended) is var ended && ended == None ? null : (WakeReason)ended;

    /// <summary>Why it was woken since it last parked, or null.</summary>
    public WakeReason? Woken => Volatile.Read(ref _signal) is var signal && signal >= Waiting ? null : (WakeReason)signal;

    /// <summary>The wheel that ends its waits.</summary>
    protected abstract TimingWheel Wheel { get; }

    /// <summary>
    /// Waits until there may be something to read, the time is over, or the subscription has ended; <see cref="Woken"/> says which.
    /// To be awaited once, before anything else is asked of the subscriber.
    /// </summary>
    public ValueTask WaitAsync(TimeSpan timeout)
    {
        var isEndless = timeout == Timeout.InfiniteTimeSpan;
        if (timeout <= TimeSpan.Zero && !isEndless) Signal(WakeReason.Timeout);
        if (Woken is not null) return ValueTask.CompletedTask;
        _continuation = null;
        _state = null;
        _version++;
        if (!isEndless) Wheel.Add(this, timeout);
        AllowPushes(true);

        // That it is parked and why it was woken are one value: a signal still under way cannot end a later wait without a reason.
        if (Interlocked.CompareExchange(ref _signal, Waiting, None) == None) return new ValueTask(this, _version);
        EndWait();
        return ValueTask.CompletedTask;
    }

    /// <summary>Ends the wait; its continuation runs on the thread pool. A final reason stays: every later wait ends with it at once.</summary>
    public void Signal(WakeReason reason)
    {
        if (reason is >= WakeReason.Replaced) Interlocked.CompareExchange(ref _ended, (byte)reason, None);
        var found = Volatile.Read(ref _signal);
        while (found >= Waiting)
        {
            var expected = found;
            found = Interlocked.CompareExchange(ref _signal, (byte)reason, expected);
            if (found != expected) continue;
            if (expected == Waiting) Complete();
            return;
        }
    }

    /// <inheritdoc/>
    void IValueTaskSource.GetResult(short token)
    {
        Check(token);
        if (_continuation != Over) throw new InvalidOperationException("The wait is not over.");
        EndWait();
    }

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token)
    {
        Check(token);
        return Volatile.Read(ref _continuation) == Over ? ValueTaskSourceStatus.Succeeded : ValueTaskSourceStatus.Pending;
    }

    /// <inheritdoc/>
    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        Check(token);
        var current = Volatile.Read(ref _continuation);
        if (current is null)
        {
            // The awaiting method brings its own execution context; the thread's is not kept here.
            _state = state;
            current = Interlocked.CompareExchange(ref _continuation, continuation, null);
        }

        if (current == Over) Queue(continuation, state);
        else if (current is not null) throw new InvalidOperationException("A wait is awaited once.");
    }

    /// <inheritdoc/>
    protected internal override void OnDue() => Signal(WakeReason.Timeout);

    /// <summary>Switches pushes on when a wait begins and off when it ends.</summary>
    protected abstract void AllowPushes(bool allowed);

    /// <summary>Clears the reason of the last wait, before a read that may park.</summary>
    /// <remarks>The signal is cleared before the final reason is read, and <see cref="Signal"/> writes a final reason first: one of the two sees the other.</remarks>
    protected void Rearm()
    {
        if (Woken is null) return;
        Interlocked.Exchange(ref _signal, None);
        var ended = Volatile.Read(ref _ended);
        if (ended != None) Interlocked.CompareExchange(ref _signal, ended, None);
    }

    private static void Queue(Action<object?> continuation, object? state) => ThreadPool.UnsafeQueueUserWorkItem(continuation, state, preferLocal: true);

    private void EndWait()
    {
        Wheel.Remove(this);
        AllowPushes(false);
    }

    /// <summary>Runs once for each wait, by the caller that exchanged <see cref="Waiting"/> for a reason.</summary>
    private void Complete()
    {
        if (Interlocked.Exchange(ref _continuation, Over) is { } continuation) Queue(continuation, _state);
    }

    private void Check(short token)
    {
        if (token != _version) throw new InvalidOperationException("Another wait has begun since.");
    }
}
