using System.Diagnostics.CodeAnalysis;
using CComet.Client.Connections;
using CComet.Client.Wire;

namespace CComet.Client;

/// <summary>
/// A subscription to one channel, which can be enumerated once. It receives from when it was made until it is disposed of, its loop is left, or the client is disposed of.
/// </summary>
[SuppressMessage("Naming", "CA1710:Identifiers should have correct suffix", Justification = "A subscription is more than a collection.")]
public class CCometSubscription : IAsyncEnumerable<CCometMessage>, IAsyncDisposable
{
    private const long MaxQueuedBytes = 4 * 1024 * 1024;

    /// <summary>About what a gap takes in the queue, in bytes.</summary>
    private const int SizeOfGap = 64;

    private readonly object _lock = new();
    private readonly ConnectionPool? _pool;
    private readonly Func<CCometGap, Task>? _onGap;
    private readonly TaskCompletionSource<CCometCursor> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly bool _isFromStart;
    private CCometCursor? _cursor;
    private string? _epoch;
    private long? _next;
    private bool _hasReceived;
    private long? _lostFrom;
    private int _isEnumerated;

    /// <summary>Creates a subscription that a test replaces the members of.</summary>
    protected CCometSubscription()
    {
        Channel = "";
        Queue = new SubscriptionQueue(1, 1);
    }

    internal CCometSubscription(ConnectionPool pool, string channel, SubscribeOptions options, int bufferSize)
    {
        _pool = pool;
        Channel = channel;
        _onGap = options.OnGap;
        Queue = new SubscriptionQueue(bufferSize, MaxQueuedBytes);
        _isFromStart = options.From.IsStart;
        _epoch = options.From.Epoch;
        _next = _isFromStart || _epoch is not null ? options.From.Seqid : null;
        if (_epoch is not null) _cursor = options.From;
        _ = _opened.Task.Exception;
    }

    /// <summary>Gets the channel.</summary>
    public virtual string Channel { get; }

    /// <summary>Gets the cursor behind the last message that the loop took, or the one from which it began; null until that is known. It can be read at any time, on any thread.</summary>
    public virtual CCometCursor? Cursor
    {
        get
        {
            lock (_lock) return _cursor;
        }
    }

    /// <summary>Gets a task that gives the cursor from which the subscription receives, once the server told it: from then on nothing that is published is missed. Canceled when the subscription ends before; fails when it is refused before.</summary>
    public virtual Task<CCometCursor> Opened => _opened.Task;

    internal SubscriptionQueue Queue { get; }

    /// <summary>Gets or sets the connection that serves it; null once it has ended. Guarded by the pool's lock.</summary>
    internal Connection? Connection { get; set; }

    /// <summary>Gets what it still wants, for the next request.</summary>
    internal (string? Epoch, long? Next) Position
    {
        get
        {
            lock (_lock) return (_epoch, _next);
        }
    }

    /// <summary>Enumerates the messages: in order, each at most once.</summary>
    /// <param name="cancellationToken">Ends the enumeration with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="InvalidOperationException">It was enumerated before.</exception>
    public virtual IAsyncEnumerator<CCometMessage> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _isEnumerated, 1) != 0) throw new InvalidOperationException("A subscription can be enumerated once.");
        return EnumerateAsync(cancellationToken);
    }

    /// <summary>Ends the subscription, and with the last one of it the connection. An enumeration ends after the message that it has.</summary>
    public virtual async ValueTask DisposeAsync()
    {
        End(null, isEmptied: true);
        if (_pool is not null) await _pool.RemoveAsync(this).ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends it: by its own side, or because of a refusal, after what was received.</summary>
    internal void End(Exception? error, bool isEmptied)
    {
        Queue.End(error, isEmptied);
        if (error is null) _opened.TrySetCanceled();
        else if (_opened.TrySetException(error)) _ = _opened.Task.Exception;
    }

    /// <summary>The server told where it stands.</summary>
    /// <param name="epoch">The epoch.</param>
    /// <param name="seqid">The next seqid.</param>
    /// <param name="askedEpoch">The epoch that the request gave.</param>
    /// <param name="add">Adds an entry, and tells whether it was taken.</param>
    internal async ValueTask TakeCursorAsync(string epoch, long seqid, string? askedEpoch, Func<object, int, ValueTask<bool>> add)
    {
        var (known, next) = Position;

        // Between two requests without an epoch, or without a notice, the log began anew. A notice of what the request gave may be older than what was received since.
        if (known is not null && epoch != known)
        {
            if (epoch != askedEpoch) await ResetAsync(next ?? 0, epoch, seqid, add).ConfigureAwait(false);
            return;
        }

        if (_lostFrom is { } lost)
        {
            if (await ResetAsync(lost, epoch, seqid, add).ConfigureAwait(false)) _lostFrom = null;
            return;
        }

        lock (_lock)
        {
            _epoch = epoch;
            _next ??= seqid;
            _cursor ??= new CCometCursor(epoch, _next.Value);
            next = _next;
        }

        _opened.TrySetResult(new CCometCursor(epoch, next!.Value));
    }

    /// <summary>Takes a message: drops it when it was seen, and tells what is missing before it.</summary>
    internal async ValueTask TakeMessageAsync(WireItem item, int bytes, Func<object, int, ValueTask<bool>> add)
    {
        var seqid = item.Seqid!.Value;
        var (epoch, next) = Position;
        if (epoch is null) throw new CCometException("A message came before its cursor.");
        if (seqid < next) return;
        if (seqid > next && !(_isFromStart && !_hasReceived) && !await GapAsync(next.Value, seqid - 1, add).ConfigureAwait(false)) return;
        var time = item.Time is >= -62135596800000 and <= 253402300799999 ? DateTimeOffset.FromUnixTimeMilliseconds(item.Time.Value) : default;
        var message = new CCometMessage(Channel, item.Msg, new CCometCursor(epoch, seqid + 1), item.Type!, item.Sname ?? item.User, time);
        if (!await add(message, bytes).ConfigureAwait(false)) return;
        _hasReceived = true;
        Advance(epoch, seqid + 1);
    }

    /// <summary>Takes a notice of messages that are no longer kept.</summary>
    internal async ValueTask TakeGapAsync(long from, long to, Func<object, int, ValueTask<bool>> add)
    {
        var (epoch, next) = Position;
        if (epoch is null || to < (next ?? 0)) return;

        // What was dropped before the first message is not missed by whoever asked for what is kept.
        if (_isFromStart && !_hasReceived) Advance(epoch, to + 1);
        else await GapAsync(Math.Max(from, next ?? 0), to, add).ConfigureAwait(false);
    }

    /// <summary>Takes a notice that the log began anew.</summary>
    /// <param name="epoch">The new epoch.</param>
    /// <param name="seqid">The first seqid of it.</param>
    /// <param name="askedEpoch">The epoch that the request gave.</param>
    /// <param name="add">Adds an entry, and tells whether it was taken.</param>
    internal async ValueTask TakeResetAsync(string epoch, long seqid, string? askedEpoch, Func<object, int, ValueTask<bool>> add)
    {
        var (known, next) = Position;

        // Else the stream before this one told it already, after this one was asked for.
        if (epoch != known || epoch == askedEpoch) await ResetAsync(next ?? 0, epoch, seqid, add).ConfigureAwait(false);
    }

    /// <summary>The server says that the seqid is beyond the end: begins at the beginning, and tells a reset once the new epoch is known.</summary>
    internal void BeginAgain()
    {
        lock (_lock)
        {
            if (!_isFromStart || _hasReceived) _lostFrom ??= _next ?? 0;
            (_epoch, _next) = (null, 0);
        }
    }



    private async ValueTask<bool> GapAsync(long from, long to, Func<object, int, ValueTask<bool>> add)
    {
        var epoch = Position.Epoch!;
        if (!await add(new CCometGap(Channel, from, to, new CCometCursor(epoch, to + 1)), SizeOfGap).ConfigureAwait(false)) return false;
        Advance(epoch, to + 1);
        return true;
    }

    private async ValueTask<bool> ResetAsync(long lostFrom, string epoch, long seqid, Func<object, int, ValueTask<bool>> add)
    {
        var gap = new CCometGap(Channel, lostFrom, null, new CCometCursor(epoch, seqid), isReset: true);
        if (!await add(gap, SizeOfGap).ConfigureAwait(false)) return false;
        Advance(epoch, seqid);
        _opened.TrySetResult(gap.Cursor);
        return true;
    }

    private void Advance(string epoch, long next)
    {
        lock (_lock) (_epoch, _next) = (epoch, next);
    }

    private void Told(CCometCursor cursor)
    {
        lock (_lock) _cursor = cursor;
    }

    private async IAsyncEnumerator<CCometMessage> EnumerateAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                cancellation.ThrowIfCancellationRequested();
                if (!Queue.TryTake(out var entry))
                {
                    if (await Queue.WhenReadable(out var error).WaitAsync(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation).ConfigureAwait(false)) continue;
                    if (error is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Capture(error).Throw();
                    yield break;
                }

                if (entry is CCometMessage message)
                {
                    Told(message.Cursor);
                    yield return message;
                    continue;
                }

                var gap = (CCometGap)entry!;
                if (_onGap is null) throw new CCometGapException(gap);
                await _onGap(gap).ConfigureAwait(false);
                Told(gap.Cursor);
            }
        }
        finally
        {
            await DisposeAsync().ConfigureAwait(false);
        }
    }
}
