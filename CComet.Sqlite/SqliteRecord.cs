using CComet.Storage;

namespace CComet.Sqlite;

/// <summary>A record that is put, in a table apart from the logs; drops those that have expired.</summary>
internal sealed class SqliteRecord(string kind, string name, byte[] value, DateTimeOffset? expires) : SqliteWrite<bool>
{
    public override long Bytes => value.Length;

    /// <summary>Reads the records of a kind that have not expired.</summary>
    public static IReadOnlyDictionary<string, byte[]> Read(SqliteReader reader, string kind, DateTimeOffset now) => reader.List(
        "SELECT name, value FROM records WHERE kind = $kind AND (expires IS NULL OR expires > $now)",
        row => KeyValuePair.Create(row.GetString(0), row.GetFieldValue<byte[]>(1)),
        ("$kind", kind),
        ("$now", now.ToUnixTimeMilliseconds())).ToDictionary(StringComparer.Ordinal);

    protected override bool Write(SqliteTransactionScope scope)
    {
        var session = scope.Session;
        session.Run("DELETE FROM records WHERE expires <= $now", ("$now", scope.Now.ToUnixTimeMilliseconds()));
        var others = session.List("SELECT COUNT(*) FROM records WHERE kind = $kind AND name <> $name", row => row.GetInt64(0), ("$kind", kind), ("$name", name))[0];
        if (others >= RecordBounds.RecordsOfAKind) throw RecordBounds.TooMany(kind);
        session.Run(
            "INSERT OR REPLACE INTO records (kind, name, value, expires) VALUES ($kind, $name, $value, $expires)",
            ("$kind", kind),
            ("$name", name),
            ("$value", value),
            ("$expires", expires?.ToUnixTimeMilliseconds()));
        return true;
    }
}
