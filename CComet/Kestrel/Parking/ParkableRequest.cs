using System.Text;
using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Messages;

namespace CComet.Kestrel.Parking;

/// <summary>What the head of a request asks that can be parked.</summary>
/// <param name="Start">The channel, and the cursor to begin at.</param>
/// <param name="IsStream">Whether it asks for server-sent events; else it is a long poll.</param>
/// <param name="Wait">For how long a poll waits.</param>
/// <param name="Token">Where in the head its bearer token is; empty for none.</param>
/// <param name="HeadBytes">How long the head is.</param>
internal readonly record struct ParkableRequest(ChannelStart Start, bool IsStream, TimeSpan Wait, Range Token, int HeadBytes)
{
    private const string LastEventId = "Last-Event-ID";
    private const int MaxParameters = 16;

    /// <summary>Fewer than the web server takes.</summary>
    private const int MaxHeaders = 64;

    /// <summary>The parameters that are read; those that follow are known to be ignored. One that is neither may mean something to another door.</summary>
    private static readonly string[] KnownParameters = ["channel", "seqid", "epoch", "cursor", "wait", "lastEventId", "_", "time"];

    /// <summary>Headers whose presence changes nothing, with those that are read.</summary>
    private static readonly System.Collections.Frozen.FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Headers =
        System.Collections.Frozen.FrozenSet.ToFrozenSet(
            ["Host", "User-Agent", "Accept", "Accept-Language", "Accept-Encoding", "Accept-Charset", "Cache-Control", "Pragma", "Connection", "Keep-Alive", "Cookie", "DNT", "Priority", "Authorization", "Referer", "Save-Data",
             LastEventId, "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-User", "Sec-Fetch-Storage-Access", "Sec-GPC", "Sec-CH-UA", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform", "Upgrade-Insecure-Requests", "X-Requested-With"],
            StringComparer.OrdinalIgnoreCase).GetAlternateLookup<ReadOnlySpan<char>>();

    private static ReadOnlySpan<byte> HeadEnd => "\r\n\r\n"u8;

    /// <summary>Reads a head; null for one that is left to the web server.</summary>
    /// <remarks>
    /// It is the list of what is let in, and everything else is left: odd spellings, bodies, upgrades, what is refused and what only may be. So
    /// it answers nothing strange itself, and a fault in it can make a request slower but not mean something else.
    /// </remarks>
    /// <param name="bytes">The bytes of the connection, the head among them.</param>
    /// <param name="host">What it needs to know of the server.</param>
    public static ParkableRequest? Read(ReadOnlySpan<byte> bytes, ParkingHost host)
    {
        var end = bytes.IndexOf(HeadEnd);
        if (end < 0) return null;
        var head = bytes[..(end + 2)];
        if (!TryLine(ref head, out var line) || !line.StartsWith("GET /"u8) || !line.EndsWith(" HTTP/1.1"u8)) return null;
        var target = line[4..^9];
        var question = target.IndexOf((byte)'?');
        if (question < 0) return null;
        var path = target[..question];
        var query = target[(question + 1)..];
        if (!path.StartsWith(host.PathBase.Span)) return null;
        path = path[host.PathBase.Length..];
        var isStream = path.SequenceEqual("/sse"u8);
        if (!isStream && !path.SequenceEqual("/sub"u8)) return null;

        // Printable ASCII, as an address is: what is not, and a fragment, the web server judges.
        if (query.IndexOfAnyExceptInRange((byte)'!', (byte)'~') >= 0 || query.Contains((byte)'#')) return null;
        var isPlain = PlainQuery.TryRead(query, host.Names, out var start, out var seconds);
        if (!isPlain && !AreKnown(query)) return null;
        var fields = default(Fields);
        for (var count = 0; head.Length > 0; count++)
        {
            if (count == MaxHeaders) return null;
            var at = end + 2 - head.Length;
            if (!TryLine(ref head, out line) || !fields.TryRead(line, at, host)) return null;
        }

        if (!fields.HasHost || (fields.AsksForEvents && !isStream)) return null;
        if (isPlain && fields.LastEventId is null)
        {
            var wait = seconds < host.PollTimeout.TotalSeconds ? TimeSpan.FromSeconds(seconds.Value) : host.PollTimeout;
            return new ParkableRequest(start, isStream, isStream ? default : wait, fields.Token, end + HeadEnd.Length);
        }

        try
        {
            var parameters = new Parameters(MaxParameters);
            UrlEncoded.Parse(query, parameters);
            parameters.ThrowIfRefused();
            var asked = SubscribeParameters.Read(parameters, isStream ? fields.LastEventId : null);
            return asked.Starts.Count != 1 ? null : new ParkableRequest(asked.Starts[0], isStream, isStream ? default : SubscribeParameters.ReadWait(parameters, host.PollTimeout), fields.Token, end + HeadEnd.Length);
        }
        catch (WireException)
        {
            return null;
        }
    }

    /// <summary>Whether bytes may become a head that is read; false as soon as they cannot.</summary>
    public static bool MayBegin(ReadOnlySpan<byte> bytes, ParkingHost host)
    {
        var start = "GET "u8;
        var compared = Math.Min(start.Length, bytes.Length);
        if (!bytes[..compared].SequenceEqual(start[..compared])) return false;
        var path = bytes[compared..];
        compared = Math.Min(path.Length, host.PathBase.Length);
        return path[..compared].SequenceEqual(host.PathBase.Span[..compared]);
    }

    private static bool TryLine(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> line)
    {
        var end = rest.IndexOf("\r\n"u8);
        line = end < 0 ? default : rest[..end];
        if (end < 0) return false;
        rest = rest[(end + 2)..];
        return true;
    }

    private static bool AreKnown(ReadOnlySpan<byte> query)
    {
        var count = 0;
        foreach (var range in query.Split((byte)'&'))
        {
            var pair = query[range];
            if (pair.IsEmpty) continue;
            if (++count > MaxParameters) return false;
            var equals = pair.IndexOf((byte)'=');
            var name = equals < 0 ? pair : pair[..equals];
            var isKnown = false;
            foreach (var known in KnownParameters) isKnown |= Ascii.Equals(name, known);
            if (!isKnown) return false;
        }

        return true;
    }

    /// <summary>What is read of the headers.</summary>
    private struct Fields
    {
        private bool _hasToken;

        public bool HasHost { get; private set; }

        public bool AsksForEvents { get; private set; }

        public Range Token { get; private set; }

        public string? LastEventId { get; private set; }

        /// <summary>Reads one; false for what is left to the web server.</summary>
        /// <param name="line">The line.</param>
        /// <param name="at">Where in the head it is.</param>
        /// <param name="host">What has to be known of the server.</param>
        public bool TryRead(ReadOnlySpan<byte> line, int at, ParkingHost host)
        {
            var colon = line.IndexOf((byte)':');
            if (colon is <= 0 or > 64) return false;
            Span<char> name = stackalloc char[64];
            name = name[..Encoding.ASCII.GetChars(line[..colon], name)];
            if (!Headers.Contains(name)) return false;
            var value = line[(colon + 1)..].Trim(" \t"u8);
            if (value.IndexOfAnyExceptInRange((byte)' ', (byte)'~') >= 0) return false;
            ReadOnlySpan<char> known = name;
            if (Is(known, "Host"))
            {
                if (HasHost || !host.Serves(value)) return false;
                HasHost = true;
            }
            else if (Is(known, "Connection"))
            {
                return Ascii.EqualsIgnoreCase(value, "keep-alive");
            }
            else if (Is(known, "Accept"))
            {
                // Of a poll it may ask for events, in one spelling or another.
                AsksForEvents |= value.IndexOf("stream"u8) >= 0 || value.IndexOfAnyInRange((byte)'A', (byte)'Z') >= 0;
            }
            else if (Is(known, "Sec-Fetch-Site"))
            {
                return value.SequenceEqual("same-origin"u8) || value.SequenceEqual("none"u8);
            }
            else if (Is(known, "Cookie"))
            {
                return !host.TakesTokens;
            }
            else if (Is(known, "Authorization") && host.TakesTokens)
            {
                if (_hasToken || value.Length < 8 || !Ascii.EqualsIgnoreCase(value[..7], "Bearer ")) return false;
                _hasToken = true;
                var token = value[7..].Trim((byte)' ');
                var start = at + line.LastIndexOf(token);
                Token = start..(start + token.Length);
            }
            else if (Is(known, ParkableRequest.LastEventId))
            {
                if (LastEventId is not null) return false;
                LastEventId = Encoding.ASCII.GetString(value);
            }

            return true;

            static bool Is(ReadOnlySpan<char> text, string known) => text.Equals(known, StringComparison.OrdinalIgnoreCase);
        }
    }
}
