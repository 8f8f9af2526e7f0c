namespace CComet.Transports;

/// <summary>The request that a long poll answers, as far as the poll has to do with it.</summary>
internal interface IPollRequest
{
    /// <summary>Drops what the request holds and does not need while it is parked. Called before each wait.</summary>
    void Park();

    /// <summary>Answers the request.</summary>
    ValueTask AnswerAsync(in PollAnswer answer);

    /// <summary>Ends the request: it was answered, its client has gone, or the poll failed.</summary>
    /// <param name="failure">What the poll failed with, or null.</param>
    ValueTask EndAsync(Exception? failure);
}
