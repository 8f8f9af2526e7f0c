namespace CComet.Storage.Memory;

/// <summary>The records of the memory store, by their kinds and names.</summary>
internal sealed class MemoryRecords(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Dictionary<string, MemoryRecord>> _kinds = new(StringComparer.Ordinal);

    /// <summary>Puts a record, and drops those of its kind that have expired.</summary>
    /// <exception cref="ArgumentException">The kind, the name or the value is out of its bounds.</exception>
    /// <exception cref="LimitException">The kind has no room.</exception>
    public void Put(string kind, string name, ReadOnlyMemory<byte> value, DateTimeOffset? expires)
    {
        RecordBounds.Check(kind, name, value);
        var now = time.GetUtcNow();
        lock (_lock)
        {
            if (!_kinds.TryGetValue(kind, out var records)) _kinds[kind] = records = new Dictionary<string, MemoryRecord>(StringComparer.Ordinal);
            foreach (var (old, record) in records)
            {
                // A dictionary may be removed from while it is gone through.
                if (record.Expires <= now) records.Remove(old);
            }

            if (records.Count >= RecordBounds.RecordsOfAKind && !records.ContainsKey(name)) throw RecordBounds.TooMany(kind);
            records[name] = new MemoryRecord(value.ToArray(), expires);
        }
    }

    /// <summary>Copies the records of a kind that have not expired.</summary>
    /// <exception cref="ArgumentException">The kind is out of its bounds.</exception>
    public IReadOnlyDictionary<string, byte[]> Read(string kind)
    {
        RecordBounds.Check(kind);
        var now = time.GetUtcNow();
        var found = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        lock (_lock)
        {
            foreach (var (name, record) in _kinds.GetValueOrDefault(kind) ?? [])
            {
                if (!(record.Expires <= now)) found.Add(name, [.. record.Value]);
            }
        }

        return found;
    }

    private readonly record struct MemoryRecord(byte[] Value, DateTimeOffset? Expires);
}
