using System.Net;

namespace CComet.Kestrel.Parking;

/// <summary>What parked connections have to know of the server that they are part of, and that answers what they do not.</summary>
internal sealed record ParkingHost
{
    /// <summary>The path before each path of the contract; empty for none.</summary>
    public ReadOnlyMemory<byte> PathBase { get; init; }

    /// <summary>For how long a poll waits.</summary>
    public TimeSpan PollTimeout { get; init; }

    /// <summary>Whether callers need a right.</summary>
    public bool TakesTokens { get; init; }

    /// <summary>The header Vary of a poll's answer.</summary>
    public required string VaryOfPoll { get; init; }

    /// <summary>The header Vary of a stream.</summary>
    public required string VaryOfStream { get; init; }

    /// <summary>Whether connections to an address may be parked: not where another dialect is spoken.</summary>
    public required Func<IPEndPoint, bool> ParksAt { get; init; }

    /// <summary>The names by which the server is called; empty for all.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>The names of channels and epochs that requests have repeated of late.</summary>
    public KnownNames Names { get; } = new();

    /// <summary>Whether a request with this Host header is surely one for the server; others are left to the web server.</summary>
    public bool Serves(ReadOnlySpan<byte> host)
    {
        if (Hosts.Count > 0) return false;
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
