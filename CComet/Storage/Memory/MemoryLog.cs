using CComet.Messages;

namespace CComet.Storage.Memory;

/// <summary>What all logs of the memory store take together; counted by the logs themselves.</summary>
internal sealed class MemoryUse
{
    private long _bytes;
    private long _ids;

    public long Bytes => Volatile.Read(ref _bytes);

    public long Ids => Volatile.Read(ref _ids);

    public void AddBytes(long bytes) => Interlocked.Add(ref _bytes, bytes);

    public void AddIds(long ids) => Interlocked.Add(ref _ids, ids);
}

/// <summary>One channel's log. Times are in milliseconds since the store was made, by a clock that does not jump.</summary>
internal sealed class MemoryLog(string name, string epoch, HubOptions options, MemoryUse use, long maxIds, long now)
{
    /// <summary>How long an idempotency id is remembered, in milliseconds.</summary>
    private static readonly long IdLifetime = (long)StoreBounds.IdLifetime.TotalMilliseconds;

    private readonly Lock _lock = new();
    private string _epoch = epoch;
    private MessageRing _ring = new(options.History, 0);
    private ListenerList _listeners = new();
    private RememberedIds? _ids;
    private long _usedAt = now;
    private long _held;
    private int _heldIds;
    private bool _cleared;
    private bool _closed;

    public string Name => name;

    /// <summary>What the log takes beside its messages and ids: its objects, its name, and its entries in the tables of the store.</summary>
    public long FixedBytes => 640 + (2L * name.Length);

    /// <summary>What its messages take in memory.</summary>
    public long Held => Volatile.Read(ref _held);

    /// <summary>True when something was ever stored in it, also when it was cleared since.</summary>
    public bool IsWritten
    {
        get
        {
            lock (_lock) return _cleared || _ring.End > 0;
        }
    }

    public bool IsFollowed => _listeners.Count > 0;

    public bool IsClosed => Volatile.Read(ref _closed);

    /// <summary>Whether it has been given a place among those that are kept. The table's own.</summary>
    public bool IsAdmitted { get; set; }

    /// <summary>How many appends keep it from being closed. The table's own.</summary>
    public int Pins { get; set; }

    /// <summary>Whether it is due for a visit some time. The table's own, read after an append without its lock.</summary>
    public bool IsDue { get; set; }

    /// <summary>Its class of size. The table's own, read after an append without its lock.</summary>
    public int SizeClass { get; set; } = -1;

    /// <summary>Its node in the list of unused logs. The table's own.</summary>
    public LinkedListNode<(MemoryLog Log, long Since)>? Unused { get; set; }

    /// <summary>Whether the table has to hear of what was done to it.</summary>
    public bool NeedsSettling => !IsDue || SizeClasses<MemoryLog>.ClassOf(Held) > SizeClass;

    /// <summary>Appends consecutive messages, all of them or none; false when the log has been closed and another one must be looked up.</summary>
    /// <exception cref="LimitException">An id too many.</exception>
    public bool TryAppend(IReadOnlyList<NewMessage> messages, IdHash[]? ids, Receipt[] receipts, long now, long time, bool checkIds, ref DeferredDeliveries? deferred)
    {
        lock (_lock)
        {
            if (_closed) return false;
            _usedAt = now;
            _ids?.Forget(now);
            if (checkIds && ids is not null) CheckRoomFor(ids, _ => true, now);
            var appended = _listeners.Count > 0 ? new List<Message>(receipts.Length) : null;
            for (var i = 0; i < receipts.Length; i++)
            {
                var newMessage = messages[i];
                if (newMessage.Id is not null && _ids is not null && _ids.TryGet(ids![i], out var first))
                {
                    receipts[i] = new Receipt(newMessage.Channel, _epoch, first, null);
                    continue;
                }

                var message = Message.Create(newMessage, _ring.End, time);
                _ring.Add(message, now);
                appended?.Add(message);
                if (newMessage.Id is not null) (_ids ??= new RememberedIds()).Add(ids![i], message.Seqid, now + IdLifetime);
                receipts[i] = new Receipt(newMessage.Channel, _epoch, message.Seqid, message);
            }

            Account();

            // Told under the lock, so that every listener hears of the messages in the log's order.
            if (appended?.Count > 0)
            {
                deferred ??= new DeferredDeliveries();
                _listeners.Appended(_epoch, appended, deferred);
            }

            return true;
        }
    }

    /// <summary>Drops all messages and ids and begins a new epoch; false when the log has been closed and another one must be looked up.</summary>
    /// <param name="now">The time.</param>
    /// <param name="before">The epoch and bounds just before; null when nothing was stored in this epoch, and nothing was done.</param>
    public bool TryClear(long now, out LogHead? before)
    {
        lock (_lock)
        {
            before = null;
            if (_closed) return false;
            if (_ring.End == 0) return true;
            _usedAt = now;
            _ring.Expire(now);
            before = new LogHead(_epoch, _ring.First, _ring.End);
            _epoch = Epoch.New();
            _ring = new MessageRing(options.History, 0);
            _ids = null;
            _cleared = true;
            Account();

            // Told under the lock: what is appended from here on is told after it.
            _listeners.Changed();
            return true;
        }
    }

    /// <summary>Makes sure that the ids of these messages that are this log's can be remembered.</summary>
    /// <exception cref="LimitException">An id too many.</exception>
    public void CheckRoomFor(IReadOnlyList<NewMessage> messages, IdHash[] ids, long now)
    {
        lock (_lock)
        {
            _ids?.Forget(now);
            Account();
            CheckRoomFor(ids, i => messages[i].Id is not null && messages[i].Channel == name, now);
        }
    }

    /// <summary>Reads; null when the log has been closed and another one must be looked up.</summary>
    public LogSlice? Read(long from, long maxBytes, long now)
    {
        lock (_lock)
        {
            if (_closed) return null;
            _usedAt = now;
            _ring.Expire(now);
            Account();
            var head = new LogHead(_epoch, _ring.First, _ring.End);
            return new LogSlice(head, from >= _ring.End ? [] : _ring.CopyFrom(Math.Max(from, _ring.First), maxBytes));
        }
    }

    /// <summary>Returns its bounds, and what its messages take; null when it has none.</summary>
    public ListedLog? Describe(long now)
    {
        lock (_lock)
        {
            if (_closed) return null;
            _ring.Expire(now);
            Account();
            return _ring.End == _ring.First ? null : new ListedLog(name, new LogHead(_epoch, _ring.First, _ring.End), _held);
        }
    }

    public bool TryFollow(ILogListener listener)
    {
        lock (_lock)
        {
            if (_closed) return false;
            _listeners.Add(listener, new LogHead(_epoch, _ring.First, _ring.End));
            return true;
        }
    }

    public void Unfollow(ILogListener listener, long now)
    {
        lock (_lock)
        {
            _usedAt = now;
            _listeners.Remove(listener);
        }
    }

    /// <summary>Drops what is over its time.</summary>
    /// <returns>When to look again at the latest; <see cref="long.MaxValue"/> when the log is empty.</returns>
    public long Tidy(long now)
    {
        lock (_lock)
        {
            _ring.Expire(now);
            _ids?.Forget(now);
            if (_ids is { Count: 0 }) _ids = null;
            Account();
            var next = Math.Min(_ring.NextExpiry, _ids?.NextExpiry ?? long.MaxValue);

            // An id that is added before the next visit is not over its time by then.
            return next == long.MaxValue ? next : Math.Min(next, now + IdLifetime);
        }
    }

    /// <summary>Drops the oldest messages until so many bytes are free, or none is left.</summary>
    public void Drop(long bytes)
    {
        lock (_lock)
        {
            _ring.Drop(bytes);
            Account();
        }
    }

    /// <summary>
    /// What its messages take in memory, for the table to list it by. An append that comes after this look finds no class, and has the
    /// table list the log again.
    /// </summary>
    public long Measure()
    {
        SizeClass = -1;
        lock (_lock) return _held;
    }

    public bool IsIdle(long now, TimeSpan idle)
    {
        lock (_lock) return now - _usedAt >= idle.TotalMilliseconds;
    }

    /// <summary>Closes the log when dropping it loses nothing: no message is kept, no id remembered, and no listener follows it, and no append is about to begin.</summary>
    public bool TryClose()
    {
        lock (_lock)
        {
            if (_closed || Pins > 0 || _listeners.Count > 0 || _ring.End > _ring.First || _ids is { Count: > 0 }) return false;
            return _closed = true;
        }
    }

    /// <remarks>
    /// A channel may have as many ids as are free in all. So a client that fills one channel, or many, leaves some for all others: n channels
    /// that take all they may leave a share of 1/(n + 1).
    /// </remarks>
    private void CheckRoomFor(IdHash[] ids, Func<int, bool> isOurs, long now)
    {
        Account();
        var most = Math.Min(options.Limits.IdsPerChannel, maxIds - use.Ids);
        var held = _ids?.Count ?? 0;
        if (held + ids.Length <= most) return;
        var fresh = Enumerable.Range(0, ids.Length).Where(i => ids[i] != default && isOurs(i) && _ids?.TryGet(ids[i], out _) != true).Select(i => ids[i]).Distinct().Count();
        if (fresh == 0 || held + fresh <= most) return;
        var retry = _ids is { Count: > 0 } ? TimeSpan.FromMilliseconds(_ids.NextExpiry - now) : LimitException.DefaultRetry;
        throw most < options.Limits.IdsPerChannel
            ? new LimitException("id", $"id: the server has room for {maxIds} ids, and channel '{name}' has its share of them.", retry, "Limits:Ids", isGlobal: true)
            : new LimitException("id", $"id: channel '{name}' remembers its {options.Limits.IdsPerChannel} ids already.", retry, "Limits:IdsPerChannel");
    }

    private void Account()
    {
        var (held, ids) = (_ring.Memory, _ids?.Count ?? 0);
        if (held != _held) use.AddBytes(held - _held);
        if (ids != _heldIds) use.AddIds(ids - _heldIds);
        Volatile.Write(ref _held, held);
        _heldIds = ids;
    }
}
