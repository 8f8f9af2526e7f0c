using CComet.Channels;
using CComet.Messages;

namespace CComet.Transports;

/// <summary>The request that a long poll answers, as far as the poll has to do with it. What its dialect does otherwise than another is said here.</summary>
internal interface IPollRequest
{
    /// <summary>How long it may still wait for messages; zero or less answers at once.</summary>
    TimeSpan Wait { get; }

    /// <summary>Whether the dialect tells something of what was read. If not, the poll reads on, and waits.</summary>
    /// <param name="readings">What was read; not empty.</param>
    bool Tells(IReadOnlyList<Reading> readings);

    /// <summary>Drops what the request holds and does not need while it is parked. Called before each wait.</summary>
    void Park();

    /// <summary>Answers the request.</summary>
    /// <param name="readings">What was read; empty when the wait has ended without messages.</param>
    /// <param name="wake">Why the poll is answered.</param>
    ValueTask AnswerAsync(IReadOnlyList<Reading> readings, WakeReason wake);

    /// <summary>Ends the request: it was answered, its client has gone, or the poll failed.</summary>
    /// <param name="failure">What the poll failed with, or null.</param>
    ValueTask EndAsync(Exception? failure);
}
