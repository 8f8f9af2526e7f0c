namespace CComet.Client.Connections;

/// <summary>What a subscription has received and its loop has not taken: bounded by number and bytes. One writer, one reader.</summary>
internal sealed class SubscriptionQueue(int maxEntries, long maxBytes)
{
    private readonly object _lock = new();
    private readonly Queue<(object Entry, int Bytes)> _entries = new();
    private long _bytes;
    private bool _isEnded;
    private Exception? _error;
    private TaskCompletionSource<bool>? _readable;
    private TaskCompletionSource<bool>? _writable;

    /// <summary>Adds an entry, unless the queue is full or has ended.</summary>
    public bool TryAdd(object entry, int bytes)
    {
        lock (_lock)
        {
            if (_isEnded || IsFull) return false;
            _entries.Enqueue((entry, bytes));
            _bytes += bytes;
            Complete(ref _readable);
            return true;
        }
    }

    /// <summary>Takes the oldest entry.</summary>
    public bool TryTake(out object? entry)
    {
        lock (_lock)
        {
            entry = null;
            if (_entries.Count == 0) return false;
            (entry, var bytes) = _entries.Dequeue();
            _bytes -= bytes;
            if (!IsFull) Complete(ref _writable);
            return true;
        }
    }

    /// <summary>Ends it; the first reason counts. What is in it can still be taken, unless <paramref name="isEmptied"/>.</summary>
    public void End(Exception? error, bool isEmptied)
    {
        lock (_lock)
        {
            if (!_isEnded) _error = error;
            _isEnded = true;
            if (isEmptied)
            {
                _entries.Clear();
                _bytes = 0;
            }

            Complete(ref _readable);
            Complete(ref _writable);
        }
    }

    /// <summary>Gets a task that is over once an entry can be taken (true) or none will come any more (false).</summary>
    /// <param name="error">Why none will come, if that has a reason.</param>
    public Task<bool> WhenReadable(out Exception? error)
    {
        lock (_lock)
        {
            error = null;
            if (_entries.Count > 0) return Task.FromResult(true);
            if (_isEnded)
            {
                error = _error;
                return Task.FromResult(false);
            }

            return (_readable ??= NewSignal()).Task;
        }
    }

    /// <summary>Gets a task that is over once an entry can be added or the queue has ended.</summary>
    public Task WhenWritable()
    {
        lock (_lock) return _isEnded || !IsFull ? Task.CompletedTask : (_writable ??= NewSignal()).Task;
    }

    private bool IsFull => _entries.Count >= maxEntries || (_bytes >= maxBytes && _entries.Count > 0);

    private static TaskCompletionSource<bool> NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static void Complete(ref TaskCompletionSource<bool>? signal)
    {
        signal?.TrySetResult(true);
        signal = null;
    }
}
