using System.Net;
using CComet.Web.Hosting.Admin;
using CComet.Web.Hosting.Icomet;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace CComet.Web.Hosting;

/// <summary>Checks the addresses to listen on. Kestrel takes <c>http://host:abc</c> for a host of that name, and listens on port 80 of all addresses.</summary>
internal static class ListenAddresses
{
    /// <summary>The section of the endpoints that Kestrel is given by its own settings.</summary>
    public const string Endpoints = "Kestrel:Endpoints";

    private const string DefaultAddress = "http://localhost:5000";

    /// <summary>Checks what is configured.</summary>
    /// <exception cref="StartException">An address or a port cannot be one.</exception>
    public static void Check(IConfiguration configuration)
    {
        foreach (var address in Split(configuration["urls"])) CheckAddress("--urls", address);
        foreach (var name in (string[])["http_ports", "https_ports"])
            foreach (var port in Split(configuration[name]))
                if (!ushort.TryParse(port, out _)) throw new StartException($"{name.ToUpperInvariant()}: '{port}' is no port.");
        foreach (var endpoint in configuration.GetSection(Endpoints).GetChildren())
            if (endpoint["Url"] is { } url) CheckAddress($"{endpoint.Path}:Url", url);
    }

    /// <summary>Lists the addresses that the host would listen on, as it finds them.</summary>
    public static IReadOnlyList<string> OfHost(IConfiguration configuration)
    {
        if (configuration[WebHostDefaults.ServerUrlsKey] is { Length: > 0 } urls) return Split(urls);
        string[] ports = [.. Split(configuration["http_ports"]).Select(port => $"http://*:{port}"), .. Split(configuration["https_ports"]).Select(port => $"https://*:{port}")];
        return ports.Length > 0 ? ports : [DefaultAddress];
    }

    /// <summary>Checks addresses beside the server's own, and adds them to the endpoints that the settings of Kestrel name, if they do.</summary>
    /// <param name="configuration">What is configured.</param>
    /// <param name="others">The addresses, each with the setting that holds it.</param>
    /// <exception cref="StartException">An address or a port cannot be one, or has another use.</exception>
    public static void CheckOthers(ConfigurationManager configuration, IEnumerable<(string Key, string Address)> others)
    {
        var ports = OfHost(configuration).Select(address => BindingAddress.Parse(address).Port).ToHashSet();
        var endpoints = configuration.GetSection(Endpoints).GetChildren().Any();
        foreach (var ((key, address), number) in others.ToList().Select((other, number) => (other, number)))
        {
            CheckAddress(key, address);
            var parsed = BindingAddress.Parse(address);
            if (parsed.IsUnixPipe || parsed.IsNamedPipe || parsed.Port == 0) throw new StartException($"{key}: '{address}' names no port; an address is written http://127.0.0.1:8100.");
            if (!ports.Add(parsed.Port)) throw new StartException($"{key}: port {parsed.Port} is that of another address of this server.");
            if (endpoints) configuration.AddInMemoryCollection([new($"{Endpoints}:{key.Replace(':', '.')}.{number}:Url", address)]);
        }
    }

    /// <summary>Has the server listen on addresses beside its own. Where the settings of Kestrel name endpoints, they are among them.</summary>
    public static void ListenToo(this WebApplication app, IReadOnlyList<string> addresses)
    {
        if (app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>() is not { Addresses.IsReadOnly: false } feature) return;
        if (app.Configuration.GetSection(Endpoints).GetChildren().Any()) return;

        // The host adds its own only where there is none yet.
        if (feature.Addresses.Count == 0) foreach (var address in OfHost(app.Configuration)) feature.Addresses.Add(address);
        foreach (var address in addresses) feature.Addresses.Add(address);
    }

    /// <summary>Lists every address that the server will listen on: the host's or, where its own settings name endpoints, Kestrel's; icomet's, and those of administration.</summary>
    public static IReadOnlyList<string> All(IConfiguration configuration)
    {
        var endpoints = configuration.GetSection(Endpoints).GetChildren().Select(endpoint => endpoint["Url"]).OfType<string>().ToList();
        var prefersHost = configuration.GetValue<bool>(WebHostDefaults.PreferHostingUrlsKey);
        var icomet = new[] { IcometAddresses.Front, IcometAddresses.Admin }.Select(key => configuration[key]).OfType<string>().Where(address => address.Length > 0);
        return [.. endpoints.Count > 0 && !prefersHost ? endpoints : OfHost(configuration), .. icomet, .. AdminAddresses.Of(configuration)];
    }

    /// <summary>Whether only this machine can reach an address, as Kestrel understands it: every name but localhost means all addresses.</summary>
    public static bool IsLoopback(string address)
    {
        var parsed = BindingAddress.Parse(address);
        if (parsed.IsUnixPipe || parsed.IsNamedPipe) return true;
        return parsed.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(parsed.Host, out var ip) && IPAddress.IsLoopback(ip));
    }

    /// <summary>Splits a list of addresses or ports.</summary>
    public static string[] Split(string? text) => text?.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

    /// <summary>Checks one address.</summary>
    /// <param name="name">The setting that holds it.</param>
    /// <param name="text">The address.</param>
    /// <exception cref="StartException">It cannot be one.</exception>
    public static void CheckAddress(string name, string text)
    {
        const string Form = "an address is written http://127.0.0.1:8080, http://0.0.0.0:8080 for all, or http://unix:/run/ccomet.sock";
        BindingAddress address;
        try
        {
            address = BindingAddress.Parse(text);
        }
        catch (FormatException e)
        {
            throw new StartException($"{name}: '{text}' is no address; {Form}.", e);
        }

        if (address.IsUnixPipe || address.IsNamedPipe) return;
        if (address.Scheme is not ("http" or "https")) throw new StartException($"{name}: '{text}' is neither http:// nor https://.");
        if (address.PathBase.Length > 0) throw new StartException($"{name}: '{text}' has a path; an address ends with its port.");
        if (address.Port is < 0 or > ushort.MaxValue || (address.Host.Contains(':', StringComparison.Ordinal) && !address.Host.EndsWith(']')))
            throw new StartException($"{name}: '{text}' has no port between 0 and 65535.");
    }
}
