using CComet.Web.Hub;

namespace CComet.Web.Transports;

/// <summary>One long poll: what is there at once, or what comes first.</summary>
public static class LongPoll
{
    /// <summary>In bytes. A larger batch is not joined into one element: few poll from the same old place, and the copy would be held for each.</summary>
    private const int MostJoined = 64 << 10;

    /// <summary>Reads, and waits once when there is nothing to read.</summary>
    /// <param name="subscriber">Who asks.</param>
    /// <param name="wait">For how long at most; zero does not wait.</param>
    /// <returns>What was read, and why the poll ended.</returns>
    public static async ValueTask<PollAnswer> AwaitAsync(Subscriber subscriber, TimeSpan wait)
    {
        var readings = await subscriber.ReadAsync(park: wait > TimeSpan.Zero);
        while (readings.Count == 0 && wait > TimeSpan.Zero)
        {
            var wake = await subscriber.WaitAsync(wait);
            if (wake != Wake.Messages) return new PollAnswer([], wake);
            readings = await subscriber.ReadAsync(park: true);
        }

        return new PollAnswer(readings, Wake.Messages);
    }

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

/// <summary>How a poll ended.</summary>
/// <param name="Readings">What was read.</param>
/// <param name="Wake">Why nothing was, when nothing was.</param>
public readonly record struct PollAnswer(IReadOnlyList<Reading> Readings, Wake Wake);
