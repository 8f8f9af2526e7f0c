namespace CComet.Messages;

/// <summary>The kinds of things that are told to a subscriber without being in the log.</summary>
internal enum NoticeKind
{
    /// <summary>Some seqids are no longer kept.</summary>
    Gap,

    /// <summary>The log has a new epoch, and starts at seqid 0.</summary>
    Reset,

    /// <summary>The subscriber's cursor in one channel.</summary>
    Cursor,

    /// <summary>The server ends the stream on purpose.</summary>
    Bye,

    /// <summary>The channel was closed: the subscriber gets nothing more of it.</summary>
    Close,
}

/// <summary>Something told to one subscriber that is not an entry of the log and uses no seqid.</summary>
/// <remarks>It is data: how it looks on a wire is for a dialect to say.</remarks>
internal sealed record Notice
{
    /// <summary>What a notice takes on a wire beside the channel's name, at most, in bytes.</summary>
    private const int FixedBytes = 160;

    /// <summary>A UTF-16 unit takes at most so many bytes in a JSON string, escaped.</summary>
    private const int MaxBytesPerCharacter = 6;

    private Notice(NoticeKind kind) => Kind = kind;

    /// <summary>What is told.</summary>
    public NoticeKind Kind { get; }

    /// <summary>The channel it is about; empty for <see cref="NoticeKind.Bye"/>.</summary>
    public string Channel { get; private init; } = "";

    /// <summary>The epoch that the seqids belong to; empty for <see cref="NoticeKind.Bye"/> and <see cref="NoticeKind.Close"/>.</summary>
    public string Epoch { get; private init; } = "";

    /// <summary>The first seqid that is no longer kept; of <see cref="NoticeKind.Gap"/> alone.</summary>
    public long From { get; private init; }

    /// <summary>The last seqid that is no longer kept (<see cref="NoticeKind.Gap"/>), or the next that the subscriber gets.</summary>
    public long Seqid { get; private init; }

    /// <summary>When the subscriber's grant expires, if it does; of <see cref="NoticeKind.Cursor"/> alone.</summary>
    public DateTimeOffset? Expires { get; private init; }

    /// <summary>Why the server ends the stream, in one word; null for a stop. Of <see cref="NoticeKind.Bye"/> alone.</summary>
    public string? Reason { get; private init; }

    /// <summary>When the client may come back; of <see cref="NoticeKind.Bye"/> alone.</summary>
    public TimeSpan Retry { get; private init; }

    /// <summary>The subscriber's cursor once it has been told; <see cref="Cursor.None"/> when that does not change.</summary>
    public Cursor After => Kind switch
    {
        NoticeKind.Gap => new Cursor(Epoch, Seqid + 1),
        NoticeKind.Reset => new Cursor(Epoch, Seqid),
        _ => Messages.Cursor.None,
    };

    /// <summary>The most that it takes on a wire, in bytes.</summary>
    public int MaxBytes => FixedBytes + (MaxBytesPerCharacter * Channel.Length);

    /// <summary>Says that the seqids <paramref name="from"/> to <paramref name="to"/>, both included, are no longer kept.</summary>
    public static Notice Gap(string channel, string epoch, long from, long to) => new(NoticeKind.Gap) { Channel = channel, Epoch = epoch, From = from, Seqid = to };

    /// <summary>Says that the log has a new epoch; the subscriber goes on from seqid 0 of it.</summary>
    public static Notice Reset(string channel, string epoch) => new(NoticeKind.Reset) { Channel = channel, Epoch = epoch };

    /// <summary>Says that the next seqid the subscriber gets is <paramref name="next"/>.</summary>
    public static Notice Cursor(string channel, string epoch, long next, DateTimeOffset? expires = null) => new(NoticeKind.Cursor) { Channel = channel, Epoch = epoch, Seqid = next, Expires = expires };

    /// <summary>Says that the channel was closed.</summary>
    public static Notice Close(string channel) => new(NoticeKind.Close) { Channel = channel };

    /// <summary>Says that the server ends the stream; the client may come back after the given time.</summary>
    public static Notice Bye(TimeSpan retry, string? reason = null) => new(NoticeKind.Bye) { Retry = retry, Reason = reason };
}
