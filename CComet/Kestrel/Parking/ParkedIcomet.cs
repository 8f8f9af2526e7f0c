using System.Net;
using CComet.Http.Icomet;

namespace CComet.Kestrel.Parking;

/// <summary>The address of icomet's dialect, as parked connections see it.</summary>
/// <param name="host">What has to be known of the server there.</param>
/// <param name="icomet">Where it is.</param>
internal sealed class ParkedIcomet(ParkingHost host, ParkingIcomet icomet)
{
    /// <summary>What has to be known of the server there.</summary>
    public ParkingHost Host => host;

    /// <summary>Begins what its subscribers ask for.</summary>
    public IcometFront Front => icomet.Front;

    /// <summary>Writes heads.</summary>
    public ParkedAnswers Answers { get; } = new(host);

    /// <summary>Whether an address is that of its subscribers, which the port alone says, as to the web server.</summary>
    public bool Speaks(EndPoint address) => address is IPEndPoint ip && ip.Port == icomet.Port;
}
