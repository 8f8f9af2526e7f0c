using System.Net;

namespace CComet.Kestrel;

/// <summary>Says from which addresses connections are those of many clients, and so are not bounded by a share: the proxies in front.</summary>
/// <param name="contains">Whether an address is one of them.</param>
internal sealed class UncountedAddresses(Func<IPAddress, bool> contains)
{
    /// <summary>Every address has a share.</summary>
    public static readonly UncountedAddresses None = new(_ => false);

    /// <summary>Whether an address is one of them.</summary>
    public bool Contains(IPAddress address) => contains(address);
}
