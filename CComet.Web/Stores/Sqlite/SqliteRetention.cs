using CComet.Web.Hub;

namespace CComet.Web.Stores.Sqlite;

/// <summary>
/// Takes away what the bounds no longer let stand, in steps so small that publishes pass between them. Readers never see how
/// far it has come: they apply the bounds themselves.
/// </summary>
internal sealed class SqliteRetention(SqliteWriter writer, SqliteReaders readers, HistoryOptions history, TimeSpan remember, TimeSpan idle, TimeProvider time)
{
    private const int StepRows = 1_000;
    private const int StepPages = 256;
    private const int MostChannels = 1_000;

    /// <summary>One round of everything that is due.</summary>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        await writer.CheckPlaceAsync();
        await RepeatAsync(ForgetIds, cancellation);
        foreach (var channel in await OverdueAsync(cancellation)) await RepeatAsync(scope => Trim(scope, channel), cancellation);
        await RepeatAsync(ForgetChannels, cancellation);
        await RepeatAsync(GiveBackPages, cancellation);
    }

    private async Task RepeatAsync(Func<SqliteTransactionScope, int> step, CancellationToken cancellation)
    {
        while (await writer.WriteAsync(new SqliteStep(step)) > 0) cancellation.ThrowIfCancellationRequested();
    }

    private long Cutoff => (time.GetUtcNow() - history.MaxAge).ToUnixTimeMilliseconds();

    private ValueTask<List<long>> OverdueAsync(CancellationToken cancellation) => readers.UseAsync(
        reader => reader.List(
            """
            SELECT id FROM channels WHERE next - first > $messages OR total - trimmed > $bytes OR oldest < $cutoff LIMIT $most
            """,
            row => row.GetInt64(0),
            ("$messages", history.MaxMessages),
            ("$bytes", history.MaxBytes),
            ("$cutoff", Cutoff),
            ("$most", MostChannels)),
        cancellation);

    private static int ForgetIds(SqliteTransactionScope scope)
    {
        var channels = scope.Session.List(
            """
            DELETE FROM ids WHERE (channel, id) IN (SELECT channel, id FROM ids WHERE expires <= $now ORDER BY expires LIMIT $most) RETURNING channel
            """,
            row => row.GetInt64(0),
            ("$now", scope.Now.ToUnixTimeMilliseconds()),
            ("$most", StepRows));

        // Who has counted them counts anew.
        if (channels.Count == 0) return 0;
        var changed = channels.ToHashSet();
        foreach (var log in scope.Logs.All) log.RecountIds(changed);
        return channels.Count == StepRows ? 1 : 0;
    }

    /// <summary>Takes away a channel's oldest messages; gives how many more are due.</summary>
    private int Trim(SqliteTransactionScope scope, long channel)
    {
        var session = scope.Session;
        if (session.List("SELECT name, epoch, first, next, total FROM channels WHERE id = $id", row => (Name: row.GetString(0), Row: new SqliteRow(channel, row.GetString(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4))), ("$id", channel))
            is not [var (name, row)]) return 0;
        var keep = session.List(
            SqliteReader.FindFirst,
            r => r.GetInt64(0),
            ("$channel", channel),
            ("$from", Math.Max(row.First, row.Next - history.MaxMessages)),
            ("$cutoff", Cutoff),
            ("$next", row.Next),
            ("$total", row.Total),
            ("$maxBytes", history.MaxBytes)) is [var found] ? found : row.Next;
        var first = Math.Min(keep, row.First + StepRows);
        if (first == row.First) return 0;
        session.Run("DELETE FROM messages WHERE channel = $channel AND seqid < $first", ("$channel", channel), ("$first", first));
        session.Run(
            """
            UPDATE channels SET first = $first,
                trimmed = COALESCE((SELECT total - length(json) FROM messages WHERE channel = $channel AND seqid = $first), total),
                oldest = (SELECT time FROM messages WHERE channel = $channel AND seqid = $first)
            WHERE id = $channel
            """,
            ("$channel", channel),
            ("$first", first));
        scope.Logs.Find(name)?.Trim(first);
        return (int)(keep - first);
    }

    /// <summary>
    /// Forgets the channels that have been empty and unused for long. If one comes back, it must not be taken for what it was:
    /// the epoch of channels without a row changes with it.
    /// </summary>
    private int ForgetChannels(SqliteTransactionScope scope)
    {
        scope.Logs.Evict(idle);
        var forgotten = scope.Session.List(
            """
            SELECT id, name FROM channels WHERE first = next AND used < $used AND NOT EXISTS (SELECT 1 FROM ids WHERE channel = channels.id) LIMIT $most
            """,
            row => (Id: row.GetInt64(0), Name: row.GetString(1)),
            ("$used", (time.GetUtcNow() - remember).ToUnixTimeMilliseconds()),
            ("$most", StepRows)).Where(c => scope.Logs.Find(c.Name) is null).ToList();
        if (forgotten.Count == 0) return 0;
        foreach (var (id, _) in forgotten) scope.Session.Run("DELETE FROM channels WHERE id = $id", ("$id", id));
        scope.Session.ForgetChannels(forgotten.Count);
        scope.Session.RenewEpoch();
        scope.Forgotten.AddRange(forgotten.Select(c => c.Name));
        return forgotten.Count;
    }

    /// <summary>Gives the disk back what a burst has left, when it is more than a quarter of the file.</summary>
    private static int GiveBackPages(SqliteTransactionScope scope)
    {
        var free = scope.Session.List("PRAGMA freelist_count", row => row.GetInt64(0))[0];
        var all = scope.Session.List("PRAGMA page_count", row => row.GetInt64(0))[0];
        if (free < 4 * StepPages || free < all / 4) return 0;
        scope.Session.Run($"PRAGMA incremental_vacuum({StepPages})");
        return 1;
    }
}
