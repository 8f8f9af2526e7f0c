using System.Net;
using System.Net.Sockets;

namespace CComet.Web.Hosting;

/// <summary>The proxies that are listed in <c>CComet:Proxies</c>.</summary>
internal sealed class ProxyList(IEnumerable<string> proxies)
{
    /// <summary>Their networks; a single address is one of its own.</summary>
    public IReadOnlyList<IPNetwork> Networks { get; } = [.. proxies.Select(p => TryParse(p)!.Value)];

    /// <summary>Returns the network that an address or a network in CIDR form is; null for what is neither.</summary>
    public static IPNetwork? TryParse(string text)
    {
        if (text.Contains('/', StringComparison.Ordinal)) return IPNetwork.TryParse(text, out var network) ? network : null;

        // The parser takes 10.1 for 10.0.0.1.
        if (!IPAddress.TryParse(text, out var address) || (address.AddressFamily == AddressFamily.InterNetwork && address.ToString() != text)) return null;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);
    }

    /// <summary>Whether an address is listed.</summary>
    public bool Contains(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        foreach (var network in Networks)
        {
            if (network.Contains(plain)) return true;
        }

        return false;
    }
}
