using System.Threading.Channels;

namespace CComet.Webhooks;

/// <summary>Logs that may hold more than somebody has been told of; each once, in the order in which they became so.</summary>
internal sealed class DirtyLogs
{
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly Lock _lock = new();
    private readonly Queue<string> _queue = new();
    private readonly HashSet<string> _queued = new(StringComparer.Ordinal);

    /// <summary>Adds a log.</summary>
    public void Add(string log)
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
    public void Wake() => _wake.Writer.TryWrite(true);

    /// <summary>Waits until a log was added since the last wait.</summary>
    public async Task WaitAsync(CancellationToken cancellation) => await _wake.Reader.ReadAsync(cancellation);

    /// <summary>The same, but for no longer than a time.</summary>
    public async Task WaitAsync(TimeSpan timeout, TimeProvider time, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            await WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The time is over.
        }
    }
}
