using System.Text;
using CComet.Access;
using CComet.Kestrel.Parking;
using CComet.Web.Hosting.Cors;
using CComet.Web.Hosting.Icomet;
using Microsoft.Extensions.Options;

namespace CComet.Web.Hosting;

/// <summary>Has connections parked that wait, where the settings say so and the system can.</summary>
internal static class Parking
{
    /// <summary>Adds it.</summary>
    public static void Register(WebApplicationBuilder builder, IConfiguration settings)
    {
        var parking = settings.GetSection("Parking").Get<ParkingSettings>() ?? new ParkingSettings();
        if (!OperatingSystem.IsLinux() || !parking.Enabled) return;
        builder.Services.AddSingleton(CreateHost);
        builder.Services.AddSingleton<ParkedConnections>();
    }

    private static ParkingHost CreateHost(IServiceProvider services)
    {
        var hub = services.GetRequiredService<IOptions<HubOptions>>().Value;
        var origins = services.GetRequiredService<CrossOrigin>();
        var icomet = services.GetService<IcometSettings>() ?? new IcometSettings();
        int[] others = [IcometAddresses.PortOf(icomet.Front), IcometAddresses.PortOf(icomet.Admin)];
        var hosts = services.GetRequiredService<IConfiguration>()["AllowedHosts"];
        return new ParkingHost
        {
            PathBase = Encoding.ASCII.GetBytes(services.GetRequiredService<IOptions<ServerOptions>>().Value.PathBase),
            PollTimeout = hub.Poll.Timeout,
            TakesTokens = hub.Auth.Mode == AuthMode.Token,
            VaryOfPoll = origins.VaryOf(variesByAccept: true),
            VaryOfStream = origins.VaryOf(variesByAccept: false),
            ParksAt = address => !others.Contains(address.Port),
            Hosts = hosts is null or "" or "*" ? [] : hosts.Split(';'),
        };
    }
}
