using CComet.Messages;

namespace CComet.Storage;

/// <summary>Receives what happens to one channel's log, from the store. The hub has an implementation; a store calls it.</summary>
/// <remarks>
/// A store calls it in the log's order, one call at a time for each log, and possibly under a lock of its own. An implementation may not
/// block, may not throw, and may not call the store.
/// </remarks>
public interface ILogListener
{
    /// <summary>Receives the log's epoch and bounds at the moment from which on this listener receives appends.</summary>
    /// <param name="head">The epoch and bounds.</param>
    void Opened(LogHead head);

    /// <summary>Receives messages that were appended.</summary>
    /// <param name="epoch">The log's epoch.</param>
    /// <param name="messages">The messages, consecutive and in the log's order.</param>
    /// <param name="deferred">
    /// Where the listener may leave small deliveries, which the store runs on this thread as soon as it has left its locks; null has all
    /// of them queued to the thread pool.
    /// </param>
    void Appended(string epoch, IReadOnlyList<Message> messages, DeferredDeliveries? deferred = null);

    /// <summary>Receives the hint that something may have been appended, or that the log may have a new epoch: the listener reads on from the end that it knows.</summary>
    void Changed();
}
