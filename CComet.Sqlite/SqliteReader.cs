using CComet.Messages;
using CComet.Storage;
using Microsoft.Data.Sqlite;

namespace CComet.Sqlite;

/// <summary>One connection that reads, and its statements. Used by one thread at a time.</summary>
internal sealed class SqliteReader : IDisposable
{
    /// <summary>A channel's row by its name.</summary>
    public const string FindChannel = "SELECT id, epoch, first, next, total FROM channels WHERE name = $name";

    /// <summary>
    /// The oldest message that the bounds let stand, from <c>$from</c> on. The newest stays however large it is. What the
    /// sweeper has not got to yet is passed over here, so that no reader sees how far it has come.
    /// </summary>
    public const string FindFirst = """
        SELECT seqid, time, total - length(json) FROM messages
        WHERE channel = $channel AND seqid >= $from AND time >= $cutoff
          AND (seqid = $next - 1 OR $total - total + length(json) <= $maxBytes)
        ORDER BY seqid LIMIT 1
        """;

    private readonly SqliteConnection _connection;
    private readonly HistoryOptions _history;
    private readonly SqliteCommand _state, _channel, _first, _messages;

    public SqliteReader(SqliteConnection connection, HistoryOptions history)
    {
        _connection = connection;
        _history = history;
        _state = Command("SELECT uid, epoch, commits FROM store");
        _channel = Command(FindChannel, "$name");
        _first = Command(FindFirst, "$channel", "$from", "$cutoff", "$next", "$total", "$maxBytes");
        _messages = Command("SELECT seqid, time, json FROM messages WHERE channel = $channel AND seqid >= $from ORDER BY seqid", "$channel", "$from");
    }

    /// <summary>Of which files this connection reads; see <see cref="SqliteReaders.Renew"/>.</summary>
    public int Generation { get; init; }

    public static SqliteRow RowOf(SqliteDataReader reader) =>
        new(reader.GetInt64(0), reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4));

    /// <summary>Takes the place of the row of a channel that has none: the channel gets one with its first message.</summary>
    public static SqliteRow NoRow(string epoch) => new(0, epoch, 0, 0, 0);

    public SqliteState State()
    {
        using var reader = _state.ExecuteReader();
        reader.Read();
        return new SqliteState(reader.GetString(0), reader.GetString(1), reader.GetInt64(2));
    }

    public SqliteRow Find(string channel)
    {
        _channel.Parameters[0].Value = channel;
        using var reader = _channel.ExecuteReader();
        return reader.Read() ? RowOf(reader) : NoRow(State().Epoch);
    }

    /// <summary>Reads a channel's messages as they stand at one moment.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="from">The first seqid wanted.</param>
    /// <param name="maxBytes">About how much; at least one message where there is one.</param>
    /// <param name="now">Whose age is over by now is passed over.</param>
    /// <param name="epoch">The epoch of the channel if it has no row, when its followers have been told one.</param>
    public LogSlice Read(string channel, long from, long maxBytes, DateTimeOffset now, string? epoch)
    {
        return AtOnce(() =>
        {
            var row = RowOf(channel, epoch);
            var head = new LogHead(row.Epoch, First(row, now), row.Next);
            return new LogSlice(head, from >= row.Next ? [] : Messages(row.Id, Math.Max(from, head.First), maxBytes));
        });
    }

    /// <summary>Reads the bounds of a channel's log; the parameters are those of <see cref="Read"/>.</summary>
    public LogHead Head(string channel, DateTimeOffset now, string? epoch)
    {
        var row = RowOf(channel, epoch);
        return new LogHead(row.Epoch, First(row, now), row.Next);
    }

    /// <summary>Reads several things as they stand at one moment.</summary>
    public T AtOnce<T>(Func<T> read)
    {
        using var transaction = _connection.BeginTransaction(deferred: true);
        SetTransaction(transaction);
        try
        {
            return read();
        }
        finally
        {
            SetTransaction(null);
        }
    }

    /// <summary>Runs a statement that is not worth keeping, and gives what <paramref name="read"/> makes of its rows.</summary>
    public List<T> List<T>(string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> parameters) =>
        SqliteFile.List(_connection, sql, read, parameters);

    public void Dispose()
    {
        _state.Dispose();
        _channel.Dispose();
        _first.Dispose();
        _messages.Dispose();
        _connection.Dispose();
    }

    private SqliteRow RowOf(string channel, string? epoch)
    {
        var row = Find(channel);
        return row.Id == 0 && epoch is not null ? NoRow(epoch) : row;
    }

    /// <summary>The seqid of the oldest message that the bounds let stand; the end where there is none.</summary>
    public long First(SqliteRow row, DateTimeOffset now)
    {
        if (row.Id == 0) return row.Next;
        _first.Parameters[0].Value = row.Id;
        _first.Parameters[1].Value = Math.Max(row.First, row.Next - _history.MaxMessages);
        _first.Parameters[2].Value = (now - _history.MaxAge).ToUnixTimeMilliseconds();
        _first.Parameters[3].Value = row.Next;
        _first.Parameters[4].Value = row.Total;
        _first.Parameters[5].Value = _history.MaxBytes;
        return (long?)_first.ExecuteScalar() ?? row.Next;
    }

    private Message[] Messages(long channel, long from, long maxBytes)
    {
        _messages.Parameters[0].Value = channel;
        _messages.Parameters[1].Value = from;
        using var reader = _messages.ExecuteReader();
        var messages = new List<Message>();
        for (long bytes = 0; reader.Read();)
        {
            var json = reader.GetFieldValue<byte[]>(2);
            bytes += json.Length;
            if (messages.Count > 0 && bytes > maxBytes) break;
            messages.Add(new Message(reader.GetInt64(0), reader.GetInt64(1), json));
        }

        return [.. messages];
    }

    private void SetTransaction(SqliteTransaction? transaction) =>
        _state.Transaction = _channel.Transaction = _first.Transaction = _messages.Transaction = transaction;

    private SqliteCommand Command(string sql, params ReadOnlySpan<string> parameters)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (var name in parameters) command.Parameters.Add(new SqliteParameter { ParameterName = name });
        return command;
    }
}
