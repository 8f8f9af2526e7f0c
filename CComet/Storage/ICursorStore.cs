namespace CComet.Storage;

/// <summary>Keeps how far readers of the server's own have come in logs. Optional: an <see cref="IMessageStore"/> that can do it implements this too.</summary>
/// <remarks>
/// <para>
/// <b>Readers and holders.</b> A reader, such as a webhook, has a cursor in each log that it reads. One node at a time holds it, by a lease
/// which it renews. Each new holder gets a higher generation, and cursors are saved with the generation alone: what a holder saves whose
/// lease was taken by another meanwhile is refused, however long it was paused.
/// </para>
/// <para>
/// <b>Bounds.</b> There are as many cursors as the reader saves and does not remove. They are no part of any history: no bound of the logs
/// drops them, and they outlive what acknowledged messages outlive.
/// </para>
/// <para><b>Threads.</b> Every method may be called on any thread, several at a time.</para>
/// </remarks>
public interface ICursorStore
{
    /// <summary>Takes a reader's lease out, or renews it.</summary>
    /// <param name="reader">The reader: 1 to 64 ASCII letters, digits, <c>-</c>, <c>_</c> or <c>.</c>.</param>
    /// <param name="holder">The holder: 1 to 64 ASCII letters or digits. A name that no other process ever has.</param>
    /// <param name="life">How long the lease lasts from now on, by the store's clock.</param>
    /// <param name="cancellation">Ends the waiting; the lease may be taken all the same.</param>
    /// <returns>
    /// The generation by which the holder has the lease, from 1: the same as long as it is renewed in time, a higher one than any before
    /// when it is taken out. Null while another holder has it.
    /// </returns>
    /// <exception cref="ArgumentException">The reader's or the holder's name is out of its bounds.</exception>
    /// <exception cref="StoreUnavailableException">The store cannot be written to now.</exception>
    ValueTask<long?> LeaseReaderAsync(string reader, string holder, TimeSpan life, CancellationToken cancellation = default);

    /// <summary>Ends the lease of a holder, so that another may take it at once. A holder without the lease changes nothing.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="holder">The holder.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="StoreUnavailableException">The store cannot be written to now.</exception>
    ValueTask ReleaseReaderAsync(string reader, string holder, CancellationToken cancellation = default);

    /// <summary>Reads all cursors of a reader.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>The cursors, each log once, ordered by nothing; empty when there is none.</returns>
    /// <exception cref="StoreUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<LogCursor>> ReadCursorsAsync(string reader, CancellationToken cancellation = default);

    /// <summary>Saves cursors of a reader, all or none, each in place of the one of its log.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="generation">That of the lease by which they were read up to.</param>
    /// <param name="cursors">At most 1,000 cursors, each log once.</param>
    /// <param name="cancellation">Ends the waiting; the cursors may be saved all the same.</param>
    /// <returns>
    /// False when the last lease that was taken out has another generation, or none was: nothing was saved. A lease that has run out, and
    /// was not taken by another since, is enough.
    /// </returns>
    /// <exception cref="StoreUnavailableException">The store cannot be written to now.</exception>
    ValueTask<bool> SaveCursorsAsync(string reader, long generation, IReadOnlyList<LogCursor> cursors, CancellationToken cancellation = default);
}

/// <summary>How far a reader has come in a log.</summary>
/// <param name="Log">The log, a channel's name.</param>
/// <param name="Epoch">The epoch of the log that the number belongs to; null, where cursors are saved, removes that of the log.</param>
/// <param name="Seqid">The next seqid wanted.</param>
public readonly record struct LogCursor(string Log, string? Epoch, long Seqid);
