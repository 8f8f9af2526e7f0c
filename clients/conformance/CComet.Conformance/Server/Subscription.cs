using System.Globalization;
using System.Text.Json.Nodes;

namespace CComet.Conformance.Server;

/// <summary>One element that a subscriber is told: its type, empty for one that is passed on as it stands in the scenario; the channel whose cursor it moves, by its place in the request; and the cursor behind it.</summary>
internal sealed record Element(string Kind, JsonObject Json, int ChannelIndex = -1, string? After = null);

/// <summary>Why a request cannot be answered.</summary>
internal sealed class RefusedException(int status, string code, string detail, string? parameter = null) : Exception(detail)
{
    public int Status { get; } = status;

    public string Code { get; } = code;

    public string? Parameter { get; } = parameter;
}

/// <summary>What a subscriber asked for in one channel, and how far it was told.</summary>
internal sealed class Position(string channel, string? epoch, long? next)
{
    public string Channel { get; } = channel;

    public string? Epoch { get; set; } = epoch;

    public long? Next { get; set; } = next;

    /// <summary>Nothing more of the channel is told.</summary>
    public bool IsClosed { get; set; }

    public string Cursor => string.Create(CultureInfo.InvariantCulture, $"{Epoch}:{Next}");
}

/// <summary>One request to <c>/sub</c>, <c>/sse</c>, <c>/stream</c> or <c>/ws</c>.</summary>
internal sealed class Subscription(int number, IReadOnlyList<Position> positions, bool isFromNow)
{
    private const int MostChannels = 64;

    /// <summary>Counted from 1 in the order in which the requests came.</summary>
    public int Number { get; } = number;

    public IReadOnlyList<Position> Positions { get; } = positions;

    /// <summary>Whether the request named no cursor.</summary>
    public bool IsFromNow { get; } = isFromNow;

    /// <summary>All there is was told, or nothing more will be.</summary>
    public bool IsHeld { get; set; }

    /// <summary>All its channels are closed.</summary>
    public bool IsOver => Positions.All(position => position.IsClosed);

    /// <summary>What is to be done on it, in order.</summary>
    public Queue<Command> Commands { get; } = [];

    /// <summary>The cursors of all channels, as an id or a header has them.</summary>
    public string Cursors => string.Join(',', Positions.Select(CursorOf));

    /// <summary>The cursor in one channel: among several, the epoch is percent-encoded.</summary>
    public string CursorOf(Position position) =>
        Positions.Count == 1 ? position.Cursor : string.Create(CultureInfo.InvariantCulture, $"{Uri.EscapeDataString(position.Epoch!)}:{position.Next}");

    /// <summary>Reads what a request asks for.</summary>
    /// <exception cref="RefusedException">It is no good request.</exception>
    public static Subscription Read(int number, WireRequest request, Func<string, ChannelLog> log)
    {
        var channels = request.All("channel");
        if (channels.Count is 0 or > MostChannels || channels.Any(name => name.Length is 0 or > 200)) throw new RefusedException(400, "400", "channel: is missing, empty, or too many.", "channel");
        if (channels.Distinct().Count() < channels.Count) throw new RefusedException(400, "400", "channel: is named twice.", "channel");
        var given = ReadCursors(request, channels);
        var positions = channels.Select((name, i) =>
        {
            var (epoch, next) = given[i];
            var at = log(name);
            return next is null ? new Position(name, at.Epoch, at.Next)
                : epoch is null && next > at.Next ? throw new RefusedException(409, "402", $"seqid: {next} is beyond the end of channel '{name}', whose next seqid is {at.Next}.", "seqid")
                : new Position(name, epoch ?? at.Epoch, next);
        }).ToList();
        return new Subscription(number, positions, given.All(one => one.Next is null));
    }

    /// <summary>Reads the logs from the positions on, and moves the positions.</summary>
    public List<Element> ReadOn(Func<string, ChannelLog> log, int most = int.MaxValue)
    {
        var elements = new List<Element>();
        for (var i = 0; i < Positions.Count; i++)
        {
            var position = Positions[i];
            if (position.IsClosed) continue;
            var at = log(position.Channel);
            if ((position.Epoch ?? at.Epoch) != at.Epoch || position.Next > at.Next)
            {
                (position.Epoch, position.Next) = (at.Epoch, 0);
                elements.Add(new Element("RESET", new JsonObject { ["type"] = "RESET", ["channel"] = position.Channel, ["epoch"] = at.Epoch, ["seqid"] = 0 }, i, CursorOf(position)));
            }

            position.Epoch = at.Epoch;
            if (position.Next < at.First)
            {
                var gap = new JsonObject { ["type"] = "GAP", ["channel"] = position.Channel, ["epoch"] = at.Epoch, ["from"] = position.Next, ["to"] = at.First - 1, ["seqid"] = at.First - 1 };
                position.Next = at.First;
                elements.Add(new Element("GAP", gap, i, CursorOf(position)));
            }

            foreach (var message in at.From(position.Next!.Value).TakeWhile(_ => most-- > 0))
            {
                position.Next = message.Seqid + 1;
                elements.Add(new Element("MSG", message.Json, i, CursorOf(position)));
            }
        }

        return elements;
    }

    /// <summary>Closes a channel, and gives what is told of it; null where it is none of the request's.</summary>
    public JsonObject? Close(string channel)
    {
        if (Positions.FirstOrDefault(position => position.Channel == channel && !position.IsClosed) is not { } found) return null;
        found.IsClosed = true;
        return new JsonObject { ["type"] = "CLOSE", ["channel"] = channel };
    }

    /// <summary>The notices with which a stream begins.</summary>
    public IEnumerable<Element> Begin(long? expires) => Positions.Select((p, i) =>
    {
        var json = new JsonObject { ["type"] = "CURSOR", ["channel"] = p.Channel, ["epoch"] = p.Epoch, ["seqid"] = p.Next };
        if (expires is not null) json["expires"] = expires;
        return new Element("CURSOR", json, i, CursorOf(p));
    });

    private static IReadOnlyList<(string? Epoch, long? Next)> ReadCursors(WireRequest request, IReadOnlyList<string> channels)
    {
        var last = request.Header("Last-Event-ID") ?? request.One("lastEventId");
        if (last is not null && TryRead(last.Split(','), channels, out var resumed)) return resumed;
        var cursors = request.All("cursor");
        if (cursors.Count == 1) cursors = [.. cursors[0].Split(',')];
        if (cursors.Count > 0) return TryRead(cursors, channels, out var read) ? read : throw new RefusedException(400, "400", "cursor: is no epoch:seqid for each channel.", "cursor");
        var (seqids, epochs) = (request.All("seqid"), request.All("epoch"));
        if (seqids.Count == 0) return [.. channels.Select(_ => ((string?)null, (long?)null))];
        if (seqids.Count != channels.Count) throw new RefusedException(400, "400", "seqid: is not one for each channel.", "seqid");
        if (epochs.Count > 0 && epochs.Count != channels.Count) throw new RefusedException(400, "400", "epoch: is not one for each channel.", "epoch");
        return [.. seqids.Select((text, i) => (
            epochs.Count > 0 && epochs[i].Length > 0 ? epochs[i] : null,
            text.Length == 0 ? (long?)null
                : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seqid) ? seqid
                : throw new RefusedException(400, "400", "seqid: is no number.", "seqid")))];
    }

    /// <summary>Reads <c>epoch:seqid</c> of each channel in order, or <c>name=epoch:seqid</c> in any order.</summary>
    private static bool TryRead(IReadOnlyList<string> parts, IReadOnlyList<string> channels, out IReadOnlyList<(string? Epoch, long? Next)> cursors)
    {
        var read = new (string? Epoch, long? Next)[channels.Count];
        cursors = read;
        var isNamed = parts[0].Contains('=', StringComparison.Ordinal);
        if (!isNamed && parts.Count != channels.Count) return false;
        for (var i = 0; i < parts.Count; i++)
        {
            var text = parts[i];
            var place = i;
            if (isNamed)
            {
                var equals = text.IndexOf('=', StringComparison.Ordinal);
                if (equals < 0) return false;
                place = Enumerable.Range(0, channels.Count).FirstOrDefault(c => channels[c] == Uri.UnescapeDataString(text[..equals]), -1);
                if (place < 0) return false;
                text = text[(equals + 1)..];
            }

            if (text.Length == 0) continue;
            var colon = text.LastIndexOf(':');
            if (colon <= 0 || !long.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var seqid)) return false;
            read[place] = (channels.Count > 1 ? Uri.UnescapeDataString(text[..colon]) : text[..colon], seqid);
        }

        return true;
    }
}

/// <summary>What a step of the play does on a connection that is held.</summary>
internal sealed record Command(string Name, IReadOnlyList<JsonObject>? Elements = null, Scenarios.ByeScript? Bye = null, string? Channel = null);
