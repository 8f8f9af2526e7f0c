namespace CComet.Transports;

/// <summary>The request that a stream answers, as far as the stream has to do with it.</summary>
internal interface IStreamRequest
{
    /// <summary>Cuts the client off.</summary>
    void Abort();

    /// <summary>Gives the ticket that follows the one by which the client came; null when it came by none, or none can be given.</summary>
    (string Text, long Expires)? NextTicket() => null;

    /// <summary>The stream is over.</summary>
    /// <param name="failure">What it has failed with, or null.</param>
    ValueTask EndAsync(Exception? failure);
}
