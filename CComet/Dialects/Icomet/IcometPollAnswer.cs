using CComet.Messages;
using CComet.Subscriptions;
using CComet.Transports;

namespace CComet.Dialects.Icomet;

/// <summary>The answer to one long poll of icomet: an object, or an array.</summary>
internal static class IcometPollAnswer
{
    private static readonly byte[] ArrayStart = "["u8.ToArray();
    private static readonly byte[] Separator = ","u8.ToArray();
    private static readonly byte[] ArrayEnd = "]"u8.ToArray();

    /// <summary>Whether something of what was read is told. A sign-in is not.</summary>
    public static bool Tells(IReadOnlyList<Reading> readings)
    {
        foreach (var reading in readings)
        {
            if (reading.Notice is not null || IcometJson.Count(reading.Batch) > 0) return true;
        }

        return false;
    }

    /// <summary>Makes the answer, in parts that follow each other on the wire.</summary>
    /// <param name="subscriber">The poll's subscriber, of one channel.</param>
    /// <param name="readings">What was read.</param>
    /// <param name="noop">The number of a <c>noop</c>.</param>
    /// <param name="isBacklog">Whether it was there before the poll: that is an array always.</param>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Create(Subscriber subscriber, IReadOnlyList<Reading> readings, long noop, bool isBacklog)
    {
        var channel = JsonString.Quote(subscriber.At(0).Channel.Name);
        var (count, parts, isClosed) = (0, new List<ReadOnlyMemory<byte>>(4), false);
        foreach (var reading in readings)
        {
            // A log that started over: the client asks again from there, as it does on a seq that is none of the channel's.
            if (reading.Notice is { Kind: NoticeKind.Reset }) return [IcometJson.NextSeq(channel, 0)];
            isClosed |= reading.Notice is { Kind: NoticeKind.Close };
            count += IcometJson.Count(reading.Batch);
            Add(reading.Batch, parts);
        }

        if (count == 0)
        {
            if (isClosed) return [IcometJson.Close(channel, subscriber.At(0).Next)];
            return [readings.Count > 0 ? IcometJson.NextSeq(channel, subscriber.At(0).Next) : IcometJson.Noop(channel, noop)];
        }

        if (isClosed) return [ArrayStart, .. parts, Separator, IcometJson.Close(channel, subscriber.At(0).Next), ArrayEnd];

        return count == 1 && !isBacklog ? parts : [ArrayStart, .. parts, ArrayEnd];
    }

    private static void Add(Batch batch, List<ReadOnlyMemory<byte>> parts)
    {
        if (batch.Bytes <= BatchForms.MaxJoinedBytes)
        {
            if (batch.Messages.Count > 0 && batch.As(IcometJson.Joined) is { IsEmpty: false } joined) Put(joined);
            return;
        }

        foreach (var message in batch.Messages)
        {
            if (message.Type == MessageType.Msg) Put(IcometJson.EncodeAll(message));
        }

        void Put(ReadOnlyMemory<byte> part)
        {
            if (parts.Count > 0) parts.Add(Separator);
            parts.Add(part);
        }
    }
}
