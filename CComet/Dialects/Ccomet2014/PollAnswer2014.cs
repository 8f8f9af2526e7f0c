using CComet.Messages;
using CComet.Transports;

namespace CComet.Dialects.Ccomet2014;

/// <summary>What the dialect of 2014 tells of what a poll has read.</summary>
/// <remarks>
/// Its client counts on from the last element of an answer, but for an answer that is one sign-in alone. So a sign-in, which the original
/// server did not keep, is told only to a poll that waited at that moment, and alone; the client then asks again with the seqid it had.
/// Gaps and resets have no form that its client could read.
/// </remarks>
internal static class PollAnswer2014
{
    /// <summary>Whether there is something to tell.</summary>
    /// <param name="readings">What was read.</param>
    /// <param name="hasWaited">Whether it came while the poll waited.</param>
    public static bool Tells(IReadOnlyList<Reading> readings, bool hasWaited)
    {
        foreach (var reading in readings)
        {
            foreach (var message in reading.Batch.Messages)
            {
                if (hasWaited || message.Type == MessageType.Msg) return true;
            }
        }

        return false;
    }

    /// <summary>Makes the elements of the answer; none when there is nothing to tell.</summary>
    /// <param name="readings">What was read.</param>
    /// <param name="hasWaited">Whether it came while the poll waited.</param>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Create(IReadOnlyList<Reading> readings, bool hasWaited)
    {
        if (hasWaited && FirstOf(readings) is { Type: MessageType.Sign } sign) return [MessageJson2014.Encode(sign)];
        var elements = new List<ReadOnlyMemory<byte>>(readings.Count);
        foreach (var reading in readings)
        {
            if (reading.Batch.Bytes > BatchForms.MaxJoinedBytes) elements.AddRange(reading.Batch.Messages.Where(message => message.Type == MessageType.Msg).Select(MessageJson2014.Encode));
            else if (reading.Batch.Messages.Count > 0 && reading.Batch.As(MessageJson2014.Published) is { IsEmpty: false } published) elements.Add(published);
        }

        return elements;
    }

    private static Message? FirstOf(IReadOnlyList<Reading> readings)
    {
        foreach (var reading in readings)
        {
            if (reading.Batch.Messages is [var first, ..]) return first;
        }

        return null;
    }
}
