using CComet.Storage;

namespace CComet.Webhooks;

/// <summary>Compares all logs that a webhook follows with its cursors, a part at a time, so that posts go on between.</summary>
/// <remarks>
/// What wakes a webhook is a hint, which can be lost with the node that was to give it; the logs are the truth. Logs that the store lists
/// are looked at first, then the cursors of those that it does not list: their messages are gone, or the log itself is.
/// </remarks>
/// <param name="store">The store.</param>
/// <param name="follows">The logs that the webhook follows.</param>
/// <param name="cursors">Its cursors.</param>
/// <param name="isWatched">Whether it was awake since the last scan: a log that is gone then, and that nothing woke it for, had nothing new.</param>
internal sealed class WebhookScan(IMessageStore store, FollowedLogs follows, IReadOnlyDictionary<string, LogCursor> cursors, bool isWatched)
{
    private const int PageSize = 500;
    private const int Heads = 100;

    private readonly HashSet<string> _listed = new(StringComparer.Ordinal);
    private int _prefix;
    private string? _after;
    private Queue<LogCursor>? _unlisted;

    /// <summary>Whether it is through.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Looks at the next part.</summary>
    /// <param name="dirty">Where logs are added that hold more than the cursors say.</param>
    /// <param name="batch">Is given the cursors that are to be removed instead.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="StoreUnavailableException">The store cannot be read now.</exception>
    public async ValueTask StepAsync(DirtyLogs dirty, WebhookBatch batch, CancellationToken cancellation)
    {
        if (_prefix < follows.Prefixes.Count)
        {
            foreach (var log in await ListAsync(cancellation))
            {
                var isKnown = cursors.TryGetValue(log.Channel, out var cursor);
                if (!isKnown || cursor.Epoch != log.Head.Epoch || cursor.Seqid < log.Head.End) dirty.Add(log.Channel);
            }

            return;
        }

        _unlisted ??= new Queue<LogCursor>(cursors.Values.Where(cursor => !_listed.Contains(cursor.Log) && follows.Contains(cursor.Log)));
        for (var i = 0; i < Heads && _unlisted.TryDequeue(out var cursor); i++)
        {
            var head = (await store.ReadAsync(cursor.Log, long.MaxValue, 1, cancellation)).Head;
            if (head.Epoch == cursor.Epoch && head.End <= cursor.Seqid) continue;
            if (head.Epoch != cursor.Epoch && isWatched && !dirty.Contains(cursor.Log)) batch.Move(cursor with { Epoch = null });
            else dirty.Add(cursor.Log);
        }

        IsDone = _unlisted.Count == 0;
    }

    /// <summary>Lists the next part of the logs as they stand, as the cursors of a webhook that begins.</summary>
    /// <returns>The cursors; null at the end.</returns>
    /// <exception cref="StoreUnavailableException">The store cannot be read now.</exception>
    public async ValueTask<IReadOnlyList<LogCursor>?> ListEndsAsync(CancellationToken cancellation) =>
        _prefix == follows.Prefixes.Count ? null : [.. (await ListAsync(cancellation)).Select(log => new LogCursor(log.Channel, log.Head.Epoch, log.Head.End))];

    private async ValueTask<List<ListedLog>> ListAsync(CancellationToken cancellation)
    {
        var page = await ((IListingStore)store).ListAsync(follows.Prefixes[_prefix], _after, PageSize, cancellation);
        _after = page.Next;
        if (_after is null) _prefix++;
        return [.. page.Logs.Where(log => follows.Contains(log.Channel) && _listed.Add(log.Channel))];
    }
}
