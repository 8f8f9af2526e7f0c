namespace CComet.Channels;

/// <summary>Receives which channels of this node get their first subscriber, and lose their last.</summary>
/// <remarks>Called under the channel's lock, in the channel's order: an implementation may not block, and may not call the hub.</remarks>
internal interface IOccupancyListener
{
    /// <summary>A channel has got its first subscriber.</summary>
    void Occupied(string channel);

    /// <summary>A channel has lost its last subscriber.</summary>
    void Vacated(string channel);
}
