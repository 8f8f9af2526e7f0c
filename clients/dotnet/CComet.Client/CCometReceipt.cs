namespace CComet.Client;

/// <summary>The server's acknowledgement that a message is stored.</summary>
public sealed class CCometReceipt
{
    /// <summary>Creates a receipt; the client does, and an application's tests do.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="epoch">The epoch of its log.</param>
    /// <param name="seqid">The number of the message.</param>
    /// <param name="duplicate">Whether it was stored before.</param>
    public CCometReceipt(string channel, string epoch, long seqid, bool duplicate = false)
    {
        Channel = channel;
        Epoch = epoch;
        Seqid = seqid;
        Duplicate = duplicate;
    }

    /// <summary>Gets the channel.</summary>
    public string Channel { get; }

    /// <summary>Gets the epoch of the channel's log.</summary>
    public string Epoch { get; }

    /// <summary>Gets the number of the message in the channel.</summary>
    public long Seqid { get; }

    /// <summary>Gets whether a message of the same id was stored within the 5 minutes before: this call, or an earlier attempt of it, stored nothing new.</summary>
    public bool Duplicate { get; }
}
