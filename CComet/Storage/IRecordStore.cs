namespace CComet.Storage;

/// <summary>Keeps small named records of the server's own, apart from the logs. Optional: an <see cref="IMessageStore"/> that can do it implements this too.</summary>
/// <remarks>
/// Records are few (10,000 of one kind at most) and are no part of any history: no bound of the logs drops them. What is put outlives
/// what acknowledged messages outlive, and is read by every node that shares the store. May be called on any thread.
/// </remarks>
public interface IRecordStore
{
    /// <summary>Puts a record, in place of one of the same kind and name.</summary>
    /// <param name="kind">What the record is about: 1 to 64 ASCII letters, digits, <c>-</c> or <c>.</c>.</param>
    /// <param name="name">Its name: 1 to 1,000 characters, without half of a surrogate pair.</param>
    /// <param name="value">Its value: at most 64 KiB.</param>
    /// <param name="expires">From when on it may be dropped, and is not read any more; null for never. Kept to the millisecond.</param>
    /// <param name="cancellation">Ends the waiting; the record may be kept all the same.</param>
    /// <returns>A task that completes once the record is kept.</returns>
    /// <exception cref="ArgumentException">The kind, the name or the value is out of its bounds. Nothing was kept.</exception>
    /// <exception cref="LimitException">10,000 records of the kind have not expired, and none of them has this name. Nothing was kept.</exception>
    /// <exception cref="StoreUnavailableException">The store cannot be written to now.</exception>
    ValueTask PutRecordAsync(string kind, string name, ReadOnlyMemory<byte> value, DateTimeOffset? expires, CancellationToken cancellation = default);

    /// <summary>Reads all records of a kind that have not expired.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>The values by their names, the caller's own; empty when there is none.</returns>
    /// <exception cref="ArgumentException">The kind is out of its bounds.</exception>
    /// <exception cref="StoreUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyDictionary<string, byte[]>> ReadRecordsAsync(string kind, CancellationToken cancellation = default);
}
