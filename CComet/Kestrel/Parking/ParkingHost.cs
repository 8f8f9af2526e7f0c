using System.Collections.Frozen;
using System.Net;
using CComet.Http;
using CComet.Http.Icomet;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace CComet.Kestrel.Parking;

/// <summary>What parked connections have to know of the server that they are part of, and that answers what they do not.</summary>
internal sealed record ParkingHost
{
    private byte[] _served = [];

    /// <summary>Headers whose presence changes nothing, with those that are read.</summary>
    public static IReadOnlyList<string> UsualHeaders { get; } =
    [
        "Host", "User-Agent", "Accept", "Accept-Language", "Accept-Encoding", "Accept-Charset", "Cache-Control", "Pragma", "Connection", "Keep-Alive", "Cookie", "DNT", "Priority", "Authorization", "Referer", "Save-Data",
        "Last-Event-ID", "Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-User", "Sec-Fetch-Storage-Access", "Sec-GPC", "Sec-CH-UA", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform", "Upgrade-Insecure-Requests", "X-Requested-With",
    ];

    /// <summary>Headers that proxies add.</summary>
    public static IReadOnlyList<string> ProxyHeaders { get; } =
    [
        "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix", "X-Forwarded-Port", "X-Forwarded-Server", "X-Forwarded-Scheme", "X-Forwarded-Ssl", "Forwarded", "X-Real-IP", "X-Client-IP", "X-Scheme", "Via",
        "X-Request-ID", "X-Correlation-ID", "X-Amzn-Trace-Id", "X-Cloud-Trace-Context", "CF-Connecting-IP", "CF-IPCountry", "CF-Ray", "CF-Visitor", "CDN-Loop", "True-Client-IP", "traceparent", "tracestate", "baggage",
    ];

    /// <summary>The path before each path of the contract; empty for none.</summary>
    public ReadOnlyMemory<byte> PathBase { get; init; }

    /// <summary>For how long a poll waits.</summary>
    public TimeSpan PollTimeout { get; init; }

    /// <summary>Whether callers need a right.</summary>
    public bool TakesTokens { get; init; }

    /// <summary>Whether a token in a cookie counts.</summary>
    public bool TakesCookies { get; init; }

    /// <summary>Whether an answer may be a script that calls a function.</summary>
    public bool MayCallBack { get; init; }

    /// <summary>The header Vary of a poll's answer.</summary>
    public required string VaryOfPoll { get; init; }

    /// <summary>The header Vary of a stream.</summary>
    public required string VaryOfStream { get; init; }

    /// <summary>Decides which pages may call.</summary>
    public required IOriginPolicy Origins { get; init; }

    /// <summary>Returns the lines of an answer's head by which a browser lets a page of an origin read it; null where the web server sets them.</summary>
    public required Func<string, string?> PageLines { get; init; }

    /// <summary>Whether the dialect of icomet is spoken, and no other.</summary>
    public bool IsOfIcomet { get; init; }

    /// <summary>Where the dialect of icomet is spoken; null for nowhere.</summary>
    public ParkingIcomet? Icomet { get; init; }

    /// <summary>Whether connections to an address may be parked: not to those of administration.</summary>
    public required Func<IPEndPoint, bool> ParksAt { get; init; }

    /// <summary>The names of the headers that a request may have.</summary>
    public FrozenSet<string> Headers { get; init; } = UsualHeaders.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether an address is that of a proxy which is believed.</summary>
    public Func<IPAddress, bool> IsProxy { get; init; } = static _ => false;

    /// <summary>Whether requests are traced, so that what they tell of a trace has a meaning.</summary>
    public Func<bool> IsTraced { get; init; } = static () => true;

    /// <summary>The names by which the server is called, as the host filter compares them; empty for all.</summary>
    public IReadOnlyList<StringSegment> Hosts
    {
        get;
        init => (field, _served) = (value, []);
    } = [];

    /// <summary>Returns the names of the setting of the host filter; none when it lets in all.</summary>
    public static IReadOnlyList<StringSegment> HostsOf(IEnumerable<string> allowed)
    {
        StringSegment[] hosts = [.. allowed.Select(name => new StringSegment(new HostString(name).ToUriComponent()))];
        return hosts.Any(name => name.Value is "*" or "[::]" or "0.0.0.0") ? [] : hosts;
    }

    /// <summary>The same for the address of icomet, whose paths have no base, and whose callers show no credential but its own.</summary>
    public ParkingHost ForIcomet() => this with { IsOfIcomet = true, PathBase = default, TakesTokens = false, TakesCookies = false, VaryOfPoll = VaryOfStream };

    /// <summary>Whether a request may have a header.</summary>
    public bool LetsIn(ReadOnlySpan<char> name) => Headers.GetAlternateLookup<ReadOnlySpan<char>>().Contains(name);

    /// <summary>The names of channels and epochs that requests have repeated of late.</summary>
    public KnownNames Names { get; } = new();

    /// <summary>Whether a request with this Host header is surely one for the server; others are left to the web server.</summary>
    public bool Serves(ReadOnlySpan<byte> host)
    {
        // Nearly all requests name the one that the last one has named.
        if (host.Length > 0 && host.SequenceEqual(Volatile.Read(ref _served))) return true;
        if (!IsPlain(host)) return false;
        var served = host.ToArray();
        if (Hosts.Count > 0 && !HostString.MatchesAny(System.Text.Encoding.ASCII.GetString(served), [.. Hosts])) return false;
        Volatile.Write(ref _served, served);
        return true;
    }

    private static bool IsPlain(ReadOnlySpan<byte> host)
    {
        var name = host;
        if (host.LastIndexOf((byte)':') is > 0 and var colon && host.IndexOf((byte)']') < colon)
        {
            var port = host[(colon + 1)..];
            if (port.IsEmpty || port.IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0) return false;
            name = host[..colon];
        }

        if (name.StartsWith("["u8)) return name.EndsWith("]"u8) && IPAddress.IsValidUtf8(name[1..^1]) && name[1..^1].Contains((byte)':') && !name.Contains((byte)'%');
        if (name.IsEmpty) return false;
        foreach (var b in name)
        {
            if (!(char.IsAsciiLetterOrDigit((char)b) || b is (byte)'.' or (byte)'-')) return false;
        }

        return true;
    }
}

/// <summary>Where the dialect of icomet is spoken, and what answers there.</summary>
/// <param name="Port">The port to which its subscribers come.</param>
/// <param name="Front">Begins what they ask for.</param>
internal sealed record ParkingIcomet(int Port, IcometFront Front);
