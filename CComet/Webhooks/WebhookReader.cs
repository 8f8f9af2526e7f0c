using CComet.Storage;

namespace CComet.Webhooks;

/// <summary>Reads on from the cursors of a webhook, log by log, as far as one post reaches.</summary>
/// <param name="store">The store.</param>
/// <param name="hook">The webhook.</param>
/// <param name="cursors">How far it has come, by log; a log without a cursor is read from its start.</param>
/// <param name="dirty">The logs to read.</param>
internal sealed class WebhookReader(IMessageStore store, WebhookOptions hook, IReadOnlyDictionary<string, LogCursor> cursors, DirtyLogs dirty)
{
    private readonly IReadOnlyList<WebhookEvent> _wanted = hook.WantedEvents;

    /// <summary>Reads what the next post has.</summary>
    /// <exception cref="StoreUnavailableException">The store cannot be read now; the logs that were taken are to be looked for again.</exception>
    public async ValueTask ReadAsync(WebhookBatch batch, CancellationToken cancellation)
    {
        // A log whose messages are none of the wanted events fills no batch; there may be many of them.
        for (var looked = 0; looked < WebhookBatch.MaxEvents && !batch.IsFull && dirty.Take() is { } log; looked++) await ReadAsync(FollowedLog.Parse(log)!.Value, batch, cancellation);
    }

    private async ValueTask ReadAsync(FollowedLog log, WebhookBatch batch, CancellationToken cancellation)
    {
        var isKnown = cursors.TryGetValue(log.Name, out var cursor);
        var slice = await store.ReadAsync(log.Name, cursor.Seqid, WebhookBatch.MaxBytes - batch.Bytes, cancellation);
        var (epoch, first, end) = slice.Head;
        var from = cursor.Seqid;
        if (isKnown && cursor.Epoch != epoch)
        {
            batch.AddReset(log, epoch, _wanted);
            from = 0;
            if (cursor.Seqid > 0) slice = await store.ReadAsync(log.Name, 0, WebhookBatch.MaxBytes - batch.Bytes, cancellation);
            if (slice.Head.Epoch != epoch)
            {
                // Begun anew once more meanwhile: with the next look.
                dirty.Add(log.Name);
                batch.Move(new LogCursor(log.Name, epoch, 0));
                return;
            }

            (_, first, end) = slice.Head;
        }

        if (first > from)
        {
            batch.AddGap(log, epoch, _wanted, from, first - 1);
            from = first;
        }

        foreach (var message in slice.Messages)
        {
            if (batch.IsFull) break;
            if (log.EventOf(message) is { } kind && _wanted.Contains(kind)) batch.Add(log, epoch, kind, message);
            from = message.Seqid + 1;
        }

        if (from < end) dirty.Add(log.Name);

        // A log without a cursor is read from its start.
        var isAtStart = from == 0;
        if (isAtStart ? isKnown : !isKnown || cursor.Seqid != from || cursor.Epoch != epoch) batch.Move(new LogCursor(log.Name, isAtStart ? null : epoch, from));
    }
}
