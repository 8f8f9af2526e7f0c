using System.Globalization;
using CComet.Storage;
using StackExchange.Redis;

namespace CComet.Redis;

/// <summary>
/// Keeps the records: a hash for each kind, whose values begin with their end in milliseconds and a colon, and a sorted set of the ends.
/// Both are in one slot of a cluster.
/// </summary>
internal sealed class RedisRecords(IDatabase database, RedisServers servers, TimeProvider time)
{
    private const byte Colon = (byte)':';

    /// <inheritdoc cref="IRecordStore.PutRecordAsync"/>
    public async ValueTask PutAsync(string kind, string name, ReadOnlyMemory<byte> value, DateTimeOffset? expires)
    {
        RecordBounds.Check(kind, name, value);
        RedisValue end = expires is { } at ? Milliseconds(at) : "";
        RedisValue[] arguments = [name, value, end, Milliseconds(time.GetUtcNow()), RecordBounds.RecordsOfAKind];
        if ((int)await servers.RunAsync(RedisScript.PutRecord, [ValuesOf(kind), $"ccomet:records:{{{kind}}}:ends"], arguments) == 0) throw RecordBounds.TooMany(kind);
    }

    /// <inheritdoc cref="IRecordStore.ReadRecordsAsync"/>
    public async ValueTask<IReadOnlyDictionary<string, byte[]>> ReadAsync(string kind)
    {
        RecordBounds.Check(kind);
        try
        {
            var now = Milliseconds(time.GetUtcNow());
            var found = new Dictionary<string, byte[]>(StringComparer.Ordinal);
            foreach (var entry in await database.HashGetAllAsync(ValuesOf(kind), CommandFlags.DemandMaster))
            {
                byte[] kept = entry.Value!;
                var colon = kept.AsSpan().IndexOf(Colon);
                var isKept = colon == 0 || (colon > 0 && long.TryParse(kept.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture, out var end) && end > now);
                if (isKept) found.Add(entry.Name!, kept[(colon + 1)..]);
            }

            return found;
        }
        catch (Exception e) when (RedisServers.IsFailure(e))
        {
            throw RedisServers.Unavailable(e);
        }
    }

    private static RedisKey ValuesOf(string kind) => $"ccomet:records:{{{kind}}}:values";

    private static long Milliseconds(DateTimeOffset time) => time.ToUnixTimeMilliseconds();
}
