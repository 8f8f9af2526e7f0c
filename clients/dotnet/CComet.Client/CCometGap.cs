namespace CComet.Client;

/// <summary>Messages that the subscription missed and cannot get any more.</summary>
public sealed class CCometGap
{
    /// <summary>Creates a gap; the client does, and an application's tests do.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="from">The first seqid lost.</param>
    /// <param name="to">The last seqid lost; null after a reset.</param>
    /// <param name="cursor">Where the subscription continues.</param>
    /// <param name="isReset">Whether the log began anew.</param>
    public CCometGap(string channel, long from, long? to, CCometCursor cursor, bool isReset = false)
    {
        Channel = channel;
        From = from;
        To = to;
        Cursor = cursor;
        IsReset = isReset;
    }

    /// <summary>Gets the channel.</summary>
    public string Channel { get; }

    /// <summary>Gets the first seqid that is lost. After a reset: the first of the old epoch that may be.</summary>
    public long From { get; }

    /// <summary>Gets the last seqid that is lost; null after a reset, as nobody knows any more how far the old epoch went.</summary>
    public long? To { get; }

    /// <summary>Gets whether the log began anew under another epoch: seqids are counted from 0 again.</summary>
    public bool IsReset { get; }

    /// <summary>Gets the cursor from which a subscription continues behind the gap.</summary>
    public CCometCursor Cursor { get; }
}
