using System.Net;
using System.Security.Claims;

namespace CComet.Access;

/// <summary>The client for which an operation runs. Rights and the bounds of a client's share are decided by it.</summary>
/// <param name="Address">The client's address; null when it has none, as over a Unix socket, and then no bound per address holds.</param>
/// <param name="User">The user as the host has authenticated it; null when it has not. No subscriber holds it.</param>
public readonly record struct CallerContext(IPAddress? Address, ClaimsPrincipal? User = null)
{
    /// <summary>What its credential gives it; null where none was asked for, as in <see cref="AuthMode.Open"/>.</summary>
    public Grant? Grant { get; init; }

    /// <summary>The origin of the page that asks, as its browser says; null for none.</summary>
    public string? Origin { get; init; }

    /// <summary>By what it is told of messages, when it subscribes.</summary>
    internal Transport Transport { get; init; }

    /// <summary>The server itself, or a client without an address.</summary>
    internal static readonly CallerContext Local;
}
