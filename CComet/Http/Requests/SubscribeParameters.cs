using System.Globalization;
using System.Text;
using CComet.Dialects.Native;
using CComet.Messages;

namespace CComet.Http.Requests;

/// <summary>What a subscriber asks for, the same on every transport.</summary>
/// <param name="Starts">The channels, and where to begin in each.</param>
/// <param name="Sname">The name it goes by, or null.</param>
internal readonly record struct SubscribeParameters(IReadOnlyList<ChannelStart> Starts, string? Sname)
{
    private static readonly string[] StoodFor = ["seqid", "epoch"];

    /// <summary>Reads them.</summary>
    /// <param name="parameters">The request's parameters.</param>
    /// <param name="lastEventId">The header that a browser reconnects with. It is newer than the cursor in the address, and so goes before it.</param>
    public static SubscribeParameters Read(Parameters parameters, string? lastEventId = null)
    {
        var channels = parameters.Many("channel");
        if (channels.Count == 0) throw WireException.Bad("channel", "is missing.");
        if (channels.Count > WireLimits.MaxChannels) throw WireException.Bad("channel", $"is given {channels.Count} times; the limit is {WireLimits.MaxChannels}.");
        var bytes = 0;
        foreach (var channel in channels) bytes += Encoding.UTF8.GetByteCount(Parameters.CheckName("channel", channel));
        if (bytes > WireLimits.MaxNamesBytes) throw WireException.Bad("channel", $"the names have {bytes} bytes of UTF-8 together; the limit is {WireLimits.MaxNamesBytes}.");
        if (channels.Count > 1 && channels.Distinct(StringComparer.Ordinal).Count() < channels.Count) throw WireException.Bad("channel", "names one channel more than once.");

        return new SubscribeParameters(StartsOf(parameters, lastEventId, channels), parameters.OptionalName("sname"));
    }

    /// <summary>Reads <c>wait</c>, in seconds; more than <paramref name="most"/> is cut to it.</summary>
    public static TimeSpan ReadWait(Parameters parameters, TimeSpan most)
    {
        if (parameters.Optional("wait") is not { } text) return most;

        // The parser takes the words Infinity and NaN whatever the style.
        if (!text.All(c => char.IsAsciiDigit(c) || c == '.') || !double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds))
            throw WireException.Bad("wait", "must be a number of seconds, 0 or more.");
        return seconds >= most.TotalSeconds ? most : TimeSpan.FromSeconds(seconds);
    }

    private static ChannelStart[] StartsOf(Parameters parameters, string? lastEventId, IReadOnlyList<string> channels)
    {
        // An EventSource that is refused closes for good, so what is no cursor in either counts as none.
        if (FromEventId(lastEventId, channels) is { } fromHeader) return fromHeader;
        if (FromEventId(parameters.Lenient("lastEventId"), channels) is { } fromQuery) return fromQuery;
        return parameters.Has("cursor") ? FromCursor(parameters, channels) : FromPairs(parameters, channels);
    }

    /// <summary>The starts that an event's id names, or null when it is no cursor: <c>null</c>, <c>undefined</c>, empty, or anything else.</summary>
    private static ChannelStart[]? FromEventId(string? id, IReadOnlyList<string> channels)
    {
        try
        {
            if (string.IsNullOrWhiteSpace(id)) return null;
            return channels.Count == 1 && !id.Contains('=', StringComparison.Ordinal)
                ? [new ChannelStart(channels[0], CursorOf("Last-Event-ID", id))]
                : FromCombined("Last-Event-ID", id, channels);
        }
        catch (WireException)
        {
            return null;
        }
    }

    private static ChannelStart[] FromCursor(Parameters parameters, IReadOnlyList<string> channels)
    {
        foreach (var other in StoodFor)
        {
            if (parameters.Has(other)) throw WireException.Bad("cursor", $"holds seqid and epoch; {other} may not be given beside it.");
        }

        var cursors = parameters.Many("cursor");
        if (cursors.Count == 1 && (channels.Count > 1 || cursors[0].Contains('=', StringComparison.Ordinal))) return FromCombined("cursor", cursors[0], channels);
        CheckPaired("cursor", cursors, channels.Count);
        var starts = new ChannelStart[channels.Count];
        for (var i = 0; i < starts.Length; i++) starts[i] = new ChannelStart(channels[i], CursorOf("cursor", cursors[i]));
        return starts;
    }

    private static ChannelStart[] FromCombined(string parameter, string text, IReadOnlyList<string> channels)
    {
        var cursors = Cursor.TryParseCombined(text, channels)
            ?? throw WireException.Bad(parameter, $"must be epoch:seqid for each of the {channels.Count} channels in their order, or name=epoch:seqid for those that have one, joined by commas.");
        foreach (var cursor in cursors)
        {
            if (cursor.Epoch is not null) Parameters.CheckName(parameter, cursor.Epoch);
        }

        return [.. channels.Zip(cursors, (channel, cursor) => new ChannelStart(channel, cursor))];
    }

    private static ChannelStart[] FromPairs(Parameters parameters, IReadOnlyList<string> channels)
    {
        var seqids = parameters.Many("seqid");
        CheckPaired("seqid", seqids, channels.Count);
        var epochs = parameters.Many("epoch");
        CheckPaired("epoch", epochs, channels.Count);
        var starts = new ChannelStart[channels.Count];
        for (var i = 0; i < starts.Length; i++) starts[i] = new ChannelStart(channels[i], new Cursor(EpochOf(epochs, i), SeqidOf(seqids, i)));
        return starts;
    }

    /// <summary>Values are given for every channel or for none. Only among several channels may one be empty, which is none.</summary>
    private static void CheckPaired(string name, IReadOnlyList<string> values, int channels)
    {
        if (values.Count == 0) return;
        if (channels == 1 && values.Count > 1) throw WireException.Bad(name, "is given more than once.");
        if (values.Count != channels) throw WireException.Bad(name, $"is given {values.Count} times for {channels} channels; give one for each, empty for none.");
        if (channels == 1 && values[0].Length == 0) throw WireException.Bad(name, "is empty.");
    }

    private static Cursor CursorOf(string parameter, string text)
    {
        if (text.Length == 0) return Cursor.None;
        if (!Cursor.TryParse(text, out var cursor)) throw WireException.Bad(parameter, "must be epoch:seqid.");
        Parameters.CheckName(parameter, cursor.Epoch!);
        return cursor;
    }

    private static string? EpochOf(IReadOnlyList<string> epochs, int channel) =>
        epochs.Count == 0 || epochs[channel].Length == 0 ? null : Parameters.CheckName("epoch", epochs[channel]);

    private static long? SeqidOf(IReadOnlyList<string> seqids, int channel)
    {
        if (seqids.Count == 0 || seqids[channel].Length == 0) return null;
        return Cursor.TryParseSeqid(seqids[channel], out var seqid) ? seqid : throw WireException.Bad("seqid", $"must be a whole number from 0 to {long.MaxValue}.");
    }
}
