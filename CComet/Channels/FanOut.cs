using CComet.Messages;
using CComet.Storage;

namespace CComet.Channels;

/// <summary>Delivers to many readers in parallel: streams are written to synchronously, long polls are signalled.</summary>
/// <remarks>
/// Nothing of a reader runs here but a write that does not block, so that none holds up the next: what a signal resumes is queued to
/// the thread pool. Between two slices other work of the pool takes its turn.
/// </remarks>
internal sealed class FanOut : IThreadPoolWorkItem
{
    /// <summary>How many readers one slice has: some hundred microseconds.</summary>
    private const int SliceSize = 32;

    /// <summary>Up to so many readers are delivered to by the publishing thread: to wake another thread costs more.</summary>
    private const int MaxInline = 4;

    private readonly ReaderList.Group _readers;
    private readonly Batch? _batch;
    private readonly WakeReason? _reason;
    private int _next;

    private FanOut(ReaderList.Group readers, Batch? batch, WakeReason? reason) => (_readers, _batch, _reason) = (readers, batch, reason);

    /// <summary>Starts to wake readers. The caller may hold a store's lock.</summary>
    /// <param name="readers">The readers.</param>
    /// <param name="reason">What they are woken for.</param>
    /// <param name="batch">What they will probably read, if that is known.</param>
    /// <param name="deferred">Where a small delivery is left; null queues it.</param>
    public static void Wake(ReaderList.Group readers, WakeReason reason, Batch? batch = null, DeferredDeliveries? deferred = null)
    {
        if (readers.Count > 0) Start(new FanOut(readers, batch, reason), deferred);
    }

    /// <summary>Starts to push a batch to readers; without one, they are signalled to read for themselves.</summary>
    public static void Push(ReaderList.Group readers, Batch? batch, DeferredDeliveries? deferred) => Start(new FanOut(readers, batch, null), deferred);

    /// <inheritdoc/>
    public void Execute()
    {
        var end = Interlocked.Add(ref _next, SliceSize);
        var begin = end - SliceSize;
        for (var i = begin; i < Math.Min(end, _readers.Count); i++)
        {
            var (reader, channelIndex) = _readers[i];
            if (_reason is { } reason) reader.Wake(channelIndex, reason, _batch);
            else reader.Push(channelIndex, _batch);
        }

        if (end < _readers.Count) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private static void Start(FanOut fanOut, DeferredDeliveries? deferred)
    {
        if (deferred is not null && fanOut._readers.Count <= MaxInline)
        {
            deferred.Add(fanOut);
            return;
        }

        var slices = (fanOut._readers.Count + SliceSize - 1) / SliceSize;
        for (var worker = 0; worker < Math.Min(Environment.ProcessorCount, slices); worker++) ThreadPool.UnsafeQueueUserWorkItem(fanOut, preferLocal: false);
    }
}
