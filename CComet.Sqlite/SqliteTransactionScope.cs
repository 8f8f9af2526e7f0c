using CComet.Storage;

namespace CComet.Sqlite;

/// <summary>A channel that has a row and no messages.</summary>
internal readonly record struct SqliteEmptyChannel(long Id, string Name, long Used, bool HasIds);

/// <summary>What one transaction works with.</summary>
internal sealed class SqliteTransactionScope(SqliteLogs logs, HubOptions options, TimeProvider time)
{
    private readonly HashSet<SqliteLog> _touched = [];
    private readonly HashSet<string> _forgotten = new(StringComparer.Ordinal);
    private readonly Uptime _uptime = new(time);
    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private SqliteSession? _session;

    public SqliteSession Session => _session!;

    public SqliteLogs Logs => logs;

    public LimitOptions Limits => options.Limits;

    public SqliteRoom Room { get; } = new(options, new Uptime(time));

    public DateTimeOffset Now { get; private set; }

    /// <summary>
    /// The time by which ids are forgotten, in milliseconds: that of the wall clock when the process was started, from which on it does
    /// not jump. A wall clock that is put forward would forget ids early, and have a publish that is repeated stored twice.
    /// </summary>
    public long IdTime => _startedAt.ToUnixTimeMilliseconds() + _uptime.Now;

    /// <summary>The file has been opened.</summary>
    public void Opened(SqliteSession session, string path)
    {
        session.BoundIds(IdTime + (long)StoreBounds.IdLifetime.TotalMilliseconds);
        Room.MaxBytes = StoreBounds.FileBytes(options.History, path, session.Bytes);
        Room.Abandon();
    }

    public void Begin(SqliteSession session)
    {
        _session = session;
        Now = time.GetUtcNow();
        session.Begin();
    }

    /// <summary>The log of a channel, ready to be appended to.</summary>
    public SqliteLog Touch(string channel)
    {
        while (true)
        {
            var log = logs.Get(channel);
            if (_touched.Contains(log)) return log;

            // A reader may have read the row that this transaction takes away.
            if (_forgotten.Contains(channel)) log.Reload(Session.Find(channel));
            else if (!log.IsLoaded) log.Load(Session.Find(channel));
            if (log.TryBegin())
            {
                _touched.Add(log);
                return log;
            }

            logs.Remove(log);
        }
    }

    /// <summary>Takes the logs of a refused publish out again, as far as there is nothing of them: what is refused leaves nothing behind.</summary>
    public void Untouch(IEnumerable<SqliteLog> refused)
    {
        foreach (var log in refused)
        {
            if (log.Pending.Id != 0 || !_touched.Remove(log)) continue;
            log.Rollback();
            logs.RemoveIdle(log, TimeSpan.Zero);
        }
    }

    /// <summary>Takes a channel's log out of memory when no listener follows it and this transaction does not need it; true when there is none then.</summary>
    public bool TryRelease(string channel, TimeSpan idle) => logs.Find(channel) is not { } log || logs.RemoveIdle(log, idle);

    /// <summary>Finds channels that have a row and no messages, those unused for longest first.</summary>
    public List<SqliteEmptyChannel> FindEmpty(string condition, int most, params ReadOnlySpan<(string Name, object? Value)> parameters) => Session.List(
        $"""
        SELECT id, name, used, EXISTS (SELECT 1 FROM ids WHERE channel = channels.id AND expires > $now)
        FROM channels WHERE first = next AND {condition} ORDER BY used, id LIMIT $most
        """,
        row => new SqliteEmptyChannel(row.GetInt64(0), row.GetString(1), row.GetInt64(2), row.GetBoolean(3)),
        [.. parameters, ("$now", IdTime), ("$most", most)]);

    /// <summary>
    /// Forgets channels. If one comes back, it must not be taken for what it was: the epoch of channels without a row changes with it.
    /// </summary>
    public void Forget(IReadOnlyCollection<SqliteEmptyChannel> channels)
    {
        if (channels.Count == 0) return;
        foreach (var channel in channels)
        {
            Session.ForgetChannel(channel.Id);
            _forgotten.Add(channel.Name);
        }

        Session.RenewEpoch();
    }

    /// <summary>Forgets ids that are over their time, at most so many; gives how many.</summary>
    public int ForgetIds(int most)
    {
        var forgotten = Session.ForgetIds(IdTime, most);
        foreach (var channel in forgotten.CountBy(id => id))
        {
            foreach (var name in Session.List("SELECT name FROM channels WHERE id = $id", r => r.GetString(0), ("$id", channel.Key))) logs.Find(name)?.ForgetIds(channel.Value);
        }

        return forgotten.Count;
    }

    /// <summary>The seqid of the oldest message of a channel that the bounds let stand; its end when there is none.</summary>
    public long FirstKept(SqliteRow row)
    {
        var history = options.History;
        return Session.List(
            SqliteReader.FindFirst,
            r => r.GetInt64(0),
            ("$channel", row.Id),
            ("$from", Math.Max(row.First, row.Next - history.MaxMessages)),
            ("$cutoff", (Now - history.MaxAge).ToUnixTimeMilliseconds()),
            ("$next", row.Next),
            ("$total", row.Total),
            ("$maxBytes", history.MaxBytes)) is [var found] ? found : row.Next;
    }

    /// <summary>Takes away those of a channel's messages that the bounds do not let stand, at most so many; gives how many more there are.</summary>
    public int TrimOverdue(long channel, int most)
    {
        if (Session.FindById(channel) is not { } row) return 0;
        var keep = FirstKept(row);
        var first = Math.Min(keep, row.First + most);
        TrimTo(channel, row.First, first);
        return (int)(keep - first);
    }

    /// <summary>Takes away a channel's oldest messages until so many bytes are free, at most so many of them.</summary>
    public void TrimOldest(long channel, long bytes, int most)
    {
        if (Session.FindById(channel) is not { } row) return;
        var first = row.First;
        foreach (var (seqid, size) in Session.List(
            $"SELECT seqid, length(json) + {SqliteSession.MessageOverhead} FROM messages WHERE channel = $channel AND seqid >= $first ORDER BY seqid LIMIT $most",
            r => (r.GetInt64(0), r.GetInt64(1)),
            ("$channel", channel),
            ("$first", row.First),
            ("$most", most)))
        {
            if (bytes <= 0) break;
            (first, bytes) = (seqid + 1, bytes - size);
        }

        TrimTo(channel, row.First, first);
    }

    /// <summary>Moves the ends of the channels to where this transaction has come.</summary>
    public void MoveEnds()
    {
        foreach (var log in _touched)
        {
            if (log.Added.Count > 0) Session.MoveChannel(log.Pending, log.Added[0].Time, Now.ToUnixTimeMilliseconds());
        }
    }

    public void Commit()
    {
        MoveEnds();
        foreach (var log in _touched)
        {
            if (log.Added.Count > 0) Room.Grown(Session, log.Pending.Id);
        }

        Session.Commit();
    }

    /// <summary>Tells the followers of what was committed.</summary>
    public void Tell()
    {
        var now = logs.Now;
        foreach (var log in _touched) log.Commit(now);

        // A listener may have begun to follow one of them by the row that was still there.
        foreach (var name in _forgotten) logs.Find(name)?.Reload(Session.Find(name));
        Clear();
    }

    /// <summary>Forgets what was not committed.</summary>
    public void Abandon()
    {
        foreach (var log in _touched) log.Rollback();
        foreach (var log in logs.All) log.Ids = -1;
        Room.Abandon();
        Clear();
    }

    private void TrimTo(long channel, long from, long first)
    {
        if (first == from) return;
        var name = Session.Trim(channel, from, first);
        logs.Find(name)?.Trim(first);
    }

    private void Clear()
    {
        _touched.Clear();
        _forgotten.Clear();
    }
}
