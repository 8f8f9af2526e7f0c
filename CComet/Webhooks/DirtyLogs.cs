using CComet.Channels;

namespace CComet.Webhooks;

/// <summary>The logs of a webhook that may hold more than it has been told of; each once, in the order in which they became so.</summary>
internal sealed class DirtyLogs : IAppendListener, IDisposable
{
    private readonly Lock _lock = new();
    private readonly Queue<string> _queue = new();
    private readonly HashSet<string> _queued = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _any = new(0, 1);

    /// <summary>Whether there is none.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_lock) return _queue.Count == 0;
        }
    }

    /// <summary>Adds a log.</summary>
    public void Appended(string log)
    {
        lock (_lock)
        {
            if (!_queued.Add(log)) return;
            _queue.Enqueue(log);
        }

        Wake();
    }

    /// <summary>Takes the first one. What is appended to it from now on adds it again.</summary>
    public string? Take()
    {
        lock (_lock)
        {
            if (!_queue.TryDequeue(out var log)) return null;
            _queued.Remove(log);
            return log;
        }
    }

    /// <summary>Whether a log is among them.</summary>
    public bool Contains(string log)
    {
        lock (_lock) return _queued.Contains(log);
    }

    /// <summary>Ends a wait, or the next one.</summary>
    public void Wake()
    {
        lock (_lock)
        {
            if (_any.CurrentCount == 0) _any.Release();
        }
    }

    /// <summary>Waits until a log was added since the last wait, or for a time.</summary>
    public async Task WaitAsync(TimeSpan timeout, TimeProvider time, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            await _any.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The time is over.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _any.Dispose();
}
