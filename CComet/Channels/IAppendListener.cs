namespace CComet.Channels;

/// <summary>Receives which logs this node has appended to, or has begun anew.</summary>
/// <remarks>A hint: it is told of more, and the log says what is there. Called on the publisher's path, without a lock: an implementation may not block.</remarks>
internal interface IAppendListener
{
    /// <summary>A log has messages, or may have some, that it did not have before.</summary>
    void Appended(string log);
}
