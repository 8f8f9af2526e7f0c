using System.Collections.Concurrent;
using CComet.Web.Hub;

namespace CComet.Web.Stores.Sqlite;

/// <summary>The logs in memory: those that are followed, and those that were published to of late.</summary>
internal sealed class SqliteLogs(TimeProvider time)
{
    private readonly ConcurrentDictionary<string, SqliteLog> _logs = new(StringComparer.Ordinal);

    public IEnumerable<SqliteLog> All => _logs.Values;

    public int Count => _logs.Count;

    public SqliteLog? Find(string channel) => _logs.GetValueOrDefault(channel);

    public SqliteLog Get(string channel) => _logs.TryGetValue(channel, out var log) ? log : _logs.GetOrAdd(channel, new SqliteLog(channel, time.GetUtcNow()));

    /// <summary>Follows a channel's log, read with <paramref name="find"/> when it is not in memory.</summary>
    public void Follow(string channel, ILogListener listener, Func<string, SqliteRow> find)
    {
        while (true)
        {
            var log = Get(channel);
            if (!log.IsLoaded) log.Load(find(channel));
            if (log.TryFollow(listener)) return;
            Remove(log);
        }
    }

    public void Unfollow(string channel, ILogListener listener) => Find(channel)?.Unfollow(listener, time.GetUtcNow());

    /// <summary>Lets go of the logs that nobody uses. The writer's, between its transactions.</summary>
    public void Evict(TimeSpan idle)
    {
        var now = time.GetUtcNow();
        foreach (var log in All)
        {
            if (log.TryClose(now, idle)) Remove(log);
        }
    }

    private void Remove(SqliteLog log) => _logs.TryRemove(KeyValuePair.Create(log.Name, log));
}
