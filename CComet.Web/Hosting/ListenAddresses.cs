namespace CComet.Web.Hosting;

/// <summary>Checks the addresses to listen on. Kestrel takes <c>http://host:abc</c> for a host of that name, and listens on port 80 of all addresses.</summary>
internal static class ListenAddresses
{
    /// <summary>Checks what is configured.</summary>
    /// <exception cref="StartException">An address or a port cannot be one.</exception>
    public static void Check(IConfiguration configuration)
    {
        foreach (var address in Split(configuration["urls"])) CheckAddress("--urls", address);
        foreach (var name in (string[])["http_ports", "https_ports"])
            foreach (var port in Split(configuration[name]))
                if (!ushort.TryParse(port, out _)) throw new StartException($"{name.ToUpperInvariant()}: '{port}' is no port.");
        foreach (var endpoint in configuration.GetSection("Kestrel:Endpoints").GetChildren())
            if (endpoint["Url"] is { } url) CheckAddress($"{endpoint.Path}:Url", url);
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
