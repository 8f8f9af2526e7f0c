using System.Net;
using System.Net.Sockets;
using CComet.Channels;
using CComet.Diagnostics;
using CComet.Limits;

namespace CComet.Kestrel;

/// <summary>Bounds the connections of one client address, so that none alone can take every place in the gate.</summary>
/// <remarks>
/// A connection too many is accepted and closed at once, by a reset: nothing is read of it, so that no answer can be given, and nothing of
/// it is left in the kernel. To let it wait would hold up those behind it in the backlog.
/// </remarks>
internal sealed class ConnectionQuota(ChannelHub hub, ConnectionGate gate, UncountedAddresses uncounted)
{
    /// <summary>How many an address may have. An eighth of what open files allow is left to others even where half of the setting is more.</summary>
    public int Max { get; } = hub.Options.Limits.ConnectionsPerAddress is > 0 and var most
        ? most
        : Math.Min(Quotas.HalfOf(hub.Options.Limits.Connections, 0), gate.Max - (gate.Max / 8));

    /// <summary>Counts a connection in.</summary>
    /// <param name="socket">The accepted socket.</param>
    /// <param name="share">The share that it is counted in until it is closed; null when it is not counted.</param>
    /// <returns>False when its address has as many as it may.</returns>
    public bool TryEnter(Socket socket, out Share? share) => TryEnter((socket.RemoteEndPoint as IPEndPoint)?.Address, out share);

    /// <summary>The same by the client's address; null for one without.</summary>
    public bool TryEnter(IPAddress? address, out Share? share)
    {
        share = null;
        if (address is null || uncounted.Contains(address)) return true;
        share = hub.Context.Quotas.TryConnect(address, Max);
        if (share is null) hub.Context.Metrics.RefusedConnection(ConnectionRefusal.Address);
        return share is not null;
    }
}
