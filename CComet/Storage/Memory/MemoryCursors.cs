namespace CComet.Storage.Memory;

/// <summary>The readers of the memory store, their leases and their cursors.</summary>
/// <param name="time">The clock.</param>
internal sealed class MemoryCursors(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly ReaderLeases _leases = new(time);
    private readonly Dictionary<string, Dictionary<string, LogCursor>> _readers = new(StringComparer.Ordinal);

    /// <inheritdoc cref="ICursorStore.LeaseReaderAsync"/>
    public long? Lease(string reader, string holder, TimeSpan life)
    {
        CursorBounds.Check(reader, holder);
        lock (_lock)
        {
            var generation = _leases.Renew(reader, holder, life);
            if (generation is not ReaderLeases.Free) return generation;
            generation = _leases.LastGeneration(reader) + 1;
            _leases.TakeOut(reader, holder, life, generation.Value);
            return generation;
        }
    }

    /// <inheritdoc cref="ICursorStore.ReleaseReaderAsync"/>
    public void Release(string reader, string holder)
    {
        CursorBounds.Check(reader, holder);
        _leases.End(reader, holder);
    }

    /// <inheritdoc cref="ICursorStore.ReadCursorsAsync"/>
    public IReadOnlyList<LogCursor> Read(string reader)
    {
        CursorBounds.Check(reader);
        lock (_lock) return _readers.TryGetValue(reader, out var cursors) ? [.. cursors.Values] : [];
    }

    /// <inheritdoc cref="ICursorStore.SaveCursorsAsync"/>
    public bool Save(string reader, long generation, IReadOnlyList<LogCursor> cursors)
    {
        CursorBounds.Check(reader, cursors);
        lock (_lock)
        {
            if (generation <= 0 || generation != _leases.LastGeneration(reader)) return false;
            if (!_readers.TryGetValue(reader, out var kept)) _readers[reader] = kept = new Dictionary<string, LogCursor>(StringComparer.Ordinal);
            foreach (var cursor in cursors)
            {
                if (cursor.Epoch is null) kept.Remove(cursor.Log);
                else kept[cursor.Log] = cursor;
            }

            return true;
        }
    }
}
