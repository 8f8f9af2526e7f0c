using System.Threading.Channels;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace CComet.Sqlite;

/// <summary>
/// The only writer of the database. Writes that arrive while a transaction runs are made in the next one: the busier the server,
/// the more publishes share a commit. When the file fails, the waiting writes are refused, and every later write tries again.
/// </summary>
internal sealed partial class SqliteWriter : IAsyncDisposable
{
    private const int MaxWrites = 1_000;
    private const long MaxBytes = 4 << 20;
    private const int MinCanaryBytes = 64 << 10;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan FreshEnough = TimeSpan.FromSeconds(1);

    private readonly SqliteFile _file;
    private readonly SqliteLogs _logs;
    private readonly SqliteReaders _readers;
    private readonly SqliteTransactionScope _scope;
    private readonly Channel<SqliteWrite> _queue;
    private readonly ILogger _logger;
    private readonly Task _writing;
    private readonly Lazy<Task> _ending;
    private SqliteSession? _session;
    private SqliteMark? _mark;
    private volatile SqliteState? _acknowledged;
    private volatile StoreUnavailableException? _unreadable;
    private StoreUnavailableException? _refusal;
    private long _triedAt;
    private long _committedAt;
    private long _failedBytes;
    private bool _toldOfFiles;

    public SqliteWriter(SqliteFile file, SqliteLogs logs, SqliteReaders readers, HubOptions options, TimeProvider time, ILogger logger)
    {
        _file = file;
        _logs = logs;
        _readers = readers;
        _logger = logger;
        _scope = new SqliteTransactionScope(logs, options, time);
        _queue = System.Threading.Channels.Channel.CreateBounded<SqliteWrite>(new BoundedChannelOptions(options.Limits.WaitingWrites) { SingleReader = true });
        TryOpen();
        if (SqlitePlace.Exposure(file.Path) is { } exposure) LogExposed(logger, exposure);
        _writing = Task.Run(WriteAllAsync);
        _ending = new Lazy<Task>(EndAsync);
    }

    /// <summary>Waits for something to be written.</summary>
    /// <exception cref="StoreUnavailableException">It was not.</exception>
    public Task<T> WriteAsync<T>(SqliteWrite<T> write) =>
        _queue.Writer.TryWrite(write)
            ? write.Task
            : throw new StoreUnavailableException(_queue.Reader.Completion.IsCompleted ? "The store is closed." : "The store cannot write as fast as it is asked to; try again in a moment.");

    /// <summary>Throws when what the file says may not be given to any reader.</summary>
    public void CheckReadable()
    {
        if (_unreadable is { } reason) throw new StoreUnavailableException(reason.Message, reason);
    }

    /// <summary>Writes something that takes as much room as what failed last, unless something was written just now.</summary>
    public async Task CheckAsync()
    {
        if (Volatile.Read(ref _failedBytes) == 0 && Environment.TickCount64 - Volatile.Read(ref _committedAt) < FreshEnough.TotalMilliseconds) return;
        var bytes = Volatile.Read(ref _failedBytes);
        await WriteAsync(new SqliteStep(scope => bytes == 0
            ? scope.Session.Run("DELETE FROM canary; UPDATE store SET commits = commits")
            : scope.Session.Run("INSERT OR REPLACE INTO canary (one, data) VALUES (1, zeroblob($bytes))", ("$bytes", bytes))));
    }

    /// <summary>
    /// Makes sure that the file that is written is still the one at its path: SQLite continues to write to a file that was deleted
    /// or replaced. Such a file is closed, and the next write opens what is at the path.
    /// </summary>
    public async Task CheckPlaceAsync()
    {
        if (_acknowledged is not { } known) return;
        if (IsInPlace(known)) return;
        await WriteAsync(new SqliteStep(_ => throw new InvalidDataException("the database was taken away")));
    }

    /// <summary>Makes the waiting writes and closes the file; a second call awaits the same completion.</summary>
    public ValueTask DisposeAsync() => new(_ending.Value);

    private async Task EndAsync()
    {
        _queue.Writer.Complete();
        await _writing;
        _readers.Dispose();

        // The last one to close the file merges the write-ahead log into it.
        _session?.Dispose();
        if (_session is not null && _acknowledged is { } state) _mark?.Write(state, _file.Durability, closed: true);
        _mark?.Dispose();
    }

    private bool IsInPlace(SqliteState known)
    {
        if (!File.Exists(_file.Path)) return false;
        try
        {
            using var reader = _readers.Open();
            var state = reader.State();
            _toldOfFiles = false;
            return state.Uid == known.Uid && state.Commits >= known.Commits;
        }
        catch (Exception e) when (SqliteFile.IsFailure(e))
        {
            if (e is SqliteException { SqliteErrorCode: SQLitePCL.raw.SQLITE_BUSY or SQLitePCL.raw.SQLITE_LOCKED }) return true;
            if (!OpenFileLimit.AreUsedUp()) return false;

            // Whether it is the same file cannot be told now: the connections that are open are kept.
            if (!_toldOfFiles) LogNoOpenFiles(_logger);
            return _toldOfFiles = true;
        }
    }

    private async Task WriteAllAsync()
    {
        var group = new List<SqliteWrite>();
        while (await _queue.Reader.WaitToReadAsync())
        {
            group.Clear();
            for (long bytes = 0; group.Count < MaxWrites && bytes < MaxBytes && _queue.Reader.TryRead(out var write); bytes += write.Bytes) group.Add(write);
            Write(group);
        }
    }

    private void Write(List<SqliteWrite> group)
    {
        if (_session is null && !TryOpen())
        {
            foreach (var write in group) write.Fail(Refusal());
            return;
        }

        try
        {
            _scope.Begin(_session!);
            for (var i = 0; i < group.Count; i++)
            {
                try
                {
                    group[i].Apply(_scope);
                }
                catch (LimitException e)
                {
                    group[i].Fail(e);
                    group.RemoveAt(i--);
                }
            }

            _scope.Commit();
        }
        catch (Exception e)
        {
            Break(e, group.Sum(w => w.Bytes));
            foreach (var write in group) write.Fail(Refusal());
            return;
        }

        Acknowledge(group);
    }

    private void Acknowledge(List<SqliteWrite> group)
    {
        _acknowledged = _session!.State;
        try
        {
            _mark!.Advance(_session.State.Commits);
        }
        catch (IOException e)
        {
            // An old mark vouches for less than there is, which is true.
            LogMarkFailed(_logger, e);
        }

        if (_refusal is not null) LogWritable(_logger);
        _refusal = null;
        Volatile.Write(ref _failedBytes, 0);
        Volatile.Write(ref _committedAt, Environment.TickCount64);
        _scope.Tell();
        foreach (var write in group) write.Complete();
    }

    private StoreUnavailableException Refusal() => new(_refusal!.Message, _refusal);

    /// <summary>A transaction has failed. After some failures the contents of the file are unknown: then it is reopened.</summary>
    private void Break(Exception exception, long bytes)
    {
        _scope.Abandon();
        Volatile.Write(ref _failedBytes, Math.Clamp(bytes, MinCanaryBytes, MaxBytes));
        Refuse(exception);
        if (IsCertain(exception) && TryRollback()) return;
        Close();
    }

    private static bool IsCertain(Exception exception) =>
        exception is SqliteException { SqliteErrorCode: SQLitePCL.raw.SQLITE_FULL or SQLitePCL.raw.SQLITE_BUSY or SQLitePCL.raw.SQLITE_LOCKED };

    private bool TryRollback()
    {
        try
        {
            _session!.Rollback();
            return true;
        }
        catch (SqliteException e)
        {
            // SQLite has rolled back by itself, or has not begun.
            return e.SqliteErrorCode == SQLitePCL.raw.SQLITE_ERROR;
        }
    }

    private void Refuse(Exception exception)
    {
        if (_refusal is null)
        {
            // What is known is told in one line.
            var isKnown = SqliteFile.IsFailure(exception);
            LogUnwritable(_logger, SqliteFile.Reason(exception), SqlitePlace.Explain(_file.Path, exception), isKnown ? null : exception);
            if (isKnown) LogFailure(_logger, exception);
        }

        _refusal = new StoreUnavailableException($"The store cannot write: {SqliteFile.Reason(exception)}.", exception);
    }

    private void Close()
    {
        _session?.Dispose();
        _session = null;
        _triedAt = Environment.TickCount64;
    }

    private bool TryOpen()
    {
        if (_refusal is not null && Environment.TickCount64 - _triedAt < RetryAfter.TotalMilliseconds) return false;
        try
        {
            _mark ??= SqliteMark.Take(_file.Path);

            // Connections of one process share what they know of a file: one that has found it read-only would stand for all.
            _readers.Renew();
            if (SqlitePlace.Narrow(_file.Path) is { } narrowed) LogNarrowed(_logger, narrowed);
            _session = new SqliteSession(_file.OpenForWriting());
            Verify();
            _scope.Opened(_session, _file.Path);
            _unreadable = null;
            _readers.Fill();
            foreach (var log in _logs.All) log.Reload(_session.Find(log.Name));
            return true;
        }
        catch (Exception e) when (SqliteFile.IsFailure(e))
        {
            Close();
            Refuse(e);
            if (_acknowledged is null) VerifyForReading();
            return false;
        }
    }

    /// <summary>Makes sure that the file has all that was acknowledged, or begins new epochs.</summary>
    private void Verify()
    {
        var state = _session!.State;
        var isWhole = _acknowledged is { } known
            ? state.Uid == known.Uid && state.Commits >= known.Commits
            : _mark!.Last?.VouchesFor(state) ?? state.Commits == 0;
        if (!isWhole)
        {
            _session.BeginNewEpochs();
            LogNewEpochs(_logger);
        }

        _mark!.Write(_session.State, _file.Durability);
        _acknowledged = _session.State;
    }

    /// <summary>What cannot be written can still be read, when it is certain that nothing is missing.</summary>
    private void VerifyForReading()
    {
        try
        {
            if (_mark is null && SqliteMark.IsTaken(_file.Path)) throw _refusal!;
            var last = _mark is null ? SqliteMark.Peek(_file.Path) : _mark.Last;
            var state = _readers.Use(reader => reader.State());
            _unreadable = last?.VouchesFor(state) == true ? null : _refusal;
        }
        catch (Exception e) when (e is StoreUnavailableException || SqliteFile.IsFailure(e))
        {
            _unreadable = _refusal;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The store cannot write: {Reason} ({Detail}). Publishes are refused until it can")]
    private static partial void LogUnwritable(ILogger logger, string reason, string detail, Exception? exception);

    [LoggerMessage(Level = LogLevel.Debug, Message = "How the store failed")]
    private static partial void LogFailure(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Exposure}")]
    private static partial void LogExposed(ILogger logger, string exposure);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Narrowed}")]
    private static partial void LogNarrowed(ILogger logger, string narrowed);

    [LoggerMessage(Level = LogLevel.Warning, Message = "No more files may be open (LimitNOFILE, ulimit -n): the database is served by the connections to it that are open")]
    private static partial void LogNoOpenFiles(ILogger logger);

    [LoggerMessage(Level = LogLevel.Information, Message = "The store can write again")]
    private static partial void LogWritable(ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The database lacks something that was acknowledged, or cannot prove that it does not: every channel begins a new epoch, and its subscribers are told so")]
    private static partial void LogNewEpochs(ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The mark beside the database could not be written")]
    private static partial void LogMarkFailed(ILogger logger, Exception exception);
}
