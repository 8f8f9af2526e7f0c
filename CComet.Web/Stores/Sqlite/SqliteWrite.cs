using CComet.Web.Hub;

namespace CComet.Web.Stores.Sqlite;

/// <summary>Something that waits to be written. Several are written in one transaction.</summary>
internal abstract class SqliteWrite
{
    /// <summary>About how much it writes, in bytes.</summary>
    public virtual long Bytes => 0;

    /// <summary>Does its part in the running transaction.</summary>
    /// <exception cref="LimitException">Before anything was changed: this one is refused, the others go on.</exception>
    public abstract void Apply(SqliteTransactionScope scope);

    /// <summary>The transaction has been committed.</summary>
    public abstract void Complete();

    /// <summary>Nothing was written.</summary>
    public abstract void Fail(Exception exception);
}

/// <summary>A write that gives something to whoever waits for it.</summary>
internal abstract class SqliteWrite<T> : SqliteWrite
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _result;

    public Task<T> Task => _done.Task;

    public sealed override void Apply(SqliteTransactionScope scope) => _result = Write(scope);

    public override void Complete() => _done.SetResult(_result!);

    public sealed override void Fail(Exception exception) => _done.SetException(exception);

    protected abstract T Write(SqliteTransactionScope scope);
}

/// <summary>A step of upkeep.</summary>
internal sealed class SqliteStep(Func<SqliteTransactionScope, int> step) : SqliteWrite<int>
{
    protected override int Write(SqliteTransactionScope scope) => step(scope);
}

/// <summary>What one transaction works with.</summary>
internal sealed class SqliteTransactionScope(SqliteLogs logs, HubOptions options, TimeProvider time)
{
    private readonly HashSet<SqliteLog> _touched = [];
    private SqliteSession? _session;

    public SqliteSession Session => _session!;

    public SqliteLogs Logs => logs;

    public LimitOptions Limits => options.Limits;

    public DateTimeOffset Now { get; private set; }

    public void Begin(SqliteSession session)
    {
        _session = session;
        Now = time.GetUtcNow();
        session.Begin();
    }

    /// <summary>The log of a channel, ready to be appended to.</summary>
    public SqliteLog Touch(string channel)
    {
        var log = logs.Get(channel);
        if (!_touched.Add(log)) return log;
        if (!log.IsLoaded) log.Load(Session.Find(channel));
        log.Begin(Now);
        return log;
    }

    public void Commit()
    {
        foreach (var log in _touched)
        {
            if (log.Added.Count > 0) Session.MoveChannel(log.Pending, log.Added[0].Time, Now.ToUnixTimeMilliseconds());
        }

        Session.Commit();
    }

    /// <summary>Channels whose rows the transaction takes away.</summary>
    public List<string> Forgotten { get; } = [];

    /// <summary>Tells the followers of what was committed.</summary>
    public void Tell()
    {
        foreach (var log in _touched) log.Commit();

        // Somebody may have begun to follow one of them by the row that was still there.
        foreach (var name in Forgotten) logs.Find(name)?.Reload(Session.Find(name));
        _touched.Clear();
        Forgotten.Clear();
    }

    /// <summary>Forgets what was not committed.</summary>
    public void Abandon()
    {
        foreach (var log in _touched) log.Rollback();
        _touched.Clear();
        Forgotten.Clear();
    }
}
