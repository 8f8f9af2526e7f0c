using System.Text;
using CComet.Kestrel.Parking;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>Reads heads of requests as a server of the usual settings does.</summary>
internal static class ParkableHeads
{
    /// <summary>The beginning of a poll: further headers and the empty line go behind it.</summary>
    public const string PollHead = "GET /sub?channel=a HTTP/1.1\r\nHost: localhost\r\n";

    /// <summary>The beginning of a stream of events, which ends like that of a poll.</summary>
    public const string StreamHead = "GET /sse?channel=a HTTP/1.1\r\nHost: localhost\r\n";

    /// <summary>A server of the usual settings.</summary>
    public static ParkingHost Host => ParkingRequests.NewHost();

    /// <summary>Reads a head.</summary>
    /// <param name="latin1">The bytes that have come, each of them a character.</param>
    /// <param name="host">The server; null for <see cref="Host"/>.</param>
    /// <returns>The request; null when it is left to the web server.</returns>
    public static ParkableRequest? Read(string latin1, ParkingHost? host = null) => ParkableRequest.Read(Encoding.Latin1.GetBytes(latin1), host ?? Host);
}
