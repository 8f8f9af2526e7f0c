using System.Collections.Concurrent;
using CComet.Web.Hub;

namespace CComet.Web.Stores.Sqlite;

/// <summary>The connections that read: a few, lent out one by one.</summary>
internal sealed class SqliteReaders(SqliteFile file, HistoryOptions history) : IDisposable
{
    /// <summary>A file may have to be waited for, and the caller's thread may be one that hears of the sockets.</summary>
    public const ConfigureAwaitOptions LeaveThread = ConfigureAwaitOptions.ForceYielding;

    private readonly ConcurrentBag<SqliteReader> _idle = [];
    private readonly SemaphoreSlim _free = new(Math.Max(2, Environment.ProcessorCount));
    private int _generation;

    /// <summary>Reads with one of the connections, on a thread of the pool.</summary>
    /// <exception cref="StoreUnavailableException">The file cannot be read.</exception>
    public async ValueTask<T> UseAsync<T>(Func<SqliteReader, T> use, CancellationToken cancellation)
    {
        await _free.WaitAsync(cancellation).ConfigureAwait(LeaveThread);
        try
        {
            return Use(use);
        }
        finally
        {
            _free.Release();
        }
    }

    /// <summary>Reads now, whatever is lent out.</summary>
    /// <exception cref="StoreUnavailableException">The file cannot be read.</exception>
    public T Use<T>(Func<SqliteReader, T> use)
    {
        SqliteReader? reader = null;
        try
        {
            reader = Take();
            var result = use(reader);
            Return(reader);
            return result;
        }
        catch (Exception e) when (SqliteFile.IsFailure(e))
        {
            reader?.Dispose();
            throw new StoreUnavailableException($"The store cannot be read: {SqliteFile.Reason(e)}.", e);
        }
    }

    /// <summary>A connection to what stands at the path at this moment, for the caller to dispose of.</summary>
    public SqliteReader Open() => Open(Volatile.Read(ref _generation));

    /// <summary>The file may be another one now: whoever reads from now on opens it anew.</summary>
    public void Renew()
    {
        Interlocked.Increment(ref _generation);
        while (_idle.TryTake(out var reader)) reader.Dispose();
    }

    public void Dispose()
    {
        Renew();
        _free.Dispose();
    }

    private SqliteReader Take()
    {
        var generation = Volatile.Read(ref _generation);
        while (_idle.TryTake(out var idle))
        {
            if (idle.Generation == generation) return idle;
            idle.Dispose();
        }

        return Open(generation);
    }

    private SqliteReader Open(int generation) => new(file.OpenForReading(), history) { Generation = generation };

    private void Return(SqliteReader reader)
    {
        if (reader.Generation == Volatile.Read(ref _generation)) _idle.Add(reader);
        else reader.Dispose();
    }
}
