using System.Net;
using System.Net.Sockets;

namespace CComet.Web.Hosting;

/// <summary>Addresses and networks that a setting lists.</summary>
internal sealed class NetworkList(IEnumerable<string> networks)
{
    /// <summary>The networks; a single address is one of its own.</summary>
    public IReadOnlyList<IPNetwork> Networks { get; } = [.. networks.Select(text => TryParse(text)!.Value)];

    /// <summary>Returns the network that an address or a network in CIDR form is; null for what is neither.</summary>
    public static IPNetwork? TryParse(string text)
    {
        if (text.Contains('/', StringComparison.Ordinal)) return IPNetwork.TryParse(text, out var network) ? network : null;

        // The parser takes 10.1 for 10.0.0.1.
        if (!IPAddress.TryParse(text, out var address) || (address.AddressFamily == AddressFamily.InterNetwork && address.ToString() != text)) return null;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);
    }

    /// <summary>Returns what is wrong with a text that is neither an address nor a network; null for one that is.</summary>
    public static string? FindProblem(string text) => TryParse(text) is null ? $"'{text}' is no address such as 10.0.0.1, and no network such as 10.0.0.0/8." : null;

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
