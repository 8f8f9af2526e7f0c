using System.Buffers;
using System.Globalization;
using CComet.Messages;

namespace CComet.Kestrel.Parking;

/// <summary>Reads a query as most subscribers write it: one channel, a cursor or its parts, nothing that is encoded, nothing twice. It makes no objects.</summary>
/// <remarks>What it does not read may still be right: that is for <see cref="Http.Requests.SubscribeParameters"/> to say.</remarks>
internal static class PlainQuery
{
    /// <summary>What a URL encodes nowhere.</summary>
    private static readonly SearchValues<byte> Plain = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:"u8);

    /// <summary>Reads a query; false when it has to be read otherwise.</summary>
    /// <param name="query">The query.</param>
    /// <param name="names">The names that are known.</param>
    /// <param name="start">The channel, and where to begin.</param>
    /// <param name="wait">How many seconds a poll is to wait; null when that is not said.</param>
    public static bool TryRead(ReadOnlySpan<byte> query, KnownNames names, out ChannelStart start, out int? wait)
    {
        (start, wait) = (default, null);
        ReadOnlySpan<byte> channel = default, cursor = default, seqid = default, epoch = default, seconds = default;
        while (query.Length > 0)
        {
            var end = query.IndexOf((byte)'&');
            var pair = end < 0 ? query : query[..end];
            query = end < 0 ? default : query[(end + 1)..];
            var equals = pair.IndexOf((byte)'=');
            if (equals < 0) return false;
            var value = pair[(equals + 1)..];
            if (value.IsEmpty || value.IndexOfAnyExcept(Plain) >= 0) return false;
            var name = pair[..equals];
            if (name.SequenceEqual("channel"u8) && channel.IsEmpty) channel = value;
            else if (name.SequenceEqual("cursor"u8) && cursor.IsEmpty) cursor = value;
            else if (name.SequenceEqual("seqid"u8) && seqid.IsEmpty) seqid = value;
            else if (name.SequenceEqual("epoch"u8) && epoch.IsEmpty) epoch = value;
            else if (name.SequenceEqual("wait"u8) && seconds.IsEmpty) seconds = value;
            else return false;
        }

        if (!cursor.IsEmpty)
        {
            if (!seqid.IsEmpty || !epoch.IsEmpty) return false;
            var colon = cursor.IndexOf((byte)':');
            if (colon <= 0) return false;
            epoch = cursor[..colon];
            seqid = cursor[(colon + 1)..];
            if (seqid.IsEmpty) return false;
        }

        long next = 0;
        if (!seqid.IsEmpty && !long.TryParse(seqid, NumberStyles.None, CultureInfo.InvariantCulture, out next)) return false;
        if (!seconds.IsEmpty)
        {
            if (!int.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var given)) return false;
            wait = given;
        }

        if (names.Find(channel) is not { } channelName) return false;
        string? epochName = null;
        if (!epoch.IsEmpty && (epochName = names.Find(epoch)) is null) return false;
        start = new ChannelStart(channelName, new Cursor(epochName, seqid.IsEmpty ? null : next));
        return true;
    }
}
