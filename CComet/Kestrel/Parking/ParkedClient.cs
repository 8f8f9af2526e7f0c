using System.Net;
using CComet.Limits;

namespace CComet.Kestrel.Parking;

/// <summary>The client of a connection; of one by a proxy, that of its last request.</summary>
/// <param name="Address">Its address.</param>
/// <param name="Shares">What its subscriber is counted in.</param>
/// <param name="Connection">What the connection is counted in; null for one by a proxy.</param>
/// <param name="Listener">Where it connected to.</param>
internal readonly record struct ParkedClient(IPAddress Address, CallerShares Shares, Share? Connection, ParkingListener Listener)
{
    /// <summary>Whether it brings the requests of many clients.</summary>
    public bool IsProxy => Connection is null;
}
