using CComet.Channels;
using CComet.Messages;
using CComet.Subscriptions;
using CComet.Transports;

namespace CComet.Dialects.Native;

/// <summary>The answer to one long poll.</summary>
internal readonly struct PollAnswer
{
    /// <summary>The whole array and its newline, where all polls of one cursor share it; empty otherwise.</summary>
    public ReadOnlyMemory<byte> Array { get; private init; }

    /// <summary>The elements, where <see cref="Array"/> is empty: each a JSON value, or several joined by commas.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Elements { get; private init; }

    /// <summary>The cursor behind the answer.</summary>
    public string Cursor { get; private init; }

    /// <summary>After which time to poll again; null when the server does not stop.</summary>
    public TimeSpan? Retry { get; private init; }

    /// <summary>Whether a newer poll took this one's sname: the answer is a 409.</summary>
    public bool IsReplaced { get; private init; }

    /// <summary>Makes the answer of what a subscriber has read, and of the reason it was woken for.</summary>
    /// <remarks>Messages of one channel, and nothing else, are the same for all polls of one cursor, so their array is encoded once.</remarks>
    public static PollAnswer Create(Subscriber subscriber, IReadOnlyList<Reading> readings, WakeReason wake)
    {
        if (subscriber.Channels == 1 && readings is [{ Notice: null, Batch: { Bytes: <= JsonArray.FlushBytes } batch }])
            return new PollAnswer { Array = batch.As(NativeEncoder.Forms.Array), Elements = [], Cursor = batch.CursorText };

        var elements = ElementsOf(readings);
        if (wake == WakeReason.Replaced) elements.Add(ReplacementJson.Encode(subscriber));
        return new PollAnswer
        {
            Elements = elements,
            Cursor = subscriber.CursorText,
            Retry = wake is WakeReason.Draining or WakeReason.Kicked ? subscriber.Hub.ReconnectDelay() : null,
            IsReplaced = wake == WakeReason.Replaced,
        };
    }

    /// <summary>What was read as elements of an array: each a JSON value, or several joined by commas.</summary>
    public static List<ReadOnlyMemory<byte>> ElementsOf(IReadOnlyList<Reading> readings)
    {
        var elements = new List<ReadOnlyMemory<byte>>(readings.Count);
        foreach (var reading in readings) Add(reading, elements);
        return elements;
    }

    private static void Add(Reading reading, List<ReadOnlyMemory<byte>> elements)
    {
        if (reading.Notice is { } notice) elements.Add(NoticeJson.Encode(notice));
        else if (reading.Batch.Bytes <= BatchForms.MaxJoinedBytes) elements.Add(reading.Batch.As(NativeEncoder.Forms.Joined));
        else elements.AddRange(reading.Batch.Messages.Select(MessageJson.Encode));
    }
}
