using System.Globalization;
using CComet.Storage;
using StackExchange.Redis;

namespace CComet.Redis;

/// <summary>
/// Keeps the cursors of readers: for each a hash with its lease, and one with its cursors. Both are in one slot of a cluster, and none has a
/// time to live.
/// </summary>
/// <remarks>
/// A generation is one above the last, and the time of the server in milliseconds where that is more: a server that has lost the last ones,
/// as a replica may that takes another's place, gives none of them again, as far as its clock is not behind by more than they are old.
/// </remarks>
/// <param name="servers">Run the scripts.</param>
internal sealed class RedisCursors(RedisServers servers)
{
    private const string ScanEnd = "0";

    /// <inheritdoc cref="ICursorStore.LeaseReaderAsync"/>
    public async ValueTask<long?> LeaseAsync(string reader, string holder, TimeSpan life)
    {
        CursorBounds.Check(reader, holder);
        return (long?)await servers.RunAsync(RedisScript.LeaseReader, [LeaseOf(reader)], [holder, (long)life.TotalMilliseconds]);
    }

    /// <inheritdoc cref="ICursorStore.ReleaseReaderAsync"/>
    public async ValueTask ReleaseAsync(string reader, string holder)
    {
        CursorBounds.Check(reader, holder);
        await servers.RunAsync(RedisScript.ReleaseReader, [LeaseOf(reader)], [holder]);
    }

    /// <inheritdoc cref="ICursorStore.ReadCursorsAsync"/>
    /// <remarks>
    /// Read page by page, so that no other command waits for long. Each server has an order of its own: when another one answers meanwhile,
    /// the reading begins again, as cursors would be passed over otherwise.
    /// </remarks>
    public async ValueTask<IReadOnlyList<LogCursor>> ReadAsync(string reader)
    {
        CursorBounds.Check(reader);
        var found = new Dictionary<string, LogCursor>(StringComparer.Ordinal);
        var (run, next) = ((string?)null, ScanEnd);
        do
        {
            var page = (RedisResult[])(await servers.RunAsync(RedisScript.ReadCursors, [CursorsOf(reader)], [next]))!;
            var isAnother = run is not null && run != (string?)page[0];
            (run, next) = isAnother ? (null, ScanEnd) : ((string?)page[0], (string)page[1]!);
            if (isAnother) found.Clear();
            else Add(found, (RedisResult[])page[2]!);
        }
        while (run is null || next != ScanEnd);
        return [.. found.Values];
    }

    /// <inheritdoc cref="ICursorStore.SaveCursorsAsync"/>
    public async ValueTask<bool> SaveAsync(string reader, long generation, IReadOnlyList<LogCursor> cursors)
    {
        CursorBounds.Check(reader, cursors);
        var arguments = new RedisValue[1 + (2 * cursors.Count)];
        arguments[0] = generation;
        for (var i = 0; i < cursors.Count; i++)
        {
            arguments[1 + (2 * i)] = cursors[i].Log;
            arguments[2 + (2 * i)] = cursors[i].Epoch is { } epoch ? string.Create(CultureInfo.InvariantCulture, $"{epoch}:{cursors[i].Seqid}") : "";
        }

        return (int)await servers.RunAsync(RedisScript.SaveCursors, [LeaseOf(reader), CursorsOf(reader)], arguments) == 1;
    }

    /// <summary>Adds the cursors of a page; one may be in several.</summary>
    private static void Add(Dictionary<string, LogCursor> found, RedisResult[] fields)
    {
        for (var i = 0; i < fields.Length; i += 2)
        {
            var (log, value) = ((string)fields[i]!, (string)fields[i + 1]!);
            var colon = value.LastIndexOf(':');
            found[log] = new LogCursor(log, value[..colon], long.Parse(value.AsSpan(colon + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
        }
    }

    private static RedisKey LeaseOf(string reader) => $"ccomet:reader:{{{reader}}}:lease";

    private static RedisKey CursorsOf(string reader) => $"ccomet:reader:{{{reader}}}:cursors";
}
