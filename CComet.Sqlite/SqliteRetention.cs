namespace CComet.Sqlite;

/// <summary>
/// Takes away what the bounds no longer let stand, in steps so small that publishes pass between them. Readers never see how
/// far it has come: they apply the bounds themselves.
/// </summary>
internal sealed class SqliteRetention(SqliteWriter writer, SqliteReaders readers, HubOptions options, TimeSpan remember, TimeProvider time)
{
    private const int StepRows = 1_000;
    private const int StepPages = 256;
    private const int MaxChannels = 1_000;

    /// <summary>One round of everything that is due.</summary>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        await writer.CheckPlaceAsync();
        await RepeatAsync(ForgetIds, cancellation);
        for (List<long> overdue = [0]; overdue is [.., var last];)
        {
            overdue = await OverdueAsync(last, cancellation);
            foreach (var channel in overdue) await RepeatAsync(scope => scope.TrimOverdue(channel, StepRows), cancellation);
        }

        await ForgetChannelsAsync(cancellation);
        await RepeatAsync(GiveBackPages, cancellation);
    }

    private async Task RepeatAsync(Func<SqliteTransactionScope, int> step, CancellationToken cancellation)
    {
        while (await writer.WriteAsync(new SqliteStep(step)) > 0) cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>The next channels that have messages over the bounds, by their ids.</summary>
    private ValueTask<List<long>> OverdueAsync(long after, CancellationToken cancellation) => readers.UseAsync(
        reader => reader.List(
            """
            SELECT id FROM channels WHERE id > $after AND (next - first > $messages OR total - trimmed > $bytes OR oldest < $cutoff) ORDER BY id LIMIT $most
            """,
            row => row.GetInt64(0),
            ("$after", after),
            ("$messages", options.History.MaxMessages),
            ("$bytes", options.History.MaxBytes),
            ("$cutoff", (time.GetUtcNow() - options.History.MaxAge).ToUnixTimeMilliseconds()),
            ("$most", MaxChannels)),
        cancellation);

    private static int ForgetIds(SqliteTransactionScope scope) => scope.ForgetIds(StepRows) == StepRows ? 1 : 0;

    /// <summary>Forgets the channels that have been empty and unused for long, going over all of them.</summary>
    private async Task ForgetChannelsAsync(CancellationToken cancellation)
    {
        var hand = (Used: long.MinValue, Id: 0L);
        await RepeatAsync(Step, cancellation);

        int Step(SqliteTransactionScope scope)
        {
            if (hand.Id == 0) scope.Logs.Evict(options.Limits.IdleChannel);
            var empty = scope.FindEmpty(
                "used < $used AND (used, id) > ($after, $id)",
                StepRows,
                ("$used", (time.GetUtcNow() - remember).ToUnixTimeMilliseconds()),
                ("$after", hand.Used),
                ("$id", hand.Id));
            if (empty is [.., var last]) hand = (last.Used, last.Id);
            scope.Forget([.. empty.Where(channel => !channel.HasIds && scope.TryRelease(channel.Name, options.Limits.IdleChannel))]);
            return empty.Count == StepRows ? 1 : 0;
        }
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
