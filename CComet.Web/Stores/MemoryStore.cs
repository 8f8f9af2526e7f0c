using System.Collections.Concurrent;
using CComet.Web.Hub;
using Microsoft.Extensions.Options;

namespace CComet.Web.Stores;

/// <summary>
/// Keeps the logs in this process, and nowhere else: a restart begins every log anew, with a new epoch, which tells its
/// subscribers so. The fastest store, for messages that may be lost with the process.
/// </summary>
public sealed class MemoryStore(IOptions<HubOptions> options, TimeProvider time) : IMessageStore
{
    /// <summary>How long an idempotency id is remembered.</summary>
    public static readonly TimeSpan IdMemory = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<string, Log> _logs = new(StringComparer.Ordinal);
    private readonly HubOptions _options = options.Value;
    private int _count;

    /// <summary>How many logs there are.</summary>
    public int LogCount => Volatile.Read(ref _count);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<Receipt>> AppendAsync(IReadOnlyList<Draft> drafts, CancellationToken cancellation = default)
    {
        // Everything that can fail comes before the first append, so that it is all or none; of one there is no part.
        var now = time.GetUtcNow();
        if (drafts is not [{ Id: null }]) Prepare(drafts, now);

        var receipts = new Receipt[drafts.Count];
        for (var i = 0; i < receipts.Length;)
        {
            // A run of one channel is appended under one lock, and so stands together in the log.
            var channel = drafts[i].Channel;
            var run = i + 1;
            while (run < receipts.Length && drafts[run].Channel == channel) run++;
            for (Log log; !(log = LogOf(channel, now)).TryAppend(drafts, i, run, receipts, now);) Remove(channel, log);
            i = run;
        }

        return ValueTask.FromResult<IReadOnlyList<Receipt>>(receipts);
    }

    /// <inheritdoc/>
    public ValueTask<LogSlice> ReadAsync(string channel, long from, long maxBytes, CancellationToken cancellation = default)
    {
        var now = time.GetUtcNow();
        return ValueTask.FromResult(Touched(channel, now).Read(from, maxBytes, now));
    }

    /// <inheritdoc/>
    public ValueTask FollowAsync(string channel, ILogListener listener, CancellationToken cancellation = default)
    {
        for (Log log; !(log = LogOf(channel, time.GetUtcNow())).TryFollow(listener);) Remove(channel, log);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public void Unfollow(string channel, ILogListener listener)
    {
        if (_logs.TryGetValue(channel, out var log)) log.Unfollow(listener, time.GetUtcNow());
    }

    /// <inheritdoc/>
    public ValueTask SweepAsync(CancellationToken cancellation = default)
    {
        var now = time.GetUtcNow();
        foreach (var (channel, log) in _logs)
        {
            if (log.TryClose(now, _options.Limits.IdleChannel)) Remove(channel, log);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask CheckAsync(CancellationToken cancellation = default) => ValueTask.CompletedTask;

    /// <summary>Makes the logs of all drafts, keeps them from being closed, and makes sure that their ids can be remembered.</summary>
    private void Prepare(IReadOnlyList<Draft> drafts, DateTimeOffset now)
    {
        foreach (var channel in drafts.Select(d => d.Channel).Distinct(StringComparer.Ordinal)) Touched(channel, now);

        var most = _options.Limits.IdsPerChannel;
        foreach (var ids in drafts.Where(d => d.Id is not null).GroupBy(d => d.Channel, d => d.Id!, StringComparer.Ordinal))
        {
            if (!Touched(ids.Key, now).HasRoomForIds(ids, most, now))
                throw new LimitException("id", $"id: channel '{ids.Key}' remembers its {most} ids already.", IdMemory);
        }
    }

    /// <summary>A channel's log, which is made when there is none; it may have been closed by the time it is used.</summary>
    private Log LogOf(string channel, DateTimeOffset now)
    {
        if (_logs.TryGetValue(channel, out var log)) return log;
        if (LogCount >= _options.Limits.Channels)
            throw new LimitException("channel", $"channel: the server keeps its {_options.Limits.Channels} channels already.", ChannelHub.LimitRetry);
        var added = new Log(_options.History, now);
        log = _logs.GetOrAdd(channel, added);
        if (log == added) Interlocked.Increment(ref _count);
        return log;
    }

    /// <summary>A channel's log, which is not closed for a while.</summary>
    private Log Touched(string channel, DateTimeOffset now)
    {
        while (true)
        {
            var log = LogOf(channel, now);
            if (log.TryTouch(now)) return log;
            Remove(channel, log);
        }
    }

    private void Remove(string channel, Log log)
    {
        if (_logs.TryRemove(KeyValuePair.Create(channel, log))) Interlocked.Decrement(ref _count);
    }

    private sealed class Log(HistoryOptions bounds, DateTimeOffset now)
    {
        private readonly Lock _lock = new();
        private readonly string _epoch = Epoch.New();
        private readonly MessageRing _ring = new(bounds, 0);
        private ILogListener[] _listeners = [];
        private Dictionary<string, long>? _ids;
        private Queue<(string Id, DateTimeOffset Expires)>? _idQueue;
        private DateTimeOffset _usedAt = now;
        private bool _closed;

        /// <summary>Marks the log as used, which keeps it from being closed for a while; false when it has been closed.</summary>
        public bool TryTouch(DateTimeOffset now)
        {
            lock (_lock)
            {
                _usedAt = now;
                return !_closed;
            }
        }

        public bool HasRoomForIds(IEnumerable<string> ids, int most, DateTimeOffset now)
        {
            lock (_lock)
            {
                ForgetIds(now);
                return ids.Where(id => _ids?.ContainsKey(id) != true).Distinct(StringComparer.Ordinal).Count() + (_ids?.Count ?? 0) <= most;
            }
        }

        public bool TryAppend(IReadOnlyList<Draft> drafts, int start, int end, Receipt[] receipts, DateTimeOffset now)
        {
            lock (_lock)
            {
                if (_closed) return false;
                _usedAt = now;
                ForgetIds(now);
                var appended = _listeners.Length > 0 ? new List<Message>(end - start) : null;
                for (var i = start; i < end; i++)
                {
                    var draft = drafts[i];
                    if (draft.Id is not null && _ids is not null && _ids.TryGetValue(draft.Id, out var first))
                    {
                        receipts[i] = new Receipt(draft.Channel, _epoch, first, null);
                        continue;
                    }

                    var message = Message.Encode(draft, _ring.End, now.ToUnixTimeMilliseconds());
                    _ring.Add(message, now);
                    appended?.Add(message);
                    if (draft.Id is not null) Remember(draft.Id, message.Seqid, now);
                    receipts[i] = new Receipt(draft.Channel, _epoch, message.Seqid, message);
                }

                // Told under the lock, so that every listener hears of the messages in the log's order.
                if (appended?.Count > 0)
                {
                    foreach (var listener in _listeners) listener.Appended(_epoch, appended);
                }

                return true;
            }
        }

        public LogSlice Read(long from, long maxBytes, DateTimeOffset now)
        {
            lock (_lock)
            {
                _usedAt = now;
                _ring.Expire(now);
                var head = new LogHead(_epoch, _ring.First, _ring.End);
                return new LogSlice(head, from >= _ring.End ? [] : _ring.CopyFrom(Math.Max(from, _ring.First), maxBytes));
            }
        }

        public bool TryFollow(ILogListener listener)
        {
            lock (_lock)
            {
                if (_closed) return false;
                listener.Opened(new LogHead(_epoch, _ring.First, _ring.End));
                _listeners = [.. _listeners, listener];
                return true;
            }
        }

        public void Unfollow(ILogListener listener, DateTimeOffset now)
        {
            lock (_lock)
            {
                _usedAt = now;
                _listeners = [.. _listeners.Where(l => l != listener)];
            }
        }

        /// <summary>Closes the log when dropping it loses nothing: no message is kept, no id remembered, and nobody uses it.</summary>
        public bool TryClose(DateTimeOffset now, TimeSpan idle)
        {
            lock (_lock)
            {
                _ring.Expire(now);
                ForgetIds(now);
                if (_closed || _listeners.Length > 0 || _ring.End > _ring.First || _ids is not null || now - _usedAt < idle) return false;
                return _closed = true;
            }
        }

        private void Remember(string id, long seqid, DateTimeOffset now)
        {
            (_ids ??= new Dictionary<string, long>(StringComparer.Ordinal)).Add(id, seqid);
            (_idQueue ??= new Queue<(string, DateTimeOffset)>()).Enqueue((id, now + IdMemory));
        }

        private void ForgetIds(DateTimeOffset now)
        {
            while (_idQueue is not null && _idQueue.TryPeek(out var oldest) && oldest.Expires <= now)
            {
                _ids!.Remove(oldest.Id);
                _idQueue.Dequeue();
            }

            if (_ids is { Count: 0 }) (_ids, _idQueue) = (null, null);
        }
    }
}
