using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace CComet.Web.Hosting.Icomet;

/// <summary>Has the web server listen on the addresses of icomet's dialect beside its own.</summary>
internal static class IcometAddresses
{
    public const string Front = "CComet:Icomet:Front";
    public const string Admin = "CComet:Icomet:Admin";
    public const string Auth = "CComet:Icomet:Auth";

    /// <summary>Returns the port of an address; 0 for none.</summary>
    public static int PortOf(string address) => address.Length == 0 ? 0 : BindingAddress.Parse(address).Port;

    /// <summary>Checks the addresses, and adds them to the endpoints that the settings of Kestrel name, if they do.</summary>
    /// <exception cref="StartException">An address or a port cannot be one, or has another use.</exception>
    public static void Check(ConfigurationManager configuration)
    {
        var ports = ListenAddresses.OfHost(configuration).Select(address => BindingAddress.Parse(address).Port).ToHashSet();
        var endpoints = configuration.GetSection(ListenAddresses.Endpoints).GetChildren().Any();
        foreach (var key in (string[])[Front, Admin])
        {
            if (configuration[key] is not { Length: > 0 } address) continue;
            ListenAddresses.CheckAddress(key, address);
            var parsed = BindingAddress.Parse(address);
            if (parsed.IsUnixPipe || parsed.IsNamedPipe || parsed.Port == 0) throw new StartException($"{key}: '{address}' names no port; an address is written http://127.0.0.1:8100.");
            if (!ports.Add(parsed.Port)) throw new StartException($"{key}: port {parsed.Port} is that of another address of this server.");
            if (endpoints) configuration.AddInMemoryCollection([new($"{ListenAddresses.Endpoints}:{key.Replace(':', '.')}:Url", address)]);
        }
    }

    /// <summary>Adds the addresses to those of the server.</summary>
    public static void Listen(WebApplication app, IcometSettings settings)
    {
        if (!settings.IsOn || app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>() is not { Addresses.IsReadOnly: false } feature) return;
        if (app.Configuration.GetSection(ListenAddresses.Endpoints).GetChildren().Any()) return;

        // The host adds its own only where there is none yet.
        if (feature.Addresses.Count == 0) foreach (var address in ListenAddresses.OfHost(app.Configuration)) feature.Addresses.Add(address);
        foreach (var address in (string[])[settings.Front, settings.Admin])
            if (address.Length > 0) feature.Addresses.Add(address);
    }
}
