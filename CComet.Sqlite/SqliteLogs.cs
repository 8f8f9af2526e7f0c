using System.Collections.Concurrent;
using CComet.Storage;

namespace CComet.Sqlite;

/// <summary>The logs in memory: those that are followed, and those that were published to of late.</summary>
internal sealed class SqliteLogs(TimeProvider time)
{
    private readonly ConcurrentDictionary<string, SqliteLog> _logs = new(StringComparer.Ordinal);
    private readonly Uptime _uptime = new(time);

    public IEnumerable<SqliteLog> All => _logs.Values;

    public int Count => _logs.Count;

    /// <summary>The time by which logs are idle.</summary>
    public long Now => _uptime.Now;

    public SqliteLog? Find(string channel) => _logs.GetValueOrDefault(channel);

    public SqliteLog Get(string channel) => _logs.TryGetValue(channel, out var log) ? log : _logs.GetOrAdd(channel, new SqliteLog(channel, Now));

    /// <summary>Follows a channel's log, whose row is read with <paramref name="find"/> when it is not in memory.</summary>
    public async ValueTask FollowAsync(string channel, ILogListener listener, Func<ValueTask<SqliteRow>> find)
    {
        while (true)
        {
            var log = Get(channel);
            try
            {
                if (!log.IsLoaded) log.Load(await find());
            }
            catch
            {
                RemoveIdle(log, TimeSpan.Zero);
                throw;
            }

            if (log.TryFollow(listener)) return;
            Remove(log);
        }
    }

    /// <summary>Ends what <see cref="FollowAsync"/> began. Of a channel of which nothing is stored nothing stays in memory.</summary>
    public void Unfollow(string channel, ILogListener listener)
    {
        if (Find(channel) is { } log && log.Unfollow(listener, Now)) RemoveIdle(log, TimeSpan.Zero);
    }

    /// <summary>Removes the logs that are not in use.</summary>
    public void Evict(TimeSpan idle)
    {
        foreach (var log in All) RemoveIdle(log, idle);
    }

    /// <summary>Removes a log when it is not in use; true when it was removed.</summary>
    public bool RemoveIdle(SqliteLog log, TimeSpan idle)
    {
        if (!log.TryClose(Now, idle)) return false;
        Remove(log);
        return true;
    }

    /// <summary>Takes out a log that is closed.</summary>
    public void Remove(SqliteLog log) => _logs.TryRemove(KeyValuePair.Create(log.Name, log));
}
