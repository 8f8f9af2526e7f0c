using CComet.Messages;
using Microsoft.Data.Sqlite;

namespace CComet.Sqlite;

/// <summary>The database file: how it is opened, what is in it, and what its failures mean.</summary>
internal sealed class SqliteFile(string path, Durability durability)
{
    /// <summary>What <c>PRAGMA user_version</c> says; a file of a higher one is left alone.</summary>
    private const int SchemaVersion = 1;

    /// <summary><c>CCmt</c>: tells the file from other databases.</summary>
    private const int ApplicationId = 0x43436d74;

    /// <summary>How long another process may hold the file before a write or a read gives up, in seconds.</summary>
    private const int BusySeconds = 2;

    /// <summary>
    /// <c>total</c> counts a channel's bytes from its first message on, <c>trimmed</c> those of the messages that are gone, and
    /// a message's <c>total</c> those up to its end: so what is over the bound is known without adding up.
    /// </summary>
    private const string Schema = """
        CREATE TABLE store (
            one INTEGER PRIMARY KEY CHECK (one = 1), uid TEXT NOT NULL, epoch TEXT NOT NULL, commits INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE canary (one INTEGER PRIMARY KEY CHECK (one = 1), data BLOB NOT NULL) STRICT;
        CREATE TABLE channels (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch TEXT NOT NULL, first INTEGER NOT NULL, next INTEGER NOT NULL,
            trimmed INTEGER NOT NULL, total INTEGER NOT NULL, oldest INTEGER, used INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE messages (
            channel INTEGER NOT NULL, seqid INTEGER NOT NULL, time INTEGER NOT NULL, total INTEGER NOT NULL, json BLOB NOT NULL,
            PRIMARY KEY (channel, seqid)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE ids (
            channel INTEGER NOT NULL, id TEXT NOT NULL, seqid INTEGER NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (channel, id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX ids_by_expiry ON ids (expires);
        """;

    /// <summary>
    /// What was added to files of the same version, which older servers keep up or pass over: an index that finds the channels that may be
    /// forgotten, the table of the records, those of who is in channels, and those of readers and their cursors.
    /// </summary>
    private const string Additions = """
        CREATE INDEX IF NOT EXISTS channels_empty ON channels (used) WHERE first = next;
        CREATE TABLE IF NOT EXISTS records (
            kind TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, expires INTEGER, PRIMARY KEY (kind, name)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS records_by_expiry ON records (expires);
        CREATE TABLE IF NOT EXISTS members (
            log TEXT NOT NULL, member TEXT NOT NULL, since INTEGER NOT NULL, info BLOB NOT NULL, PRIMARY KEY (log, member)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS holds (
            log TEXT NOT NULL, member TEXT NOT NULL, holder TEXT NOT NULL, PRIMARY KEY (log, member, holder)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS holds_by_holder ON holds (holder);
        CREATE TABLE IF NOT EXISTS readers (reader TEXT PRIMARY KEY, generation INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS cursors (
            reader TEXT NOT NULL, log TEXT NOT NULL, epoch TEXT NOT NULL, seqid INTEGER NOT NULL, PRIMARY KEY (reader, log)
        ) STRICT, WITHOUT ROWID;
        """;

    private const string NoOpenFiles = "no more files may be open; connections take one each (see LimitNOFILE, ulimit -n)";

    public string Path { get; } = path;

    /// <summary>What an acknowledged message survives.</summary>
    public Durability Durability { get; } = durability;

    /// <summary>Opens the file for its one writer, and makes it when there is none.</summary>
    public SqliteConnection OpenForWriting()
    {
        SqlitePlace.CheckKind(Path);
        SqlitePlace.MakeFolder(Path);
        SqlitePlace.MakeFile(Path);
        var connection = Open(Path, SqliteOpenMode.ReadWrite);
        try
        {
            var version = CheckIsOurs(connection);

            // auto_vacuum means something only before the first table is made.
            Execute(connection, $"""
                PRAGMA auto_vacuum = INCREMENTAL;
                PRAGMA journal_mode = WAL;
                PRAGMA synchronous = {(Durability == Durability.Full ? "FULL" : "NORMAL")};
                PRAGMA journal_size_limit = {64 << 20};
                PRAGMA temp_store = MEMORY;
                """);
            if (version == 0) Create(connection);
            Execute(connection, Additions);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Opens the file for one of its readers.</summary>
    public SqliteConnection OpenForReading()
    {
        SqlitePlace.CheckKind(Path);
        try
        {
            return OpenAndRead(Path);
        }
        catch (SqliteException) when (IsAtRest())
        {
            // In a folder that nothing can be written to, SQLite wants to be told that there is no writer.
            return OpenAndRead(new UriBuilder("file", "") { Path = Path, Query = "immutable=1" }.Uri.AbsoluteUri);
        }
    }

    /// <summary>Runs statements that give nothing.</summary>
    public static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>The first value that a statement gives.</summary>
    public static object? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    /// <summary>What <paramref name="read"/> makes of the rows that a statement gives.</summary>
    public static List<T> List<T>(SqliteConnection connection, string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters) command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read()) rows.Add(read(reader));
        return rows;
    }

    /// <summary>True for what the disk, the file or its rights can do to us.</summary>
    public static bool IsFailure(Exception exception) =>
        exception is SqliteException or IOException or UnauthorizedAccessException or InvalidDataException;

    /// <summary>A failure in words for operators and publishers; no path in it.</summary>
    public static string Reason(Exception exception) => exception switch
    {
        SqliteException e => e.SqliteErrorCode switch
        {
            SQLitePCL.raw.SQLITE_FULL => "the disk is full",
            SQLitePCL.raw.SQLITE_READONLY => "the database is read-only",
            SQLitePCL.raw.SQLITE_BUSY or SQLitePCL.raw.SQLITE_LOCKED => "another process has locked the database",
            SQLitePCL.raw.SQLITE_CORRUPT or SQLitePCL.raw.SQLITE_NOTADB => "the database is damaged",
            SQLitePCL.raw.SQLITE_CANTOPEN when OpenFileLimit.AreUsedUp() => NoOpenFiles,
            SQLitePCL.raw.SQLITE_CANTOPEN or SQLitePCL.raw.SQLITE_PERM => "the database cannot be opened",
            SQLitePCL.raw.SQLITE_IOERR => "the disk fails",
            var code => $"SQLite says {code}",
        },
        UnauthorizedAccessException => "the database's folder may not be written to",
        InvalidDataException e => e.Message,
        IOException e when OpenFileLimit.IsExhaustion(e) => NoOpenFiles,
        IOException => "the database's folder cannot be used",
        _ => "the server has failed; its log says how",
    };

    private static SqliteConnection OpenAndRead(string source)
    {
        var connection = Open(source, SqliteOpenMode.ReadOnly);
        try
        {
            // A file is only looked at when something is read of it.
            CheckIsOurs(connection);
            Scalar(connection, "SELECT commits FROM store");
            Execute(connection, "PRAGMA temp_store = MEMORY");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static SqliteConnection Open(string source, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = source, Mode = mode, Pooling = false, DefaultTimeout = BusySeconds }.ToString());
        try
        {
            connection.Open();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static long CheckIsOurs(SqliteConnection connection)
    {
        var version = (long)Scalar(connection, "PRAGMA user_version")!;
        if (version > SchemaVersion) throw new InvalidDataException($"the database is of a newer version ({version}) than this server knows ({SchemaVersion})");
        var isEmpty = (long)Scalar(connection, "SELECT COUNT(*) FROM sqlite_schema")! == 0;
        if (!isEmpty && (long)Scalar(connection, "PRAGMA application_id")! != ApplicationId) throw new InvalidDataException("the file is another program's database");
        return version;
    }

    private static void Create(SqliteConnection connection)
    {
        using var transaction = connection.BeginTransaction();
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = Schema + $"""
            INSERT INTO store (one, uid, epoch, commits) VALUES (1, $uid, $epoch, 0);
            PRAGMA application_id = {ApplicationId};
            PRAGMA user_version = {SchemaVersion};
            """;
        command.Parameters.AddWithValue("$uid", Guid.NewGuid().ToString("N"));
        command.Parameters.AddWithValue("$epoch", Epoch.New());
        command.ExecuteNonQuery();
        transaction.Commit();
    }

    /// <summary>Nothing that was committed waits in the write-ahead log to be read with the file.</summary>
    private bool IsAtRest() => File.Exists(Path) && (!File.Exists(Path + "-wal") || new FileInfo(Path + "-wal").Length == 0);
}
