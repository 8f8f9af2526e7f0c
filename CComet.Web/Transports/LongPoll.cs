using CComet.Web.Hub;

namespace CComet.Web.Transports;

/// <summary>What one long poll is answered with.</summary>
public static class LongPoll
{
    /// <summary>In bytes. A larger batch is not joined into one element: few poll from the same old place, and the copy would be held for each.</summary>
    private const int MostJoined = 64 << 10;

    /// <summary>What was read as JSON elements, ready to be written.</summary>
    public static List<ReadOnlyMemory<byte>> Elements(IReadOnlyList<Reading> readings)
    {
        var elements = new List<ReadOnlyMemory<byte>>(readings.Count);
        foreach (var (_, notice, batch) in readings)
        {
            if (notice is not null) elements.Add(notice.Json);
            else if (batch.Bytes <= MostJoined) elements.Add(batch.As(JsonArray.Join));
            else elements.AddRange(batch.Messages.Select(m => (ReadOnlyMemory<byte>)m.Json));
        }

        return elements;
    }
}
