using CComet.Limits;
using CComet.Messages;
using CComet.Storage;
using Microsoft.Extensions.Logging;

namespace CComet.Channels;

/// <summary>The part of a channel's log that this node has in memory, and how it follows the store.</summary>
/// <remarks>
/// The base class of <see cref="ActiveChannel"/>: one lock guards the tail and the parked readers, so that no append can fall between
/// reading the tail and parking. The store is never called under it.
/// </remarks>
internal abstract partial class ChannelLog : ILogListener
{
    private TaskCompletionSource? _opening;
    private TaskCompletionSource? _loading;
    private Task? _catchUp;
    private bool _catchUpAgain;

    protected ChannelLog(HubContext hub, string name)
    {
        Hub = hub;
        Name = name;
        Tail = new LogTail(hub.TailBounds, hub.Memory);
    }

    /// <summary>The parts that all channels of a hub have in common.</summary>
    public HubContext Hub { get; }

    /// <summary>The channel's name.</summary>
    public string Name { get; }

    /// <summary>What its tail takes in memory, in bytes, read without the lock.</summary>
    public long Weight => Tail.Weight;

    /// <summary>Its epoch, and the bounds of what is in memory.</summary>
    public LogHead Head
    {
        get
        {
            lock (Gate) return new LogHead(Tail.Epoch, Tail.First, Tail.End);
        }
    }

    /// <summary>Guards the tail, and all that <see cref="ActiveChannel"/> adds.</summary>
    protected Lock Gate { get; } = new();

    /// <summary>The messages in memory. Under the lock.</summary>
    protected LogTail Tail { get; }

    /// <summary>Whether it was closed: from then on it holds nothing. Under the lock.</summary>
    protected bool IsClosed { get; private set; }

    /// <inheritdoc/>
    public void Opened(LogHead head)
    {
        lock (Gate) Tail.Rebase(head.Epoch, head.End);
    }

    /// <inheritdoc/>
    public void Appended(string epoch, IReadOnlyList<Message> messages, DeferredDeliveries? deferred = null)
    {
        bool hole;
        lock (Gate)
        {
            if (IsClosed) return;
            var from = Tail.End;
            hole = epoch != Tail.Epoch || !Tail.Accept(messages, Hub.Time.GetUtcNow());
            if (Hub.Memory.IsOverflowing) Tail.Trim(0);
            if (!hole && Tail.End > from) Deliver(from, deferred);
        }

        if (hole) Changed();
    }

    /// <inheritdoc/>
    public void Changed() => _ = CatchUpQuietlyAsync();

    /// <summary>Opens the log, once; concurrent callers await the same opening.</summary>
    public Task OpenAsync()
    {
        TaskCompletionSource opening;
        lock (Gate)
        {
            if (_opening is not null) return _opening.Task;
            _opening = opening = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        return FollowAsync(opening);
    }

    /// <summary>Drops messages that are too old, and encodings that can be made again.</summary>
    public void Sweep()
    {
        lock (Gate)
        {
            Tail.Expire(Hub.Time.GetUtcNow());
            Tail.Forget();
        }
    }

    /// <summary>Drops the oldest messages from memory until the tail takes no more than so many bytes.</summary>
    public void Trim(long maxBytes)
    {
        lock (Gate) Tail.Trim(maxBytes);
    }

    /// <summary>Reads messages older than those in memory from the store, and keeps them in memory where there is room.</summary>
    /// <remarks>
    /// Subscribers that come back after a restart, or ask for the whole history, ask for the same messages. One such reading runs at a
    /// time. What lies too deep to be kept is read for each subscriber that wants it.
    /// </remarks>
    /// <returns>What the store has; null when there may be more in memory now: look again.</returns>
    public async ValueTask<LogSlice?> LoadAsync(long from, long maxBytes, CancellationToken cancellation)
    {
        TaskCompletionSource? mine = null;
        Task? others = null;
        lock (Gate)
        {
            if (Tail.MayKeep(from) && !Hub.Memory.IsFull)
            {
                others = _loading?.Task;
                if (others is null) _loading = mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        if (others is not null)
        {
            await others.WaitAsync(cancellation);
            return null;
        }

        if (mine is null) return await ReadStoreAsync(from, maxBytes, cancellation);
        try
        {
            var slice = await ReadStoreAsync(from, Hub.TailBounds.MaxBytes, cancellation);
            bool isKept;
            lock (Gate) isKept = !IsClosed && Tail.TryKeep(slice);
            return isKept && slice.Messages[0].Seqid == from ? null : slice.Within(maxBytes);
        }
        finally
        {
            lock (Gate) _loading = null;
            mine.SetResult();
        }
    }

    /// <summary>
    /// Reads what the store has beyond the end that this node knows. One such reading runs at a time; a caller that asks while it runs
    /// awaits a further round of it, so that nothing is answered from before the call.
    /// </summary>
    public Task CatchUpAsync()
    {
        lock (Gate)
        {
            _catchUpAgain = _catchUp is not null;

            // Never on this stack: the caller may hold the store's lock.
            return _catchUp ??= Task.Run(CatchUpRoundsAsync);
        }
    }

    /// <summary>Delivers the messages from a seqid on. Called under the lock, so that deliveries start in the log's order.</summary>
    /// <param name="from">The first seqid.</param>
    /// <param name="deferred">Where small deliveries are left; null queues them.</param>
    protected abstract void Deliver(long from, DeferredDeliveries? deferred);

    /// <summary>Closes it. Under the lock. The listener may still be called for appends that were on their way.</summary>
    protected void Close()
    {
        IsClosed = true;
        Tail.Trim(0);
    }

    /// <summary>Without the lock: the store has a lock of its own, under which it calls this listener.</summary>
    private async Task FollowAsync(TaskCompletionSource opening)
    {
        try
        {
            await Hub.Store.FollowAsync(Name, this);
            opening.SetResult();
        }
        catch (Exception e)
        {
            opening.SetException(e);
        }

        await opening.Task;
    }

    /// <summary>Reads the store, less than is wanted when too much is being read already.</summary>
    private async ValueTask<LogSlice> ReadStoreAsync(long from, long wanted, CancellationToken cancellation)
    {
        var granted = Hub.Memory.BeginRead(wanted);
        try
        {
            return await Hub.Store.ReadAsync(Name, from, granted, cancellation);
        }
        finally
        {
            Hub.Memory.EndRead(granted);
        }
    }

    private async Task CatchUpQuietlyAsync()
    {
        try
        {
            await CatchUpAsync();
        }
        catch (StoreUnavailableException e)
        {
            // Nothing is lost: the store reports a change again when it is back.
            LogCatchUpFailed(Hub.Logger, Name, e);
        }
    }

    private async Task CatchUpRoundsAsync()
    {
        try
        {
            while (true)
            {
                long end;
                lock (Gate) end = Tail.End;
                var slice = await ReadStoreAsync(end, ReadSizes.MaxReadBytes, CancellationToken.None);
                lock (Gate)
                {
                    if (!IsClosed && Tail.Absorb(slice, Hub.Time.GetUtcNow())) Deliver(end, deferred: null);
                }

                if (slice.Messages.Length > 0) continue;
                lock (Gate)
                {
                    if (!_catchUpAgain)
                    {
                        _catchUp = null;
                        return;
                    }

                    _catchUpAgain = false;
                }
            }
        }
        catch
        {
            lock (Gate) _catchUp = null;
            throw;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Channel {Channel} could not catch up with its log")]
    private static partial void LogCatchUpFailed(ILogger logger, string channel, Exception exception);
}
