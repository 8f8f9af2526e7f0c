using CComet.Storage;

namespace CComet.Webhooks;

/// <summary>The lease by which one node at a time posts to a webhook.</summary>
/// <remarks>
/// Its end is reckoned from before the store was asked, by this node's clock, so that it is never later than the store's. A process that
/// stood still finds that it has run out. What it could not see, the generation catches: cursors are saved with it, and posts tell it.
/// </remarks>
/// <param name="store">The store.</param>
/// <param name="reader">The name by which the store knows the webhook.</param>
/// <param name="holder">This node.</param>
/// <param name="time">The clock.</param>
internal sealed class WebhookLease(ICursorStore store, string reader, string holder, TimeProvider time)
{
    /// <summary>How long it lasts unless it is renewed: a node that was killed is followed by another within this time and a little more.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromSeconds(20);

    /// <summary>How often it is renewed: whoever waits calls <see cref="RenewAsync"/> each time that this is over.</summary>
    public static readonly TimeSpan RenewInterval = TimeSpan.FromSeconds(4);

    private long _takenAt;

    /// <summary>The generation by which it is held; 0 when it is not.</summary>
    public long Generation { get; private set; }

    /// <summary>How much of it is left.</summary>
    public TimeSpan Left => Generation == 0 ? TimeSpan.Zero : Life - time.GetElapsedTime(_takenAt);

    /// <summary>Takes it out.</summary>
    /// <returns>False while another node has it.</returns>
    /// <exception cref="StoreUnavailableException">The store cannot be written to now.</exception>
    public async ValueTask<bool> TryTakeAsync(CancellationToken cancellation)
    {
        var before = time.GetTimestamp();
        Generation = await store.LeaseReaderAsync(reader, holder, Life, cancellation) ?? 0;
        _takenAt = before;
        return Generation != 0;
    }

    /// <summary>Renews it when it is time to.</summary>
    /// <returns>False when it is no longer that of before: another node had it meanwhile, or it had run out.</returns>
    /// <exception cref="StoreUnavailableException">The store cannot be written to now, and little is left of it.</exception>
    public async ValueTask<bool> RenewAsync(CancellationToken cancellation)
    {
        if (Life - Left < RenewInterval) return true;
        var generation = Generation;
        return await TryTakeAsync(cancellation) && Generation == generation;
    }

    /// <summary>Gives it up, so that another node can take it at once.</summary>
    public async ValueTask ReleaseAsync()
    {
        if (Generation == 0) return;
        Generation = 0;
        try
        {
            await store.ReleaseReaderAsync(reader, holder);
        }
        catch (StoreUnavailableException)
        {
            // It runs out by itself.
        }
    }
}
