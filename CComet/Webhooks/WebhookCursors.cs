using CComet.Messages;
using CComet.Storage;

namespace CComet.Webhooks;

/// <summary>How far a webhook has come in its logs: as the store has it, and in memory.</summary>
/// <remarks>
/// It takes about 150 bytes of memory for each log, on the node that has the lease. A cursor of a name that no log has tells that the
/// webhook has begun. Where a store has lost that, what this node knows is kept and saved again.
/// </remarks>
internal sealed class WebhookCursors(ICursorStore store, string reader)
{
    private const string Begun = Names.PrivatePrefix + "begun";

    private readonly Dictionary<string, LogCursor> _cursors = new(StringComparer.Ordinal);
    private long _generation;

    /// <summary>All of them, by log.</summary>
    public IReadOnlyDictionary<string, LogCursor> All => _cursors;

    /// <summary>Whether it is settled from where on the webhook began.</summary>
    public bool HaveBegun => _cursors.ContainsKey(Begun);

    /// <summary>Reads them, for a lease that was just taken out.</summary>
    /// <exception cref="StoreUnavailableException">The store cannot be used now.</exception>
    public async ValueTask LoadAsync(long generation, CancellationToken cancellation)
    {
        _generation = generation;
        var kept = await store.ReadCursorsAsync(reader, cancellation);
        if (HaveBegun && kept.All(cursor => cursor.Log != Begun))
        {
            await SaveAsync([.. _cursors.Values], cancellation);
            return;
        }

        _cursors.Clear();
        foreach (var cursor in kept) _cursors[cursor.Log] = cursor;
    }

    /// <summary>Notes that all logs which were there before the webhook have a cursor.</summary>
    public ValueTask<bool> SaveBeginAsync(CancellationToken cancellation) => SaveAsync([new LogCursor(Begun, "0", 0)], cancellation);

    /// <summary>Saves and removes cursors.</summary>
    /// <returns>False when another node has had the lease meanwhile: not all were saved.</returns>
    /// <exception cref="StoreUnavailableException">The store cannot be written to now.</exception>
    public async ValueTask<bool> SaveAsync(IReadOnlyCollection<LogCursor> cursors, CancellationToken cancellation)
    {
        foreach (var own in cursors.Chunk(CursorBounds.CursorsOfASave - 1))
        {
            // That it has begun goes with each: a store that has lost everything is not taken for one that the webhook is new to.
            LogCursor[] part = HaveBegun ? [.. own, _cursors[Begun]] : own;
            if (!await store.SaveCursorsAsync(reader, _generation, part, cancellation)) return false;
            foreach (var cursor in part)
            {
                if (cursor.Epoch is null) _cursors.Remove(cursor.Log);
                else _cursors[cursor.Log] = cursor;
            }
        }

        return true;
    }
}
