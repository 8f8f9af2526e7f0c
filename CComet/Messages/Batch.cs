namespace CComet.Messages;

/// <summary>
/// Consecutive messages of one channel. It never changes, so every subscriber with the same cursor is given the
/// same batch, and what a transport makes of it is made once.
/// </summary>
internal sealed class Batch
{
    /// <summary>No messages.</summary>
    public static readonly Batch Empty = new("", []);

    private readonly Message[] _messages;
    private (Func<Batch, byte[]> Encoder, byte[] Bytes)[] _forms = [];
    private string? _cursor;
    private long _appendedAt;

    /// <summary>Takes consecutive messages of one life of a log.</summary>
    public Batch(string epoch, Message[] messages)
    {
        Epoch = epoch;
        _messages = messages;
        foreach (var message in messages) Bytes += message.Record.Length;
    }

    /// <summary>The epoch of the log they are from.</summary>
    public string Epoch { get; }

    /// <summary>The messages, in order and without holes.</summary>
    public IReadOnlyList<Message> Messages => _messages;

    /// <summary>Their JSON together, in bytes.</summary>
    public long Bytes { get; }

    /// <summary>The seqid of the first.</summary>
    public long First => _messages[0].Seqid;

    /// <summary>One past the seqid of the last.</summary>
    public long End => _messages[^1].Seqid + 1;

    /// <summary>The cursor of a subscriber that has read the batch, as text.</summary>
    public string CursorText => _cursor ??= new Cursor(Epoch, End).ToString();

    /// <summary>
    /// Returns when the first of the messages was appended, on the monotonic clock: the clocks are read once for a batch, not for each
    /// subscriber. What another node has appended is placed by the time in the message, to the millisecond.
    /// </summary>
    public long AppendedAt(TimeProvider time)
    {
        var appended = Volatile.Read(ref _appendedAt);
        if (appended != 0) return appended;
        var age = Math.Max(0, time.GetUtcNow().ToUnixTimeMilliseconds() - _messages[0].Time);
        appended = time.GetTimestamp() - (age * time.TimestampFrequency / 1000);
        Volatile.Write(ref _appendedAt, appended);
        return appended;
    }

    /// <summary>
    /// The batch in the form that the encoder gives it, which is made on first use and shared from then on. Encoders are few
    /// and static: each is known by its reference.
    /// </summary>
    public ReadOnlyMemory<byte> As(Func<Batch, byte[]> encoder)
    {
        var forms = _forms;
        foreach (var form in forms)
        {
            if (form.Encoder == encoder) return form.Bytes;
        }

        // Two that come at once may both encode; the bytes are the same, and one of them is kept.
        var bytes = encoder(this);
        _forms = [.. forms, (encoder, bytes)];
        return bytes;
    }
}
