namespace CComet.Sqlite;

/// <summary>Something that waits to be written. Several are written in one transaction.</summary>
internal abstract class SqliteWrite
{
    /// <summary>About how much it writes, in bytes.</summary>
    public virtual long Bytes => 0;

    /// <summary>Does its part in the running transaction.</summary>
    /// <exception cref="LimitException">This one is refused before it has changed anything but made room; the others go on.</exception>
    public abstract void Apply(SqliteTransactionScope scope);

    /// <summary>The transaction has been committed.</summary>
    public abstract void Complete();

    /// <summary>Nothing was written.</summary>
    public abstract void Fail(Exception exception);
}

/// <summary>A write with a result for the caller that awaits it.</summary>
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
