namespace CComet.Storage;

/// <summary>Clears the log of a channel. Optional: an <see cref="IMessageStore"/> that can do it implements this too.</summary>
/// <remarks>
/// <para>
/// <b>Order.</b> A clear has one place in the log's order, whichever node asks for it. An append of the same channel is wholly before it,
/// and its messages are dropped, or wholly after it: its receipts then name the new epoch, whose seqids begin at 0. A receipt of the old
/// epoch vouches for nothing once the clear has completed.
/// </para>
/// <para>
/// <b>Threads.</b> May be called on any thread, together with every method of <see cref="IMessageStore"/>. The caller holds no lock. A
/// store may call a listener under a lock of its own.
/// </para>
/// <para>
/// <b>Durability.</b> The new epoch and the emptiness are kept as an append is: what acknowledged messages outlive, they outlive too.
/// Where a store has lost a clear, the log begins another epoch, as it does for messages that were lost.
/// </para>
/// </remarks>
public interface IClearingStore
{
    /// <summary>Drops all messages of one log and begins a new epoch; forgets the ids that are remembered for the channel.</summary>
    /// <remarks>
    /// Every listener of the log, on every node, is told by <see cref="ILogListener.Changed"/>, so that a subscriber with a cursor of the
    /// old epoch gets a reset at once. The channel itself stays: it counts as one that is empty until the store forgets it. The bytes of
    /// the messages, and the places of the ids, are free when this completes. Takes as long as the log is large. Other channels are not
    /// touched.
    /// </remarks>
    /// <param name="channel">The channel.</param>
    /// <param name="cancellation">Ends the waiting; the log may be cleared all the same.</param>
    /// <returns>
    /// The epoch and bounds of the log just before; null when nothing was stored in it since its epoch began, as far as the store
    /// remembers. Then nothing was done, and nothing is left behind.
    /// </returns>
    /// <exception cref="StoreUnavailableException">
    /// The store cannot be written to now. Nothing was cleared, as far as the store can tell; to try again drops what was appended
    /// meanwhile.
    /// </exception>
    ValueTask<LogHead?> ClearAsync(string channel, CancellationToken cancellation = default);
}
