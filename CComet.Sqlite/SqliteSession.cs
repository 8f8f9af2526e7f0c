using CComet.Messages;
using Microsoft.Data.Sqlite;

namespace CComet.Sqlite;

/// <summary>The one connection that writes, and its statements, each prepared once. Used by one thread at a time.</summary>
internal sealed class SqliteSession : IDisposable
{
    /// <summary>What a message takes in the file beside its JSON, about.</summary>
    public const int MessageOverhead = 64;

    /// <summary>What a channel takes in the file beside its messages, about.</summary>
    private const int ChannelOverhead = 256;

    private readonly SqliteConnection _connection;
    private readonly List<SqliteCommand> _commands = [];
    private readonly SqliteCommand _begin, _commit, _rollback, _count, _findChannel, _findId, _countIds, _size;
    private readonly SqliteCommand _addChannel, _addMessage, _addId, _moveChannel;
    private (SqliteState State, SqliteTotals Totals, int Changes) _before;
    private SqliteTotals _totals;

    public SqliteSession(SqliteConnection connection)
    {
        _connection = connection;
        _begin = Command("BEGIN IMMEDIATE");
        _commit = Command("COMMIT");
        _rollback = Command("ROLLBACK");
        _count = Command("UPDATE store SET commits = commits + 1");
        _findChannel = Command(SqliteReader.FindChannel, "$name");
        _findId = Command("SELECT seqid, expires FROM ids WHERE channel = $channel AND id = $id", "$channel", "$id");
        _countIds = Command("SELECT COUNT(*) FROM ids WHERE channel = $channel", "$channel");
        _size = Command($"SELECT {Size} FROM channels WHERE id = $channel", "$channel");
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
        _totals = List(
            $"SELECT COUNT(*), COALESCE(SUM({Size}), 0), (SELECT COUNT(*) FROM ids) FROM channels",
            r => new SqliteTotals(r.GetInt64(0), r.GetInt64(1), r.GetInt64(2)))[0];
    }

    /// <summary>What a channel's messages take, as an expression over its row.</summary>
    public static string Size => $"total - trimmed + {MessageOverhead} * (next - first)";

    /// <summary>What the database is, with the running transaction counted.</summary>
    public SqliteState State { get; private set; }

    /// <summary>How many channels have a row, with those of the running transaction.</summary>
    public long Channels => _totals.Channels;

    /// <summary>What all channels and their messages take, about, with those of the running transaction.</summary>
    public long Bytes => _totals.MessageBytes + (_totals.Channels * ChannelOverhead);

    /// <summary>How many ids there are, with those of the running transaction.</summary>
    public long Ids => _totals.Ids;

    public void Begin()
    {
        _begin.ExecuteNonQuery();
        _before = (State, _totals, SQLitePCL.raw.sqlite3_total_changes(_connection.Handle));
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
        (State, _totals) = (_before.State, _before.Totals);
        _rollback.ExecuteNonQuery();
    }

    /// <summary>The channel's row; of a channel without one, what it would be.</summary>
    public SqliteRow Find(string channel)
    {
        _findChannel.Parameters[0].Value = channel;
        using var reader = _findChannel.ExecuteReader();
        return reader.Read() ? SqliteReader.RowOf(reader) : SqliteReader.NoRow(State.Epoch);
    }

    /// <summary>The row of a channel that has one.</summary>
    public SqliteRow? FindById(long channel) =>
        List("SELECT id, epoch, first, next, total FROM channels WHERE id = $id", SqliteReader.RowOf, ("$id", channel)) is [var row] ? row : null;

    /// <summary>What a channel's messages take; 0 when it has no row.</summary>
    public long SizeOf(long channel)
    {
        Set(_size, channel);
        return (long?)_size.ExecuteScalar() ?? 0;
    }

    /// <summary>The seqid that was stored under an id that is still remembered, or null.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="id">The id.</param>
    /// <param name="now">The time; an id that is over it is taken away.</param>
    /// <param name="forgotten">Whether one was.</param>
    public long? FindId(long channel, string id, long now, out bool forgotten)
    {
        forgotten = false;
        if (channel == 0) return null;
        Set(_findId, channel, id);
        using (var reader = _findId.ExecuteReader())
        {
            if (!reader.Read()) return null;
            if (reader.GetInt64(1) > now) return reader.GetInt64(0);
        }

        forgotten = true;
        Run("DELETE FROM ids WHERE channel = $channel AND id = $id", ("$channel", channel), ("$id", id));
        _totals = _totals with { Ids = _totals.Ids - 1 };
        return null;
    }

    /// <summary>Takes away ids that are over their time, those that were so first; gives the channel of each.</summary>
    public List<long> ForgetIds(long now, int most)
    {
        var channels = List(
            """
            DELETE FROM ids WHERE (channel, id) IN (SELECT channel, id FROM ids WHERE expires <= $now ORDER BY expires LIMIT $most) RETURNING channel
            """,
            row => row.GetInt64(0),
            ("$now", now),
            ("$most", most));
        _totals = _totals with { Ids = _totals.Ids - channels.Count };
        return channels;
    }

    /// <summary>When the first of a channel's ids is forgotten; a look at each of them.</summary>
    public long? NextIdExpiry(long channel) => List("SELECT MIN(expires) FROM ids WHERE channel = $channel", r => r.IsDBNull(0) ? (long?)null : r.GetInt64(0), ("$channel", channel))[0];

    /// <summary>Lets ids end within their time: those of a run whose clock was ahead would else stay for as long as it was.</summary>
    public void BoundIds(long latest) => Run("UPDATE ids SET expires = $latest WHERE expires > $latest", ("$latest", latest));

    public long CountIds(long channel)
    {
        if (channel == 0) return 0;
        Set(_countIds, channel);
        return (long)_countIds.ExecuteScalar()!;
    }

    public long AddChannel(string name, string epoch, long now)
    {
        Set(_addChannel, name, epoch, now);
        _totals = _totals with { Channels = _totals.Channels + 1 };
        return (long)_addChannel.ExecuteScalar()!;
    }

    /// <summary>Adds a message; <paramref name="total"/> is the channel's bytes with it.</summary>
    public void AddMessage(long channel, Message message, long total)
    {
        Set(_addMessage, channel, message.Seqid, message.Time, total, message.Record);
        _addMessage.ExecuteNonQuery();
        _totals = _totals with { MessageBytes = _totals.MessageBytes + message.Record.Length + MessageOverhead };
    }

    public void AddId(long channel, string id, long seqid, long expires)
    {
        Set(_addId, channel, id, seqid, expires);
        _addId.ExecuteNonQuery();
        _totals = _totals with { Ids = _totals.Ids + 1 };
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

    /// <summary>Takes away the row of a channel that has no messages, and its ids.</summary>
    public void ForgetChannel(long channel)
    {
        var ids = Run("DELETE FROM ids WHERE channel = $channel", ("$channel", channel));
        Run("DELETE FROM channels WHERE id = $channel", ("$channel", channel));
        _totals = _totals with { Channels = _totals.Channels - 1, Ids = _totals.Ids - ids };
    }

    /// <summary>Takes away all messages and ids of a channel, and begins another epoch in its row.</summary>
    public void ClearChannel(long channel, string epoch, long now)
    {
        var size = SizeOf(channel);
        Run("DELETE FROM messages WHERE channel = $channel", ("$channel", channel));
        var ids = Run("DELETE FROM ids WHERE channel = $channel", ("$channel", channel));
        Run(
            "UPDATE channels SET epoch = $epoch, first = 0, next = 0, trimmed = 0, total = 0, oldest = NULL, used = $now WHERE id = $channel",
            ("$channel", channel),
            ("$epoch", epoch),
            ("$now", now));
        _totals = _totals with { MessageBytes = _totals.MessageBytes - size, Ids = _totals.Ids - ids };
    }

    /// <summary>Takes away a channel's messages from one seqid up to another, which is then its first; gives its name.</summary>
    public string Trim(long channel, long from, long first)
    {
        Run("DELETE FROM messages WHERE channel = $channel AND seqid >= $from AND seqid < $first", ("$channel", channel), ("$from", from), ("$first", first));
        var before = SizeOf(channel);
        var name = List(
            """
            UPDATE channels SET first = $first,
                trimmed = COALESCE((SELECT total - length(json) FROM messages WHERE channel = $channel AND seqid = $first), total),
                oldest = (SELECT time FROM messages WHERE channel = $channel AND seqid = $first)
            WHERE id = $channel RETURNING name
            """,
            r => r.GetString(0),
            ("$channel", channel),
            ("$first", first))[0];
        _totals = _totals with { MessageBytes = _totals.MessageBytes + SizeOf(channel) - before };
        return name;
    }

    /// <summary>Runs a statement that is not worth keeping; gives how many rows it changed.</summary>
    public int Run(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters) command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command.ExecuteNonQuery();
    }

    /// <summary>Runs a statement, prepared once, for each of some rows.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="names">The names of its parameters.</param>
    /// <param name="rows">Their values, none of them null.</param>
    public void RunEach(string sql, ReadOnlySpan<string> names, IEnumerable<object[]> rows)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (var name in names) command.Parameters.Add(new SqliteParameter { ParameterName = name });
        foreach (var row in rows)
        {
            Set(command, row);
            command.ExecuteNonQuery();
        }
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

/// <summary>How much there is in the file.</summary>
/// <param name="Channels">Channels with a row.</param>
/// <param name="MessageBytes">What their messages take, about.</param>
/// <param name="Ids">Ids, with those that are over their time and not yet taken away.</param>
internal readonly record struct SqliteTotals(long Channels, long MessageBytes, long Ids);
