using System.Collections.Frozen;
using System.Diagnostics;
using System.Text;
using CComet.Access;
using CComet.Http;
using CComet.Http.Icomet;
using CComet.Kestrel;
using CComet.Kestrel.Parking;
using CComet.Web.Hosting.Admin;
using CComet.Web.Hosting.Cors;
using CComet.Web.Hosting.Icomet;
using Microsoft.AspNetCore.HostFiltering;
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
        builder.WebHost.UseCCometParking();
    }

    private static ParkingHost CreateHost(IServiceProvider services)
    {
        var hub = services.GetRequiredService<IOptions<HubOptions>>().Value;
        var origins = services.GetRequiredService<CrossOrigin>();
        var icomet = services.GetService<IcometSettings>() ?? new IcometSettings();
        int[] others = [IcometAddresses.PortOf(icomet.Admin), .. AdminAddresses.Of(services.GetRequiredService<IConfiguration>()).Select(IcometAddresses.PortOf)];
        var configuration = services.GetRequiredService<IConfiguration>();
        var diagnostics = services.GetRequiredService<ILoggerFactory>().CreateLogger("Microsoft.AspNetCore.Hosting.Diagnostics");
        var (source, listener) = (services.GetRequiredService<ActivitySource>(), services.GetRequiredService<DiagnosticListener>());
        var takesTokens = hub.Auth.Mode == AuthMode.Token;
        return new ParkingHost
        {
            PathBase = Encoding.ASCII.GetBytes(services.GetRequiredService<IOptions<ServerOptions>>().Value.PathBase),
            PollTimeout = hub.Poll.Timeout,
            TakesTokens = takesTokens,
            TakesCookies = takesTokens && origins.TakesCookies(default),
            MayCallBack = services.GetRequiredService<IOptions<EndpointOptions>>().Value.Jsonp.Enabled,
            VaryOfPoll = origins.VaryOf(variesByAccept: true),
            VaryOfStream = origins.VaryOf(variesByAccept: false),
            Origins = origins,
            PageLines = origins.LinesOf,
            Icomet = icomet.Front.Length > 0 ? new ParkingIcomet(IcometAddresses.PortOf(icomet.Front), services.GetRequiredService<IcometFront>()) : null,
            ParksAt = address => !others.Contains(address.Port),
            Headers = HeadersOf(configuration),
            IsProxy = services.GetRequiredService<UncountedAddresses>().Contains,

            // As the host itself decides whether a request begins an activity.
            IsTraced = () => source.HasListeners() || listener.IsEnabled() || diagnostics.IsEnabled(LogLevel.Critical),
            Hosts = ParkingHost.HostsOf(services.GetRequiredService<IOptions<HostFilteringOptions>>().Value.AllowedHosts),
        };
    }

    /// <summary>The headers that change nothing. Where the framework's own switch has it believe everybody, those of a proxy do.</summary>
    private static FrozenSet<string> HeadersOf(IConfiguration configuration) =>
        (configuration["ForwardedHeaders_Enabled"]?.Equals("true", StringComparison.OrdinalIgnoreCase) == true ? ParkingHost.UsualHeaders : ParkingHost.UsualHeaders.Concat(ParkingHost.ProxyHeaders)).ToFrozenSet(StringComparer.OrdinalIgnoreCase);
}
