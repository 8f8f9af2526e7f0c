namespace CComet.Web.Hub;

/// <summary>
/// The messages from one seqid to one end. It never changes, so every subscriber that stands at the same place is given
/// the same batch, and what a transport makes of it is made once.
/// </summary>
public sealed class Batch
{
    /// <summary>No messages.</summary>
    public static readonly Batch Empty = new([]);

    private byte[]? _elements;

    /// <summary>Takes consecutive messages.</summary>
    public Batch(Message[] messages) => Messages = messages;

    /// <summary>The messages, in order and without holes.</summary>
    public IReadOnlyList<Message> Messages { get; }

    /// <summary>The messages as JSON objects joined by commas, without the brackets of the array; built on first use.</summary>
    public ReadOnlyMemory<byte> JsonElements => _elements ??= Join();

    private byte[] Join()
    {
        if (Messages.Count == 1) return Messages[0].Json;
        var length = Math.Max(0, Messages.Count - 1);
        foreach (var message in Messages) length += message.Json.Length;

        var joined = new byte[length];
        var at = 0;
        foreach (var message in Messages)
        {
            if (at > 0) joined[at++] = (byte)',';
            message.Json.CopyTo(joined.AsSpan(at));
            at += message.Json.Length;
        }

        return joined;
    }
}
