using CComet.Storage;

namespace CComet.Sqlite;

/// <summary>Keeps the cursors of readers, and the generation of the last lease of each, in the file.</summary>
/// <remarks>
/// <para>
/// The leases themselves are in memory, as one process alone has the file: those of an earlier process are over. A lease that is renewed
/// writes nothing.
/// </para>
/// <para>
/// A file that was replaced may not have the generation of a lease that runs. What is saved by it is refused, and the lease ends, so that
/// it is taken out anew, by a generation above both that of the file and the last one that this process knows.
/// </para>
/// </remarks>
/// <param name="writer">Writes the file.</param>
/// <param name="readers">Read the file.</param>
/// <param name="time">The clock.</param>
internal sealed class SqliteCursors(SqliteWriter writer, SqliteReaders readers, TimeProvider time)
{
    private readonly ReaderLeases _leases = new(time);

    /// <inheritdoc cref="ICursorStore.LeaseReaderAsync"/>
    public async ValueTask<long?> LeaseAsync(string reader, string holder, TimeSpan life)
    {
        CursorBounds.Check(reader, holder);
        var generation = _leases.Renew(reader, holder, life);
        if (generation is not ReaderLeases.Free) return generation;
        var taking = new LeaseWrite(_leases, reader, holder, life);
        try
        {
            return await writer.WriteAsync(taking);
        }
        catch (StoreUnavailableException)
        {
            _leases.End(reader, taking.Generation);
            throw;
        }
    }

    /// <inheritdoc cref="ICursorStore.ReleaseReaderAsync"/>
    public void Release(string reader, string holder)
    {
        CursorBounds.Check(reader, holder);
        _leases.End(reader, holder);
    }

    /// <inheritdoc cref="ICursorStore.ReadCursorsAsync"/>
    public async ValueTask<IReadOnlyList<LogCursor>> ReadAsync(string reader, CancellationToken cancellation)
    {
        CursorBounds.Check(reader);
        writer.CheckReadable();
        return await readers.UseAsync(
            connection => connection.List(
                "SELECT log, epoch, seqid FROM cursors WHERE reader = $reader",
                row => new LogCursor(row.GetString(0), row.GetString(1), row.GetInt64(2)),
                ("$reader", reader)),
            cancellation);
    }

    /// <inheritdoc cref="ICursorStore.SaveCursorsAsync"/>
    public async ValueTask<bool> SaveAsync(string reader, long generation, IReadOnlyList<LogCursor> cursors)
    {
        CursorBounds.Check(reader, cursors);
        var isSaved = await writer.WriteAsync(new CursorWrite(reader, generation, cursors));
        if (!isSaved) _leases.End(reader, generation);
        return isSaved;
    }

    /// <summary>Takes a lease out, unless one was taken by a write that came before.</summary>
    /// <remarks>The lease begins before the commit. If that fails, the caller ends it, and the generation is passed over.</remarks>
    private sealed class LeaseWrite(ReaderLeases leases, string reader, string holder, TimeSpan life) : SqliteWrite<long?>
    {
        /// <summary>The generation by which the lease was taken out; 0 when it was not.</summary>
        public long Generation { get; private set; }

        protected override long? Write(SqliteTransactionScope scope)
        {
            var running = leases.Renew(reader, holder, life);
            if (running is not ReaderLeases.Free) return running;
            Generation = scope.Session.List(
                """
                INSERT INTO readers (reader, generation) VALUES ($reader, $known + 1)
                ON CONFLICT (reader) DO UPDATE SET generation = MAX(generation, $known) + 1 RETURNING generation
                """,
                row => row.GetInt64(0),
                ("$reader", reader),
                ("$known", leases.LastGeneration(reader)))[0];
            leases.TakeOut(reader, holder, life, Generation);
            return Generation;
        }
    }

    /// <summary>Saves cursors, if no lease was taken out since the one of the generation.</summary>
    private sealed class CursorWrite(string reader, long generation, IReadOnlyList<LogCursor> cursors) : SqliteWrite<bool>
    {
        /// <summary>What a cursor takes beside its log, about.</summary>
        private const int Overhead = 32;

        public override long Bytes => cursors.Sum(cursor => cursor.Log.Length + Overhead);

        protected override bool Write(SqliteTransactionScope scope)
        {
            var session = scope.Session;
            if (session.List("SELECT generation FROM readers WHERE reader = $reader", row => row.GetInt64(0), ("$reader", reader)) is not [var last] || last != generation) return false;
            session.RunEach(
                "INSERT OR REPLACE INTO cursors (reader, log, epoch, seqid) VALUES ($reader, $log, $epoch, $seqid)",
                ["$reader", "$log", "$epoch", "$seqid"],
                cursors.Where(cursor => cursor.Epoch is not null).Select(cursor => new object[] { reader, cursor.Log, cursor.Epoch!, cursor.Seqid }));
            session.RunEach(
                "DELETE FROM cursors WHERE reader = $reader AND log = $log",
                ["$reader", "$log"],
                cursors.Where(cursor => cursor.Epoch is null).Select(cursor => new object[] { reader, cursor.Log }));
            return true;
        }
    }
}
