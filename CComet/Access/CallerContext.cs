using System.Net;

namespace CComet.Access;

/// <summary>Names the client for which an operation of the hub is done; what bounds a client's share is decided by it.</summary>
/// <param name="Address">The client's address; null when it has none, as over a Unix socket, and then no bound per address holds.</param>
public readonly record struct CallerContext(IPAddress? Address)
{
    /// <summary>The server itself, or a client without an address.</summary>
    public static readonly CallerContext Local;
}
