using CComet.Messages;
using CComet.Storage;

namespace CComet.Sqlite;

/// <summary>Lists the channels that have messages, by the index of their names, whose order is that of UTF-8 bytes.</summary>
internal static class SqliteList
{
    private const string Channels = """
        SELECT id, epoch, first, next, total, trimmed, name FROM channels
        WHERE name >= $from AND name <> $after AND ($end IS NULL OR name < $end) AND first < next
        ORDER BY name LIMIT $limit
        """;

    /// <summary>Reads a page.</summary>
    /// <param name="reader">The connection.</param>
    /// <param name="prefix">What the names begin with.</param>
    /// <param name="after">The name behind which to begin, or null.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="now">Whose age is over by now is passed over.</param>
    public static LogPage Read(SqliteReader reader, string prefix, string? after, int limit, DateTimeOffset now)
    {
        var from = after is not null && Names.Compare(after, prefix) > 0 ? after : prefix;
        var rows = reader.List(
            Channels,
            row => (Row: SqliteReader.RowOf(row), Trimmed: row.GetInt64(5), Name: row.GetString(6)),
            ("$from", from),
            ("$after", after ?? ""),
            ("$end", Names.EndOf(prefix)),
            ("$limit", limit + 1));
        var logs = new List<ListedLog>(Math.Min(rows.Count, limit));
        foreach (var (row, trimmed, name) in rows.Take(limit))
        {
            var first = reader.First(row, now);
            if (first < row.Next) logs.Add(new ListedLog(name, new LogHead(row.Epoch, first, row.Next), row.Total - trimmed));
        }

        return new LogPage(logs, rows.Count > limit ? rows[limit - 1].Name : null);
    }
}
