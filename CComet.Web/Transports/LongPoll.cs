using CComet.Web.Hub;

namespace CComet.Web.Transports;

/// <summary>One long poll: what is there at once, or what comes first.</summary>
public static class LongPoll
{
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
        foreach (var reading in readings) elements.Add(reading.Notice is null ? reading.Batch.JsonElements : reading.Notice.Json);
        return elements;
    }
}

/// <summary>How a poll ended.</summary>
/// <param name="Readings">What was read.</param>
/// <param name="Wake">Why nothing was, when nothing was.</param>
public readonly record struct PollAnswer(IReadOnlyList<Reading> Readings, Wake Wake);
