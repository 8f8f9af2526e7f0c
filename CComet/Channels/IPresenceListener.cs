using CComet.Access;

namespace CComet.Channels;

/// <summary>Receives which users come into channels on this node, and leave them.</summary>
/// <remarks>Called on the subscriber's path: an implementation may not block, and may not call the hub.</remarks>
internal interface IPresenceListener
{
    /// <summary>Whether it is to be told of a channel.</summary>
    bool Covers(string channel);

    /// <summary>A user has got a connection to a channel.</summary>
    void Entered(string channel, string user, Grant? grant);

    /// <summary>A user has lost a connection to a channel.</summary>
    void Left(string channel, string user);
}
