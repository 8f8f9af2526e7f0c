using System.Text.RegularExpressions;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>What the comparison of two servers asks for, where, and how it sees how far a stream has come: of the server's own dialects.</summary>
internal partial class ParkingWire
{
    public static readonly ParkingWire Native = new();

    /// <summary>What a stream begins with, behind which it is published to.</summary>
    public virtual Regex StreamStart => NativeStart();

    /// <summary>The port to which requests go.</summary>
    public virtual int PortOf(LiveServer server) => server.Port;

    /// <summary>Makes a request.</summary>
    public virtual byte[] Next(Random random, string[] channels, Func<Random, ParkingCaller>? caller) => ParkingRequests.Next(random, channels, caller: caller);

    /// <summary>The target of a poll that waits for a moment.</summary>
    public virtual string Waiting(string channel) => $"/sub?channel={channel}&wait=0.1";

    /// <summary>The target that is cut where that of the server's own dialect would be.</summary>
    public virtual string Cut(string target, string channel) => target;

    /// <summary>Whether requests may name a channel that all lanes share.</summary>
    public virtual bool NamesOther(string text) => text.Contains("channel=b", StringComparison.Ordinal);

    /// <summary>How many channels a stream follows, by its beginning.</summary>
    public virtual int ChannelsOf(string start) => start[0] == '{' ? Regex.Count(start, "\"CURSOR\"") : IdLine().Match(start).Value.Count(c => c == ',') + 1;

    /// <summary>What ends each of its messages, by its beginning.</summary>
    public virtual string EndOf(string start) => start[0] == '{' ? "}\n" : "\n\n";

    [GeneratedRegex("retry: 0\n\nid: [^\n]*\n(event: cursor\ndata: [^\n]*\n)?\n|(?<=\n)(\\{\"type\":\"CURSOR\"[^\n]*\n)+")]
    private static partial Regex NativeStart();

    /// <summary>The cursors of all channels with which a stream of events begins.</summary>
    [GeneratedRegex("id: [^\n]*")]
    private static partial Regex IdLine();
}
