using CComet.Messages;

namespace CComet.Storage;

/// <summary>Keeps the logs of all channels. The one interface between the hub and a store.</summary>
/// <remarks>
/// <para>
/// <b>Order.</b> The store assigns the seqids. A log has one order, whichever node appends to it; it has no holes, and never gets shorter
/// within an epoch. A store that cannot be sure of that begins a new epoch.
/// </para>
/// <para>
/// <b>Threads.</b> Every method may be called on any thread, several at a time. The hub calls none of them while it holds a lock. A store
/// may call a listener under a lock of its own.
/// </para>
/// <para>
/// <b>Bounds.</b> A store keeps of each log what <see cref="HistoryOptions"/> allows, and of all logs together no more than
/// <see cref="HistoryOptions.TotalBytes"/>; it drops the oldest messages before it refuses new ones.
/// </para>
/// <para>
/// <b>Registration.</b> A store of an application's own is registered as the singleton <see cref="IMessageStore"/> before
/// <c>AddCComet()</c>, or replaces the one that is there afterwards. The container disposes of it.
/// </para>
/// </remarks>
public interface IMessageStore
{
    /// <summary>Appends all messages or none, in their order; makes logs that do not exist.</summary>
    /// <remarks>
    /// Completes when they are stored as the store promises. A message whose id was appended to its channel within the last five minutes is
    /// not stored again: its receipt is that of the first one, marked as a duplicate.
    /// </remarks>
    /// <param name="messages">The messages, each checked for its form.</param>
    /// <param name="cancellation">Ends the waiting; the messages may be stored all the same.</param>
    /// <returns>One receipt for each message, in their order.</returns>
    /// <exception cref="LimitException">A log too many, an id too many, or more bytes than all logs may take. Nothing was stored.</exception>
    /// <exception cref="RefusedException">These messages cannot be stored together, however often it is tried. Nothing was stored.</exception>
    /// <exception cref="StoreUnavailableException">The store cannot be written to now. Nothing was stored, as far as the store can tell.</exception>
    ValueTask<IReadOnlyList<Receipt>> AppendAsync(IReadOnlyList<NewMessage> messages, CancellationToken cancellation = default);

    /// <summary>Reads consecutive messages of one log.</summary>
    /// <remarks>Reading a channel that was never written to leaves nothing behind; its head has the epoch that its log will have.</remarks>
    /// <param name="channel">The channel.</param>
    /// <param name="from">The first seqid wanted; when older messages are no longer kept, reading begins with the first one that is.</param>
    /// <param name="maxBytes">How much to read at most, in bytes of <see cref="Message.Record"/>; one message is read whatever its length.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>The messages, and the log's bounds at the moment of reading.</returns>
    /// <exception cref="StoreUnavailableException">The store cannot be read now.</exception>
    ValueTask<LogSlice> ReadAsync(string channel, long from, long maxBytes, CancellationToken cancellation = default);

    /// <summary>Reports every message that any node appends to the channel to a listener, until <see cref="Unfollow"/>.</summary>
    /// <remarks>
    /// <see cref="ILogListener.Opened"/> is called before this completes, and before any other method of the listener. Of a channel that
    /// was never written to, nothing is left after <see cref="Unfollow"/>.
    /// </remarks>
    /// <param name="channel">The channel.</param>
    /// <param name="listener">The listener; a listener follows one channel.</param>
    /// <param name="cancellation">Ends the opening.</param>
    /// <exception cref="StoreUnavailableException">The log cannot be opened now; the listener is not called.</exception>
    ValueTask FollowAsync(string channel, ILogListener listener, CancellationToken cancellation = default);

    /// <summary>Ends what <see cref="FollowAsync"/> began. The listener may still be called for appends that were on their way.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="listener">The listener.</param>
    void Unfollow(string channel, ILogListener listener);

    /// <summary>Does one small step of background work: retention, and dropping logs that are empty and unused. Called every few seconds.</summary>
    /// <param name="cancellation">Ends the step.</param>
    /// <exception cref="StoreUnavailableException">The store cannot be written to now; the next step tries again.</exception>
    ValueTask SweepAsync(CancellationToken cancellation = default);

    /// <summary>Checks whether the store would take an append now.</summary>
    /// <param name="cancellation">Ends the check.</param>
    /// <exception cref="StoreUnavailableException">It would not; the message says why.</exception>
    ValueTask CheckAsync(CancellationToken cancellation = default);
}
