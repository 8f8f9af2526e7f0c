using System.Text;
using CComet.Access;
using CComet.Dialects.Native;
using CComet.Http.Icomet;
using CComet.Http.Requests;
using CComet.Messages;

namespace CComet.Kestrel.Parking;

/// <summary>What the head of a request asks that can be parked.</summary>
/// <param name="Start">The channel, and the cursor to begin at.</param>
/// <param name="IsStream">Whether it asks for a stream; else it is a long poll.</param>
/// <param name="Wait">For how long a poll waits.</param>
/// <param name="Token">Where in the head its token is, a bearer's or that of its cookie; empty for none.</param>
/// <param name="HeadBytes">How long the head is.</param>
internal readonly record struct ParkableRequest(ChannelStart Start, bool IsStream, TimeSpan Wait, Range Token, int HeadBytes)
{
    /// <summary>The path of the long poll, whose answers vary by the header Accept.</summary>
    public const string PollPath = "/sub";

    /// <summary>Fewer parameters than the web server takes, whatever its settings.</summary>
    public const int MaxParameters = 192;

    private const string LastEventId = "Last-Event-ID";
    private const string Poll2014 = "/subscribe";

    /// <summary>Fewer than the web server takes.</summary>
    private const int MaxHeaders = 64;

    /// <summary>The paths that are read.</summary>
    public static readonly string[] Paths = [PollPath, StreamForm.Events.Path, StreamForm.Lines.Path, Poll2014];

    /// <summary>The parameters that are read; those that follow are known to be ignored. One that is neither may mean something to another door.</summary>
    private static readonly string[] KnownParameters = ["channel", "seqid", "epoch", "cursor", "wait", "sname", "callback", "lastEventId", "_", "time", ParameterNames.Ticket];

    /// <summary>Who asks.</summary>
    public required ParkableCaller Caller { get; init; }

    /// <summary>Its path.</summary>
    public required string Path { get; init; }

    /// <summary>All channels, and the cursor to begin at in each, the first of which is <see cref="Start"/>; null where it is the only one.</summary>
    public IReadOnlyList<ChannelStart>? Several { get; init; }

    /// <summary>The name that the subscriber goes by, or null.</summary>
    public string? Sname { get; init; }

    /// <summary>The function that the answer calls; null for none.</summary>
    public string? Callback { get; init; }

    /// <summary>What it asks in the dialect of icomet; null for another dialect.</summary>
    public ParkableIcomet? Icomet { get; init; }

    /// <summary>Whether its stream is one of JSON lines; else it is one of server-sent events.</summary>
    public bool IsOfLines => Path == StreamForm.Lines.Path;

    /// <summary>Whether it is a poll in the dialect of 2014.</summary>
    public bool IsOf2014 => Path == Poll2014;

    /// <summary>By what its subscriber is told of messages.</summary>
    public Transport Transport => Icomet is not null ? IcometFront.TransportOf(Icomet.Framing, Callback) : Callback is not null ? Transport.Jsonp : !IsStream ? Transport.Poll : IsOfLines ? Transport.Stream : Transport.Sse;

    /// <summary>Whether it needs more than a slot holds.</summary>
    public bool IsBeside => Several is not null || Sname is not null || Callback is not null || IsOf2014 || Icomet is not null || (IsStream && Path == PollPath);

    private static ReadOnlySpan<byte> HeadEnd => "\r\n\r\n"u8;

    /// <summary>Reads a head; null for one that is left to the web server.</summary>
    /// <remarks>
    /// It is the list of what is let in, and everything else is left: odd spellings, bodies, upgrades, what is refused and what only may be. So
    /// it answers nothing strange itself, and a fault in it can make a request slower but not mean something else.
    /// </remarks>
    /// <param name="bytes">The bytes of the connection, the head among them.</param>
    /// <param name="host">What it needs to know of the server.</param>
    /// <param name="isFromProxy">Whether the connection is one of a proxy that the server lists.</param>
    public static ParkableRequest? Read(ReadOnlySpan<byte> bytes, ParkingHost host, bool isFromProxy = false)
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
        if ((host.IsOfIcomet ? ParkableIcomet.PathOf(path) : PathOf(path)) is not { } known) return null;

        // Printable ASCII, as an address is: what is not, and a fragment, the web server judges.
        if (query.IndexOfAnyExceptInRange((byte)'!', (byte)'~') >= 0 || query.Contains((byte)'#')) return null;
        var isPlain = PlainQuery.TryRead(query, host.Names, out var start, out var seconds) && known != Poll2014 && !host.IsOfIcomet;
        if (!isPlain && !AreKnown(query, host.IsOfIcomet ? ParkableIcomet.KnownParameters : KnownParameters)) return null;
        var fields = new Fields { Caller = new ParkableCaller.Fields(isFromProxy) };
        for (var count = 0; head.Length > 0; count++)
        {
            if (count == MaxHeaders) return null;
            var at = end + 2 - head.Length;
            if (!TryLine(ref head, out line) || !fields.TryRead(line, at, host)) return null;
        }

        if ((known == PollPath && fields.MayAskForEvents && !host.IsOfIcomet) || fields.Caller.Read(bytes, host) is not { } caller) return null;
        if (host.IsOfIcomet)
        {
            if (ParkableIcomet.Read(query, known, host.MayCallBack, out var function) is not { } icomet) return null;
            return new ParkableRequest(new ChannelStart(icomet.Asked.Channel, Cursor.None), icomet.Framing is not null, default, default, end + HeadEnd.Length) { Caller = caller, Path = known, Callback = function, Icomet = icomet };
        }

        if (isPlain && fields.LastEventId is null && !(known == PollPath && fields.AsksForEvents))
        {
            var plainWait = seconds < host.PollTimeout.TotalSeconds ? TimeSpan.FromSeconds(seconds.Value) : host.PollTimeout;
            return new ParkableRequest(start, known != PollPath, known == PollPath ? plainWait : default, fields.Caller.Token, end + HeadEnd.Length) { Caller = caller, Path = known };
        }

        try
        {
            var parameters = new Parameters(MaxParameters, names: known == Poll2014 ? ParameterNames.Ccomet2014 : ParameterNames.Native);
            UrlEncoded.Parse(query, parameters);
            parameters.ThrowIfRefused();
            var callback = parameters.Optional(parameters.Known.Callback);
            var isStream = known is not (PollPath or Poll2014) || (known == PollPath && fields.AsksForEvents && callback is null);

            // Of a script, a token does not count.
            if (callback is not null && (isStream || !host.MayCallBack || !Jsonp.IsName(callback) || !fields.Caller.Token.Equals(default))) return null;
            var asked = SubscribeParameters.Read(parameters, isStream ? fields.LastEventId : null);
            if ((known == Poll2014 && asked.Starts.Count > 1) || !TryAddTickets(parameters, host, fields.Caller.Token, ref caller)) return null;
            var wait = isStream ? default : SubscribeParameters.ReadWait(parameters, host.PollTimeout);
            return new ParkableRequest(asked.Starts[0], isStream, wait, fields.Caller.Token, end + HeadEnd.Length) { Caller = caller, Path = known, Several = asked.Starts.Count > 1 ? asked.Starts : null, Sname = asked.Sname, Callback = callback };
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

    /// <summary>Adds the tickets of the query; false where they may be none, or are one of two credentials.</summary>
    private static bool TryAddTickets(Parameters parameters, ParkingHost host, Range token, ref ParkableCaller caller)
    {
        var tickets = parameters.Many(ParameterNames.Ticket);
        if (tickets.Any(ticket => ticket.StartsWith("eyJ", StringComparison.Ordinal))) return false;
        if (!host.TakesTokens || tickets.Count == 0) return true;
        if (!token.Equals(default)) return false;
        caller = caller with { Tickets = tickets };
        return true;
    }

    /// <summary>The path, when it is one that is read.</summary>
    private static string? PathOf(ReadOnlySpan<byte> path)
    {
        foreach (var known in Paths)
        {
            if (Ascii.Equals(path, known)) return known;
        }

        return null;
    }

    private static bool TryLine(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> line)
    {
        var end = rest.IndexOf("\r\n"u8);
        line = end < 0 ? default : rest[..end];
        if (end < 0) return false;
        rest = rest[(end + 2)..];
        return true;
    }

    private static bool AreKnown(ReadOnlySpan<byte> query, string[] names)
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
            foreach (var known in names) isKnown |= Ascii.Equals(name, known);
            if (!isKnown) return false;
        }

        return true;
    }

    /// <summary>What is read of the headers.</summary>
    private struct Fields
    {
        public ParkableCaller.Fields Caller;

        /// <summary>Whether a header asks for events, which makes a stream of a poll.</summary>
        public bool AsksForEvents { get; private set; }

        /// <summary>Whether one may do so, in a spelling that is not read.</summary>
        public bool MayAskForEvents { get; private set; }

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
            if (!host.LetsIn(name)) return false;
            var value = line[(colon + 1)..].Trim(" \t"u8);
            if (value.IndexOfAnyExceptInRange((byte)' ', (byte)'~') >= 0) return false;
            ReadOnlySpan<char> known = name;
            var start = line.Length - line[(colon + 1)..].TrimStart(" \t"u8).Length;
            if (!Caller.TryRead(known, value, at + start, host)) return false;
            if (ParkableCaller.Is(known, "Connection"))
            {
                return Ascii.EqualsIgnoreCase(value, "keep-alive");
            }
            else if (ParkableCaller.Is(known, "Accept"))
            {
                if (value.SequenceEqual("text/event-stream"u8)) AsksForEvents = true;
                else MayAskForEvents |= value.IndexOf("stream"u8) >= 0 || value.IndexOfAnyInRange((byte)'A', (byte)'Z') >= 0;
            }
            else if (ParkableCaller.Is(known, ParkableRequest.LastEventId))
            {
                if (LastEventId is not null) return false;
                LastEventId = Encoding.ASCII.GetString(value);
            }

            return true;
        }
    }
}
