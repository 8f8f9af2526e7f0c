using System.Net;
using System.Net.Sockets;

namespace CComet.Web.Hosting.Icomet;

/// <summary>The clients that may call the admin address, by rules as icomet has them: addresses and beginnings of such.</summary>
/// <param name="rules">The rules; without one, loopback.</param>
internal sealed class AllowedClients(IReadOnlyList<string> rules)
{
    private const string All = "all";

    /// <summary>Whether a text is a rule.</summary>
    public static bool IsRule(string text) => text == All || NetworkList.TryParse(text) is not null || IsBeginning(text);

    /// <summary>Whether a client may call.</summary>
    public bool Contains(IPAddress? address)
    {
        if (address is null) return false;
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (rules.Count == 0) return IPAddress.IsLoopback(plain);
        foreach (var rule in rules)
        {
            if (Matches(rule, plain)) return true;
        }

        return false;
    }

    private static bool Matches(string rule, IPAddress address)
    {
        if (rule == All) return true;
        if (NetworkList.TryParse(rule) is { } network) return network.Contains(address);
        return address.AddressFamily == AddressFamily.InterNetwork && $"{address}.".StartsWith($"{rule.TrimEnd('.')}.", StringComparison.Ordinal);
    }

    /// <summary>Whether a text is one to three parts of an address of IPv4.</summary>
    private static bool IsBeginning(string text)
    {
        var parts = text.TrimEnd('.').Split('.');
        return parts.Length is > 0 and < 4 && parts.All(part => byte.TryParse(part, System.Globalization.NumberStyles.None, null, out _));
    }
}
