using CComet.Access;

namespace CComet.Kestrel.Parking;

/// <summary>What a connection's credential gives, kept from request to request so that the same token is not verified, nor looked up, again.</summary>
/// <param name="Grant">What it gives.</param>
/// <param name="Token">The <see cref="TokenHash"/> of the token; 0 for none.</param>
/// <param name="Version">The <see cref="GrantCache.Version"/> for which it holds.</param>
internal readonly record struct ParkedGrant(Grant Grant, UInt128 Token, int Version);
