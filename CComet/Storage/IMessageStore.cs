using CComet.Messages;

namespace CComet.Storage;

/// <summary>
/// The one seam between the hub and where the logs are kept: append, read, follow. The store assigns the seqids; a log
/// has one order, whichever node appends to it.
/// </summary>
public interface IMessageStore
{
    /// <summary>
    /// Appends all drafts or none, in their order, making logs that do not exist. Done when they are stored as the store
    /// promises. A draft whose id was appended to its channel within the last five minutes stores nothing and gives the
    /// first receipt, marked as a duplicate.
    /// </summary>
    /// <returns>One receipt a draft.</returns>
    /// <exception cref="LimitException">A log too many, an id too many, or more bytes than all logs may take.</exception>
    /// <exception cref="RefusedException">These drafts cannot be stored together.</exception>
    /// <exception cref="StoreUnavailableException">Nothing was stored as far as the store can tell.</exception>
    ValueTask<IReadOnlyList<Receipt>> AppendAsync(IReadOnlyList<NewMessage> drafts, CancellationToken cancellation = default);

    /// <summary>
    /// Reads messages from <paramref name="from"/> on, or from the first one kept when that is later; at most
    /// <paramref name="maxBytes"/> of them, but at least one where there is one. Reading a channel that was never written to
    /// leaves nothing behind; it has the epoch that its log will have.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The store cannot be read now.</exception>
    ValueTask<LogSlice> ReadAsync(string channel, long from, long maxBytes, CancellationToken cancellation = default);

    /// <summary>
    /// Begins to tell the listener of every message that anyone, here or on another node, appends to the channel, until
    /// <see cref="Unfollow"/>; of a channel that was never written to, nothing is left after that.
    /// <see cref="ILogListener.Opened"/> has been called before this completes and before any other of the listener's methods.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The log cannot be opened now.</exception>
    ValueTask FollowAsync(string channel, ILogListener listener, CancellationToken cancellation = default);

    /// <summary>Ends what <see cref="FollowAsync"/> began. The listener may still hear of what was on its way.</summary>
    void Unfollow(string channel, ILogListener listener);

    /// <summary>Does a small step of what the store owes in the background: retention, forgetting logs that are empty and unused.</summary>
    ValueTask SweepAsync(CancellationToken cancellation = default);

    /// <summary>Tries whether the store would take an append now.</summary>
    /// <exception cref="StoreUnavailableException">It would not; the message says why.</exception>
    ValueTask CheckAsync(CancellationToken cancellation = default);
}

/// <summary>Hears what happens to one channel's log. Called in the log's order and never for long: nothing here may block.</summary>
public interface ILogListener
{
    /// <summary>The log's epoch and bounds at the moment from which on this listener hears of appends.</summary>
    void Opened(LogHead head);

    /// <summary>Consecutive messages were appended.</summary>
    void Appended(string epoch, IReadOnlyList<Message> messages);

    /// <summary>Something may have been appended, or the log may have been reset: read on from the known end.</summary>
    void Changed();
}

/// <summary>A log's epoch and bounds.</summary>
/// <param name="Epoch">The random name of this life of the log.</param>
/// <param name="First">The seqid of the oldest message kept; equal to <paramref name="End"/> when none is.</param>
/// <param name="End">The seqid that the next message will get.</param>
public readonly record struct LogHead(string Epoch, long First, long End);

/// <summary>Consecutive messages of a log and its bounds when they were read.</summary>
/// <param name="Head">The log's epoch and bounds.</param>
/// <param name="Messages">The messages; the first has the seqid asked for, or <see cref="LogHead.First"/> when that is later.</param>
public readonly record struct LogSlice(LogHead Head, Message[] Messages)
{
    /// <summary>As many of the messages as fit in so many bytes, but at least one where there is one.</summary>
    public LogSlice Within(long maxBytes)
    {
        var take = 0;
        for (long bytes = 0; take < Messages.Length; take++)
        {
            bytes += Messages[take].Json.Length;
            if (take > 0 && bytes > maxBytes) break;
        }

        return take == Messages.Length ? this : this with { Messages = Messages[..take] };
    }
}
