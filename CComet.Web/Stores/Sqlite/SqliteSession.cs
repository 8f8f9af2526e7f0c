using CComet.Web.Hub;
using Microsoft.Data.Sqlite;

namespace CComet.Web.Stores.Sqlite;

/// <summary>The one connection that writes, and its statements, each prepared once. Used by one thread at a time.</summary>
internal sealed class SqliteSession : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly List<SqliteCommand> _commands = [];
    private readonly SqliteCommand _begin, _commit, _rollback, _count, _findChannel, _findId, _countIds;
    private readonly SqliteCommand _addChannel, _addMessage, _addId, _moveChannel;
    private (SqliteState State, long Channels, int Changes) _before;

    public SqliteSession(SqliteConnection connection)
    {
        _connection = connection;
        _begin = Command("BEGIN IMMEDIATE");
        _commit = Command("COMMIT");
        _rollback = Command("ROLLBACK");
        _count = Command("UPDATE store SET commits = commits + 1");
        _findChannel = Command(SqliteReader.FindChannel, "$name");
        _findId = Command("SELECT seqid FROM ids WHERE channel = $channel AND id = $id AND expires > $now", "$channel", "$id", "$now");
        _countIds = Command("SELECT COUNT(*) FROM ids WHERE channel = $channel", "$channel");
        _addChannel = Command(
            "INSERT INTO channels (name, epoch, first, next, trimmed, total, used) VALUES ($name, $epoch, 0, 0, 0, 0, $now) RETURNING id",
            "$name",
            "$epoch",
            "$now");
        _addMessage = Command(
            "INSERT INTO messages (channel, seqid, time, total, json) VALUES ($channel, $seqid, $time, $total, $json)",
            "$channel",
            "$seqid",
            "$time",
            "$total",
            "$json");
        _addId = Command(
            "INSERT OR REPLACE INTO ids (channel, id, seqid, expires) VALUES ($channel, $id, $seqid, $expires)", "$channel", "$id", "$seqid", "$expires");
        _moveChannel = Command(
            "UPDATE channels SET next = $next, total = $total, oldest = COALESCE(oldest, $oldest), used = $now WHERE id = $channel",
            "$channel",
            "$next",
            "$total",
            "$oldest",
            "$now");
        State = ReadState();
        Channels = (long)SqliteFile.Scalar(_connection, "SELECT COUNT(*) FROM channels")!;
    }

    /// <summary>What the database is, with the running transaction counted.</summary>
    public SqliteState State { get; private set; }

    /// <summary>How many channels have a row, with those of the running transaction.</summary>
    public long Channels { get; private set; }

    public void Begin()
    {
        _begin.ExecuteNonQuery();
        _before = (State, Channels, SQLitePCL.raw.sqlite3_total_changes(_connection.Handle));
    }

    /// <summary>Commits, and counts the transaction when it has changed something: an idle server writes nothing.</summary>
    public void Commit()
    {
        if (SQLitePCL.raw.sqlite3_total_changes(_connection.Handle) != _before.Changes)
        {
            _count.ExecuteNonQuery();
            State = State with { Commits = State.Commits + 1 };
        }

        _commit.ExecuteNonQuery();
    }

    public void Rollback()
    {
        (State, Channels) = (_before.State, _before.Channels);
        _rollback.ExecuteNonQuery();
    }

    /// <summary>The channel's row; of a channel without one, what it would be.</summary>
    public SqliteRow Find(string channel)
    {
        _findChannel.Parameters[0].Value = channel;
        using var reader = _findChannel.ExecuteReader();
        return reader.Read() ? SqliteReader.RowOf(reader) : SqliteReader.NoRow(State.Epoch);
    }

    /// <summary>The seqid that was stored under an id that is still remembered, or null.</summary>
    public long? FindId(long channel, string id, long now)
    {
        if (channel == 0) return null;
        Set(_findId, channel, id, now);
        return (long?)_findId.ExecuteScalar();
    }

    public long CountIds(long channel)
    {
        if (channel == 0) return 0;
        Set(_countIds, channel);
        return (long)_countIds.ExecuteScalar()!;
    }

    public long AddChannel(string name, string epoch, long now)
    {
        Set(_addChannel, name, epoch, now);
        Channels++;
        return (long)_addChannel.ExecuteScalar()!;
    }

    /// <summary>Adds a message; <paramref name="total"/> is the channel's bytes with it.</summary>
    public void AddMessage(long channel, Message message, long total)
    {
        Set(_addMessage, channel, message.Seqid, message.Time, total, message.Json);
        _addMessage.ExecuteNonQuery();
    }

    public void AddId(long channel, string id, long seqid, long expires)
    {
        Set(_addId, channel, id, seqid, expires);
        _addId.ExecuteNonQuery();
    }

    /// <summary>Moves the end of a channel to where its messages end.</summary>
    public void MoveChannel(SqliteRow row, long oldest, long now)
    {
        Set(_moveChannel, row.Id, row.Next, row.Total, oldest, now);
        _moveChannel.ExecuteNonQuery();
    }

    /// <summary>
    /// Begins a new life of every log, in a transaction of its own: what was acknowledged is not all there, and its numbers
    /// would be given again.
    /// </summary>
    public void BeginNewEpochs()
    {
        Begin();
        RenewEpoch();
        Run("UPDATE channels SET epoch = (SELECT epoch FROM store)");
        Commit();
    }

    /// <summary>Gives the channels of which nothing is stored another epoch, from the running transaction on.</summary>
    public void RenewEpoch()
    {
        State = State with { Epoch = Epoch.New() };
        Run("UPDATE store SET epoch = $epoch", ("$epoch", State.Epoch));
    }

    /// <summary>Notes that channels have lost their rows.</summary>
    public void ForgetChannels(int count) => Channels -= count;

    /// <summary>Runs a statement that is not worth keeping; gives how many rows it changed.</summary>
    public int Run(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters) command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command.ExecuteNonQuery();
    }

    /// <summary>Runs a statement that is not worth keeping, and gives what <paramref name="read"/> makes of its rows.</summary>
    public List<T> List<T>(string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> parameters) =>
        SqliteFile.List(_connection, sql, read, parameters);

    public void Dispose()
    {
        foreach (var command in _commands) command.Dispose();
        _connection.Dispose();
    }

    private static void Set(SqliteCommand command, params ReadOnlySpan<object> values)
    {
        for (var i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i];
    }

    private SqliteState ReadState() =>
        List("SELECT uid, epoch, commits FROM store", r => new SqliteState(r.GetString(0), r.GetString(1), r.GetInt64(2)))[0];

    private SqliteCommand Command(string sql, params ReadOnlySpan<string> parameters)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (var name in parameters) command.Parameters.Add(new SqliteParameter { ParameterName = name });
        _commands.Add(command);
        return command;
    }
}
