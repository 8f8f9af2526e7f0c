using CComet.Messages;
using CComet.Subscriptions;

namespace CComet.Channels;

/// <summary>
/// Reaches many subscribers on all cores. Who follows is given the batch, which is written at once, without an entry of its own in
/// any queue; who waits is woken, and goes on by itself. Nothing of theirs runs here but a write that does not wait, so that none
/// of them can hold up the next. Between two slices whatever else the server has to do takes its turn.
/// </summary>
internal sealed class FanOut : IThreadPoolWorkItem
{
    /// <summary>How many are reached before others take their turn: some hundred microseconds.</summary>
    private const int Slice = 32;

    /// <summary>So few are reached by the thread that publishes: to wake another for them costs more.</summary>
    private const int Few = 4;

    /// <summary>Whether this thread holds back, and what, until it has left the store.</summary>
    [ThreadStatic]
    private static (bool Holds, List<FanOut>? Back) _held;

    private readonly WaiterList.Group _waiters;
    private readonly Batch? _batch;
    private readonly WakeReason? _reason;
    private int _next;

    private FanOut(WaiterList.Group waiters, Batch? batch, WakeReason? reason) => (_waiters, _batch, _reason) = (waiters, batch, reason);

    /// <summary>Begins to wake those who wait. The caller may hold a store's lock.</summary>
    public static void Wake(WaiterList.Group waiters, WakeReason reason)
    {
        if (waiters.Count > 0) Start(new FanOut(waiters, null, reason));
    }

    /// <summary>Begins to give a batch to those who follow; without one, they are woken to read it themselves.</summary>
    public static void Push(WaiterList.Group followers, Batch? batch) => Start(new FanOut(followers, batch, null));

    /// <summary>From here to <see cref="Release"/> this thread keeps those who are few for itself.</summary>
    public static void Hold() => _held.Holds = true;

    /// <summary>Reaches those who were held back. The thread may hold no lock.</summary>
    public static void Release()
    {
        var held = _held.Back;
        _held = default;
        if (held is null) return;
        foreach (var fanOut in held) fanOut.Execute();
    }

    /// <inheritdoc/>
    public void Execute()
    {
        var end = Interlocked.Add(ref _next, Slice);
        var begin = end - Slice;
        for (var i = begin; i < Math.Min(end, _waiters.Count); i++)
        {
            var (subscriber, index) = _waiters[i];
            if (_reason is { } reason) subscriber.Signal(reason);
            else subscriber.Push(index, _batch);
        }

        if (end < _waiters.Count) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private static void Start(FanOut fanOut)
    {
        if (_held.Holds && fanOut._waiters.Count <= Few)
        {
            (_held.Back ??= []).Add(fanOut);
            return;
        }

        var slices = (fanOut._waiters.Count + Slice - 1) / Slice;
        for (var worker = 0; worker < Math.Min(Environment.ProcessorCount, slices); worker++) ThreadPool.UnsafeQueueUserWorkItem(fanOut, preferLocal: false);
    }
}
