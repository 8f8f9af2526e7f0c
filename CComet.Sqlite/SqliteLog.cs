using CComet.Messages;
using CComet.Storage;

namespace CComet.Sqlite;

/// <summary>A channel's row.</summary>
internal readonly record struct SqliteRow(long Id, string Epoch, long First, long Next, long Total);

/// <summary>
/// Holds in memory, for one channel that is listened to or was published to lately, where its log ends and its listeners. The
/// messages are in the file.
/// </summary>
internal sealed class SqliteLog(string name, long now)
{
    private readonly Lock _lock = new();
    private readonly List<Message> _pending = [];
    private ListenerList _listeners = new();
    private SqliteRow _row;
    private long _usedAt = now;
    private bool _loaded;
    private bool _touched;
    private bool _cleared;
    private bool _closed;

    public string Name { get; } = name;

    /// <summary>Whether the row has been read, or found missing.</summary>
    public bool IsLoaded
    {
        get
        {
            lock (_lock) return _loaded;
        }
    }

    /// <summary>The row as it will be once the running transaction is committed; its id is 0 while there is none. The writer's own.</summary>
    public SqliteRow Pending { get; private set; }

    /// <summary>What the running transaction has added. The writer's own.</summary>
    public IReadOnlyList<Message> Added => _pending;

    /// <summary>The ids in the file, or -1 when they have not been counted. The writer's own.</summary>
    public long Ids { get; set; } = -1;

    /// <summary>When the first of the ids is forgotten, and until when that need not be looked up again. The writer's own.</summary>
    public (long Expiry, long LookAgain) IdsFull { get; set; }

    /// <summary>The ids that the running transaction has added. The writer's own.</summary>
    public Dictionary<string, long> AddedIds { get; } = new(StringComparer.Ordinal);

    /// <summary>Where the log stands; null when the row has not been read.</summary>
    public LogHead? Head
    {
        get
        {
            lock (_lock) return _loaded ? HeadOf(_row) : null;
        }
    }

    /// <summary>Takes the row that was read, unless the log knows better already.</summary>
    public void Load(SqliteRow row)
    {
        lock (_lock)
        {
            if (_loaded) return;
            _row = row;
            _loaded = true;
        }
    }

    /// <summary>Takes the row as it is found after the file was out of reach, and lets the followers look.</summary>
    public void Reload(SqliteRow row)
    {
        lock (_lock)
        {
            Ids = -1;
            if (_loaded && row == _row) return;
            _row = row;
            _loaded = true;
            _listeners.Changed();
        }
    }

    /// <summary>Begins the writer's part in a transaction, during which the log is not closed; false when it has been.</summary>
    public bool TryBegin()
    {
        lock (_lock)
        {
            if (_closed) return false;
            Pending = _row;
            return _touched = true;
        }
    }

    /// <summary>Gives the log its row in the running transaction.</summary>
    public void Place(long id) => Pending = Pending with { Id = id };

    /// <summary>Adds a message to the running transaction.</summary>
    public void Add(Message message)
    {
        _pending.Add(message);
        Pending = Pending with { Next = message.Seqid + 1, Total = Pending.Total + message.Record.Length };
    }

    /// <summary>Clears the log in the running transaction: what that has added until now is dropped too.</summary>
    public void Clear(string epoch)
    {
        Forget();
        Pending = new SqliteRow(Pending.Id, epoch, 0, 0, 0);
        Ids = 0;
        IdsFull = default;
        _cleared = true;
    }

    /// <summary>The transaction has been committed: tells the followers, under the lock, in the log's order.</summary>
    public void Commit(long now)
    {
        lock (_lock)
        {
            _touched = false;
            _usedAt = now;
            _row = _cleared ? Pending : Pending with { First = _row.First };
            if (_cleared) _listeners.Changed();
            if (_pending.Count > 0)
            {
                _listeners.Appended(_row.Epoch, _pending.ToArray());
            }
        }

        if (Ids >= 0) Ids += AddedIds.Count;
        Forget();
    }

    /// <summary>The transaction has failed: it never was.</summary>
    public void Rollback()
    {
        lock (_lock) _touched = false;
        Ids = -1;
        Forget();
    }

    /// <summary>Some of its ids were forgotten. The writer's own.</summary>
    public void ForgetIds(int count)
    {
        if (Ids >= 0) Ids -= count;
    }

    /// <summary>Notes in the row what retention has taken away.</summary>
    public void Trim(long first)
    {
        lock (_lock)
        {
            if (_cleared) Pending = Pending with { First = first };
            else _row = _row with { First = first };
        }
    }

    public bool TryFollow(ILogListener listener)
    {
        lock (_lock)
        {
            if (_closed) return false;
            _listeners.Add(listener, HeadOf(_row));
            return true;
        }
    }

    /// <summary>Removes a listener; true when none is left, and nothing was ever stored.</summary>
    public bool Unfollow(ILogListener listener, long now)
    {
        lock (_lock)
        {
            _usedAt = now;
            _listeners.Remove(listener);
            return _listeners.Count == 0 && _row.Id == 0;
        }
    }

    /// <summary>Closes the log when no listener follows it, no transaction is under way on it, and nothing was appended for a while.</summary>
    public bool TryClose(long now, TimeSpan idle)
    {
        lock (_lock)
        {
            if (_closed || _touched || _listeners.Count > 0 || now - _usedAt < idle.TotalMilliseconds) return false;
            return _closed = true;
        }
    }

    private static LogHead HeadOf(SqliteRow row) => new(row.Epoch, row.First, row.Next);

    private void Forget()
    {
        _cleared = false;
        _pending.Clear();
        AddedIds.Clear();
    }
}
