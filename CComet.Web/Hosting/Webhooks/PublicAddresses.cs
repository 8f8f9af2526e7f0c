using System.Net;

namespace CComet.Web.Hosting.Webhooks;

/// <summary>Tells addresses of the internet from those of a machine, of a network of its own, or of none.</summary>
internal static class PublicAddresses
{
    /// <summary>What IANA has set apart: this host, private and shared networks, links, documentation of protocols, tests, groups, and what is reserved.</summary>
    private static readonly IPNetwork[] Special =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3",
            "::/96", "100::/64", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "2001::/23",
        }.Select(network => IPNetwork.Parse(network)),
    ];

    /// <summary>IPv6 networks in whose addresses an IPv4 address stands, and from which byte on: NAT64, its local form, and 6to4.</summary>
    private static readonly (IPNetwork Network, int At)[] Embedding = [(IPNetwork.Parse("64:ff9b::/96"), 12), (IPNetwork.Parse("64:ff9b:1::/48"), 12), (IPNetwork.Parse("2002::/16"), 2)];

    /// <summary>Whether an address is one of the internet.</summary>
    public static bool Contains(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        foreach (var (network, at) in Embedding)
        {
            if (network.Contains(plain)) return Contains(new IPAddress(plain.GetAddressBytes().AsSpan(at, 4)));
        }

        return !Array.Exists(Special, network => network.Contains(plain));
    }
}
