using CComet.Messages;
using CComet.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CComet.Sqlite;

/// <summary>
/// Keeps the logs in a SQLite file: what was acknowledged outlives the process, and with <see cref="Durability.Full"/> the
/// machine's power. One process serves a file. A channel gets its row with its first message, so that asking for channels
/// leaves nothing behind.
/// </summary>
/// <remarks>
/// <para>
/// Registered by <c>AddSqliteStore()</c>. One thread writes: what is appended while a transaction runs is stored by the next one, so that
/// concurrent publishes share a commit. At most <see cref="LimitOptions.WaitingWrites"/> wait; one more is a
/// <see cref="StoreUnavailableException"/>.
/// </para>
/// <para>
/// A file that cannot be opened, is full, damaged or another program's, is tried again; until then calls throw
/// <see cref="StoreUnavailableException"/>. A log that may have lost something begins a new epoch.
/// </para>
/// </remarks>
public sealed class SqliteStore : IMessageStore, IClearingStore, IListingStore, IRecordStore, IPresenceStore, ICursorStore, ISingleNodeStore, IAsyncDisposable
{
    private readonly SqliteLogs _logs;
    private readonly SqliteReaders _readers;
    private readonly SqliteWriter _writer;
    private readonly SqliteRetention _retention;
    private readonly TimeProvider _time;
    private readonly HolderLeases _leases;
    private readonly SqliteCursors _cursors;

    /// <summary>Opens the file, or begins to try: a file that fails is told by every call, not here.</summary>
    /// <param name="store">The file and what it promises, read once.</param>
    /// <param name="hub">The bounds of the logs and of the ids, read once.</param>
    /// <param name="environment">Has the folder that a relative path begins at.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Is told when the file fails, and when it is back.</param>
    public SqliteStore(IOptions<SqliteStoreOptions> store, IOptions<HubOptions> hub, IHostEnvironment environment, TimeProvider time, ILogger<SqliteStore> logger)
    {
        var file = new SqliteFile(Path.GetFullPath(store.Value.Path, environment.ContentRootPath), store.Value.Durability);
        _time = time;
        _leases = new HolderLeases(time);
        _logs = new SqliteLogs(time);
        _readers = new SqliteReaders(file, hub.Value.History);
        _writer = new SqliteWriter(file, _logs, _readers, hub.Value, time, logger);
        _retention = new SqliteRetention(_writer, _readers, hub.Value, store.Value.Remember, time);
        _cursors = new SqliteCursors(_writer, _readers, time);
    }

    /// <summary>How many logs are in memory.</summary>
    internal int LogCount => _logs.Count;

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<Receipt>> AppendAsync(IReadOnlyList<NewMessage> messages, CancellationToken cancellation = default) =>
        await _writer.WriteAsync(new SqliteAppend(messages));

    /// <inheritdoc/>
    public ValueTask<LogSlice> ReadAsync(string channel, long from, long maxBytes, CancellationToken cancellation = default)
    {
        _writer.CheckReadable();
        return _readers.UseAsync(reader => reader.Read(channel, from, maxBytes, _time.GetUtcNow(), _logs.Find(channel)?.Head?.Epoch), cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask<LogHead?> ClearAsync(string channel, CancellationToken cancellation = default) => await _writer.WriteAsync(new SqliteClear(channel));

    /// <inheritdoc/>
    public ValueTask<LogPage> ListAsync(string prefix, string? after, int limit, CancellationToken cancellation = default)
    {
        _writer.CheckReadable();
        return _readers.UseAsync(reader => SqliteList.Read(reader, prefix, after, limit, _time.GetUtcNow()), cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask FollowAsync(string channel, ILogListener listener, CancellationToken cancellation = default)
    {
        _writer.CheckReadable();
        await _logs.FollowAsync(channel, listener, () => _readers.UseAsync(reader => reader.Find(channel), cancellation));
    }

    /// <inheritdoc/>
    public void Unfollow(string channel, ILogListener listener) => _logs.Unfollow(channel, listener);

    /// <inheritdoc/>
    public async ValueTask SweepAsync(CancellationToken cancellation = default) => await _retention.SweepAsync(cancellation);

    /// <inheritdoc/>
    public async ValueTask CheckAsync(CancellationToken cancellation = default) => await _writer.CheckAsync();

    /// <inheritdoc/>
    public async ValueTask PutRecordAsync(string kind, string name, ReadOnlyMemory<byte> value, DateTimeOffset? expires, CancellationToken cancellation = default)
    {
        RecordBounds.Check(kind, name, value);
        await _writer.WriteAsync(new SqliteRecord(kind, name, value.ToArray(), expires));
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyDictionary<string, byte[]>> ReadRecordsAsync(string kind, CancellationToken cancellation = default)
    {
        RecordBounds.Check(kind);
        _writer.CheckReadable();
        return await _readers.UseAsync(reader => SqliteRecord.Read(reader, kind, _time.GetUtcNow()), cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<int>> ChangeMembersAsync(string log, string holder, IReadOnlyList<MemberChange> changes, int maxMembers, CancellationToken cancellation = default) =>
        await _writer.WriteAsync(new SqliteMembers(log, holder, changes, maxMembers));

    /// <inheritdoc/>
    public ValueTask<MemberList> ReadMembersAsync(string log, bool withMembers, CancellationToken cancellation = default)
    {
        _writer.CheckReadable();
        return _readers.UseAsync(reader => SqliteMembers.Read(reader, log, withMembers, _time.GetUtcNow(), _logs.Find(log)?.Head?.Epoch), cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<bool> RenewLeaseAsync(string holder, TimeSpan life, bool isNew, CancellationToken cancellation = default) => ValueTask.FromResult(_leases.Renew(holder, life, isNew));

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<string>> ReadLapsedAsync(CancellationToken cancellation = default)
    {
        _writer.CheckReadable();
        return _leases.Lapsed(await _readers.UseAsync(SqliteMembers.ReadHolders, cancellation));
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<(string Log, string Member)>> ReadHeldAsync(string holder, int most, CancellationToken cancellation = default)
    {
        _writer.CheckReadable();
        return _readers.UseAsync(reader => SqliteMembers.ReadHeld(reader, holder, most), cancellation);
    }

    /// <inheritdoc/>
    public ValueTask ForgetHolderAsync(string holder, CancellationToken cancellation = default)
    {
        _leases.Forget(holder);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<long?> LeaseReaderAsync(string reader, string holder, TimeSpan life, CancellationToken cancellation = default) => _cursors.LeaseAsync(reader, holder, life);

    /// <inheritdoc/>
    public ValueTask ReleaseReaderAsync(string reader, string holder, CancellationToken cancellation = default)
    {
        _cursors.Release(reader, holder);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<LogCursor>> ReadCursorsAsync(string reader, CancellationToken cancellation = default) => _cursors.ReadAsync(reader, cancellation);

    /// <inheritdoc/>
    public ValueTask<bool> SaveCursorsAsync(string reader, long generation, IReadOnlyList<LogCursor> cursors, CancellationToken cancellation = default) =>
        _cursors.SaveAsync(reader, generation, cursors);

    /// <summary>Stores what has been appended, and closes the file. Every later append throws <see cref="StoreUnavailableException"/>.</summary>
    public ValueTask DisposeAsync() => _writer.DisposeAsync();
}
