using System.Net;
using System.Text;
using CComet.Dialects.Native;
using CComet.Http;

namespace CComet.Kestrel.Parking;

/// <summary>Who asks for what a <see cref="ParkableRequest"/> asks for.</summary>
internal sealed record ParkableCaller
{
    private static readonly ParkableCaller Usual = new();
    private static readonly ParkableCaller Forwarded = new() { IsForwarded = true };

    /// <summary>Its tickets.</summary>
    public IReadOnlyList<string> Tickets { get; init; } = [];

    /// <summary>The ticket that a stream tells it of at first; null for none.</summary>
    public (string Text, long Expires)? NextTicket { get; init; }

    /// <summary>The origin of the page, for the application that decides about rights; null for none, and where nothing is decided.</summary>
    public string? Origin { get; init; }

    /// <summary>The lines of the answer's head by which a browser lets the page read it; empty for none.</summary>
    public string PageLines { get; init; } = "";

    /// <summary>Its address, where a proxy tells of it; null for that of the connection.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>Whether somebody who is no listed proxy tells of another address.</summary>
    public bool IsForwarded { get; init; }

    /// <summary>Whether a text is the name of a header.</summary>
    public static bool Is(ReadOnlySpan<char> text, string known) => text.Equals(known, StringComparison.OrdinalIgnoreCase);

    /// <summary>What is read of the headers.</summary>
    /// <param name="isFromProxy">Whether the connection is a listed proxy's.</param>
    public struct Fields(bool isFromProxy)
    {
        private Range? _host;
        private Range? _origin;
        private Range? _fetchSite;
        private Range? _referer;
        private Range? _token;
        private Range? _forwardedFor;
        private Range? _forwardedScheme;
        private Range? _forwardedHost;
        private bool _isForwarded;

        /// <summary>Where in the head its token is; empty for none.</summary>
        public readonly Range Token => _token ?? default;

        /// <summary>Reads a header, if it tells of the caller.</summary>
        /// <param name="name">Its name.</param>
        /// <param name="value">Its value.</param>
        /// <param name="at">Where in the head the value is.</param>
        /// <param name="host">What has to be known of the server.</param>
        /// <returns>False for what is left to the web server, as is every header that comes twice.</returns>
        public bool TryRead(ReadOnlySpan<char> name, ReadOnlySpan<byte> value, int at, ParkingHost host)
        {
            var range = at..(at + value.Length);
            if (Is(name, "Host")) return host.Serves(value) && TrySet(ref _host, range);
            if (Is(name, "Origin")) return value.Length > 0 && TrySet(ref _origin, range);
            if (Is(name, "Sec-Fetch-Site")) return TrySet(ref _fetchSite, range);
            if (Is(name, "Referer")) return TrySet(ref _referer, range);
            if (Is(name, "Authorization")) return !host.TakesTokens || (ParkableCredential.TryReadBearer(value, out var bearer) && TrySet(ref _token, Within(bearer, at)));
            if (Is(name, "Cookie")) return !host.TakesCookies || (ParkableCredential.TryReadCookie(value, out var cookie) && (cookie.Equals(default) || TrySet(ref _token, Within(cookie, at))));
            if (Is(name, "traceparent") || Is(name, "tracestate") || Is(name, "baggage")) return !host.IsTraced();
            return !name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase) || TryReadForwarded(name, range);
        }

        /// <summary>Judges what was read; null for what is left to the web server, as is what a policy refuses.</summary>
        public readonly ParkableCaller? Read(ReadOnlySpan<byte> bytes, ParkingHost host)
        {
            if (_host is null) return null;
            IPAddress? address = null;
            if (isFromProxy && (address = ClientOf(bytes, host)) is null) return null;
            if (!host.Origins.IsOpen && !IsPageLetIn(bytes, host)) return null;
            if (_origin is null && address is null) return _isForwarded ? Forwarded : Usual;
            var origin = _origin is null ? null : TextOf(_origin, bytes);
            if ((origin is null ? "" : host.PageLines(origin)) is not { } lines) return null;
            return new ParkableCaller { Origin = host.TakesTokens ? origin : null, PageLines = lines, Address = address, IsForwarded = _isForwarded };
        }

        private bool TryReadForwarded(ReadOnlySpan<char> name, Range range)
        {
            // What somebody tells who is not believed changes nothing.
            if (!isFromProxy)
            {
                _isForwarded |= Is(name, "X-Forwarded-For");
                return true;
            }

            if (Is(name, "X-Forwarded-For")) return TrySet(ref _forwardedFor, range);
            if (Is(name, "X-Forwarded-Proto")) return TrySet(ref _forwardedScheme, range);
            if (Is(name, "X-Forwarded-Host")) return TrySet(ref _forwardedHost, range);
            return !Is(name, "X-Forwarded-Prefix");
        }

        /// <summary>The client that a proxy tells of, the first address from the right that is no proxy's; null where what it tells is not plain.</summary>
        private readonly IPAddress? ClientOf(ReadOnlySpan<byte> bytes, ParkingHost host)
        {
            if (_forwardedFor is not { } told || (_forwardedHost is { } name && !bytes[name].SequenceEqual(bytes[_host!.Value]))) return null;
            if (_forwardedScheme is { } scheme && !bytes[scheme].SequenceEqual("http"u8) && !bytes[scheme].SequenceEqual("https"u8)) return null;
            var addresses = bytes[told];
            while (true)
            {
                var comma = addresses.LastIndexOf((byte)',');
                var text = Encoding.ASCII.GetString(addresses[(comma + 1)..].Trim((byte)' '));

                // One spelling alone: without a port, brackets or a zone.
                if (!IPAddress.TryParse(text, out var address) || !address.ToString().Equals(text, StringComparison.OrdinalIgnoreCase)) return null;
                if (comma < 0 || !host.IsProxy(address)) return address;
                addresses = addresses[..comma];
            }
        }

        private readonly bool IsPageLetIn(ReadOnlySpan<byte> bytes, ParkingHost host)
        {
            if (_origin is null && _fetchSite is null) return true;
            try
            {
                var scheme = _forwardedScheme is null ? "http" : TextOf(_forwardedScheme, bytes);
                host.Origins.Check(new PageOrigin(TextOf(_origin, bytes), TextOf(_fetchSite, bytes), TextOf(_referer, bytes), scheme, TextOf(_host, bytes)));
                return true;
            }
            catch (WireException)
            {
                return false;
            }
        }

        private static bool TrySet(ref Range? field, Range range)
        {
            if (field is not null) return false;
            field = range;
            return true;
        }

        private static Range Within(Range range, int at) => (range.Start.Value + at)..(range.End.Value + at);

        private static string TextOf(Range? field, ReadOnlySpan<byte> bytes) => field is { } range ? Encoding.ASCII.GetString(bytes[range]) : "";
    }
}
