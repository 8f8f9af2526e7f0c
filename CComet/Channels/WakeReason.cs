namespace CComet.Channels;

/// <summary>Why a waiting subscriber was woken.</summary>
internal enum WakeReason : byte
{
    /// <summary>There may be something to read: read on. A hint, not a promise.</summary>
    Messages,

    /// <summary>Its time is over.</summary>
    Timeout,

    /// <summary>A newer request of the same channel and sname took its place. Final.</summary>
    Replaced,

    /// <summary>The server is stopping. Final.</summary>
    Draining,

    /// <summary>All of its channels were closed. Final.</summary>
    Closed,

    /// <summary>An administrator ends the connection; the client may come back. Final.</summary>
    Kicked,

    /// <summary>Its grant has expired, and the time that is left to a client after that is over. Final.</summary>
    Expired,

    /// <summary>Its grant was revoked. Final.</summary>
    Revoked,

    /// <summary>The client has gone. Final.</summary>
    Gone,
}
