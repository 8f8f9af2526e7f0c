namespace CComet.Storage;

/// <summary>Lists the logs of a store. Optional: an <see cref="IMessageStore"/> that can do it implements this too.</summary>
/// <remarks>
/// For operators: it is asked now and then, and holds nothing up. May be called on any thread, together with every method of
/// <see cref="IMessageStore"/>; no lock is held over more than one log, so that a log that is made or dropped meanwhile is listed or not.
/// </remarks>
public interface IListingStore
{
    /// <summary>Lists logs in which messages are kept, in the order of the UTF-8 bytes of their names.</summary>
    /// <param name="prefix">What their names begin with; empty for all.</param>
    /// <param name="after">The name behind which to begin; null begins at the first.</param>
    /// <param name="limit">How many to list at most: 1 to 1,000.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>
    /// The logs, and the name behind which to go on; null when there are no more. There may be fewer than asked for, or none, although there
    /// are more.
    /// </returns>
    /// <exception cref="StoreUnavailableException">The store cannot be read now.</exception>
    ValueTask<LogPage> ListAsync(string prefix, string? after, int limit, CancellationToken cancellation = default);
}

/// <summary>A log in a list.</summary>
/// <param name="Channel">Its channel.</param>
/// <param name="Head">Its epoch and bounds, about: what is over its age may be counted still.</param>
/// <param name="Bytes">What its messages take in the store, about.</param>
public readonly record struct ListedLog(string Channel, LogHead Head, long Bytes);

/// <summary>A part of the list of logs.</summary>
/// <param name="Logs">The logs, in order.</param>
/// <param name="Next">The name behind which to go on; null at the end.</param>
public readonly record struct LogPage(IReadOnlyList<ListedLog> Logs, string? Next);
