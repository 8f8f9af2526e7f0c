namespace CComet.Channels;

/// <summary>A subscriber's cursor in one channel, and its slot in the channel's list.</summary>
internal struct ChannelCursor
{
    /// <summary>The <see cref="Slot"/> of a cursor whose subscriber has left the channel before its others.</summary>
    public const int LeftSlot = -2;

    /// <summary>The channel, held open by this cursor.</summary>
    public ActiveChannel Channel;

    /// <summary>The epoch the client knows; null when it named none and has read nothing.</summary>
    public string? Epoch;

    /// <summary>The next seqid wanted, or -1 for "from now on".</summary>
    public long Next;

    /// <summary>The slot in the channel's list of readers, -1, or <see cref="LeftSlot"/>.</summary>
    public int Slot;

    /// <summary>How many bytes read from the store for it count as held until they have been answered; fills a gap in the layout of the struct.</summary>
    public int Held;
}
