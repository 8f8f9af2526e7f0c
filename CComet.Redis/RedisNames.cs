using CComet.Storage;
using StackExchange.Redis;

namespace CComet.Redis;

/// <summary>The names of the channels that have a log, in one sorted set, which a cluster has on one of its servers.</summary>
/// <remarks>
/// On a cluster the script that appends cannot reach it, so a name is added behind the append: with the first message of a log, and once by each
/// process that appends to it, so that what a process that died has not added comes with the next message. The name of a log that is gone stays
/// until it is met.
/// </remarks>
/// <param name="database">Where it is.</param>
/// <param name="time">The clock.</param>
/// <param name="maxAge">The age at which messages are over.</param>
internal sealed class RedisNames(IDatabase database, TimeProvider time, TimeSpan maxAge)
{
    /// <summary>How many names are known to be there; when there are more, all are forgotten, and added again.</summary>
    private const int MaxKnown = 100_000;

    /// <summary>How many names a sweep looks at.</summary>
    private const int SweepSize = 100;

    private static readonly RedisValue[] Fields = ["epoch", "next", "first", "bytes", "time"];

    private readonly Lock _lock = new();

    /// <summary>The hashes of names that this process has added. Where two names have the same, one of them may be listed late.</summary>
    private readonly HashSet<int> _known = [];
    private string _sweptTo = "";

    /// <summary>Adds a name, unless this process has, without waiting for it. Commands of one connection keep their order.</summary>
    /// <param name="channel">The name.</param>
    /// <param name="isFirst">Whether the log begins: it may have been gone, and its name be forgotten.</param>
    public void Add(string channel, bool isFirst)
    {
        var hash = channel.GetHashCode(StringComparison.Ordinal);
        lock (_lock)
        {
            if (_known.Count >= MaxKnown) _known.Clear();
            if (!_known.Add(hash) && !isFirst) return;
        }

        if (!Messages.Names.IsUnlisted(channel)) _ = AddAsync(channel, hash);
    }

    /// <summary>Lists logs with messages, and forgets names of those that are gone.</summary>
    public async Task<LogPage> ListAsync(string prefix, string? after, int limit)
    {
        var from = after is not null && Messages.Names.Compare(after, prefix) > 0 ? after : prefix;
        var names = await ReadAsync(from, isExcluded: from == after, Messages.Names.EndOf(prefix), limit + 1);
        var heads = await Task.WhenAll(names.Take(limit).Select(name => database.HashGetAsync(new RedisKeys(name).Head, Fields, CommandFlags.DemandMaster)));
        var oldest = (time.GetUtcNow() - maxAge).ToUnixTimeMilliseconds();
        var logs = new List<ListedLog>(heads.Length);
        for (var i = 0; i < heads.Length; i++)
        {
            if (heads[i][0].IsNull)
            {
                await ForgetAsync(names[i]);
                continue;
            }

            var head = new LogHead(heads[i][0]!, (long)heads[i][2], (long)heads[i][1]);
            if (head.First < head.End && (long)heads[i][4] >= oldest) logs.Add(new ListedLog(names[i], head, (long)heads[i][3]));
        }

        return new LogPage(logs, names.Length > limit ? names[limit - 1] : null);
    }

    /// <summary>Forgets the names of logs that are gone, among the next ones.</summary>
    public async Task SweepAsync()
    {
        var names = await ReadAsync(_sweptTo, isExcluded: _sweptTo.Length > 0, null, SweepSize);
        var exist = await Task.WhenAll(names.Select(name => database.KeyExistsAsync(new RedisKeys(name).Head, CommandFlags.DemandMaster)));
        for (var i = 0; i < names.Length; i++)
        {
            if (!exist[i]) await ForgetAsync(names[i]);
        }

        _sweptTo = names.Length < SweepSize ? "" : names[^1];
    }

    private async Task<string[]> ReadAsync(string from, bool isExcluded, string? end, int count)
    {
        var exclude = (isExcluded ? Exclude.Start : Exclude.None) | (end is null ? Exclude.None : Exclude.Stop);
        RedisValue min = from.Length == 0 ? default : (RedisValue)from;
        var names = await database.SortedSetRangeByValueAsync(RedisKeys.Names, min, end is null ? default : (RedisValue)end, exclude, skip: 0, take: count, flags: CommandFlags.DemandMaster);
        return [.. names.Select(name => name.ToString())];
    }

    /// <summary>Removes a name whose log is gone. A log that began meanwhile has its name put back: its own publisher may have added it before it was removed.</summary>
    private async Task ForgetAsync(string name)
    {
        await database.SortedSetRemoveAsync(RedisKeys.Names, name);
        if (await database.KeyExistsAsync(new RedisKeys(name).Head, CommandFlags.DemandMaster)) await database.SortedSetAddAsync(RedisKeys.Names, name, 0);
    }

    private async Task AddAsync(string channel, int hash)
    {
        try
        {
            await database.SortedSetAddAsync(RedisKeys.Names, channel, 0);
        }
        catch (Exception e) when (RedisServers.IsFailure(e))
        {
            // The next message adds it.
            lock (_lock) _known.Remove(hash);
        }
    }
}
