using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace CComet.Sqlite;

/// <summary>The connections that read: a few, lent out one by one.</summary>
/// <remarks>They are opened with the file and stay open: a process that has no files left to open goes on reading.</remarks>
internal sealed class SqliteReaders(SqliteFile file, HistoryOptions history) : IDisposable
{
    /// <summary>A file may have to be waited for, and the caller's thread may be one that hears of the sockets.</summary>
    public const ConfigureAwaitOptions LeaveThread = ConfigureAwaitOptions.ForceYielding;

    private static readonly int Most = Math.Max(2, Environment.ProcessorCount);

    private readonly ConcurrentBag<SqliteReader> _idle = [];
    private readonly SemaphoreSlim _free = new(Most);
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

    /// <summary>Reads now, whatever is lent out: for the writer, while it opens the file.</summary>
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
            // A file that is locked is none the worse for it.
            if (reader is not null && e is SqliteException { SqliteErrorCode: SQLitePCL.raw.SQLITE_BUSY or SQLitePCL.raw.SQLITE_LOCKED }) Return(reader);
            else reader?.Dispose();
            throw new StoreUnavailableException($"The store cannot be read: {SqliteFile.Reason(e)}.", e);
        }
    }

    /// <summary>Opens the connections, so that none has to be opened when it is needed; one that cannot be is opened then.</summary>
    public void Fill()
    {
        try
        {
            while (_idle.Count < Most) _idle.Add(Open());
        }
        catch (Exception e) when (SqliteFile.IsFailure(e))
        {
            // The reading that needs it says so.
        }
    }

    /// <summary>Opens a connection to the file that is at the path at this moment, for the caller to dispose of.</summary>
    public SqliteReader Open() => Open(Volatile.Read(ref _generation));

    /// <summary>Drops the idle connections, because the file may be another one now: every later read opens a new connection.</summary>
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
