using System.Net;
using CComet.Limits;

namespace CComet.Kestrel.Parking;

/// <summary>The client of a connection.</summary>
/// <param name="Address">Its address.</param>
/// <param name="Share">What the address takes, its connections included.</param>
/// <param name="Listener">Where it connected to.</param>
internal readonly record struct ParkedClient(IPAddress Address, Share Share, ParkingListener Listener);
