using CComet.Dialects.Native;
using CComet.Messages;
using CComet.Subscriptions;

namespace CComet.Transports;

/// <summary>What one long poll is answered with.</summary>
internal static class LongPoll
{
    /// <summary>In bytes. A larger batch is not joined into one element: few poll from the same old place, and the copy would be held for each.</summary>
    private const int MostJoined = 64 << 10;

    /// <summary>
    /// The whole answer and the cursor behind it, where they are the same for all who stood at one place: messages of one channel, and
    /// nothing else. Null where they are not, or are so long that they are written in steps.
    /// </summary>
    public static (ReadOnlyMemory<byte> Array, string Cursor)? Shared(Subscriber subscriber, IReadOnlyList<Reading> readings) =>
        subscriber.Channels == 1 && readings is [{ Notice: null, Batch: { Bytes: <= JsonArray.FlushBytes } batch }] ? (batch.As(JsonArray.Whole), batch.CursorText) : null;

    /// <summary>What was read as JSON elements, ready to be written.</summary>
    public static List<ReadOnlyMemory<byte>> Elements(IReadOnlyList<Reading> readings)
    {
        var elements = new List<ReadOnlyMemory<byte>>(readings.Count);
        foreach (var (_, notice, batch) in readings)
        {
            if (notice is not null) elements.Add(NoticeJson.Encode(notice));
            else if (batch.Bytes <= MostJoined) elements.Add(batch.As(JsonArray.Join));
            else elements.AddRange(batch.Messages.Select(m => (ReadOnlyMemory<byte>)m.Json));
        }

        return elements;
    }
}
