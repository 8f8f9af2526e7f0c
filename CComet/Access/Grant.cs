using System.Runtime.CompilerServices;

namespace CComet.Access;

/// <summary>What a caller may do, for how long, and who it is. Immutable; a subscriber holds nothing else of its credential.</summary>
/// <remarks>
/// An idle subscriber holds it, so it is small: its rights are shared by all grants that have the same, its id is kept as a hash, and
/// neither the token nor its claims are kept.
/// </remarks>
public sealed class Grant
{
    /// <summary>The <see cref="ExpiresAt"/> of a grant that does not expire.</summary>
    internal const long Never = long.MaxValue;

    private static readonly ConditionalWeakTable<Grant, byte[]> Infos = [];

    private readonly GrantRights _rights;

    internal Grant(GrantRights rights, string? user = null, long expiresAt = Never, uint issuedAt = 0, ulong id = 0, byte ticketSeconds = 0, byte[]? info = null)
    {
        _rights = rights;
        User = user;
        ExpiresAt = expiresAt;
        IssuedAt = issuedAt;
        Id = id;
        TicketSeconds = ticketSeconds;
        if (info is not null) Infos.Add(this, info);
    }

    /// <summary>The user's name; null for a caller that has not authenticated.</summary>
    public string? User { get; }

    /// <summary>When it expires; null when it does not.</summary>
    public DateTimeOffset? Expires => ExpiresAt == Never ? null : DateTimeOffset.FromUnixTimeMilliseconds(ExpiresAt);

    /// <summary>When it expires, in Unix milliseconds.</summary>
    internal long ExpiresAt { get; }

    /// <summary>When its token was issued, in Unix seconds; 0 when the token does not say so.</summary>
    internal uint IssuedAt { get; }

    /// <summary>A hash of the token's id (<see cref="HashId"/>); 0 for a token without.</summary>
    internal ulong Id { get; }

    /// <summary>How long a ticket that follows the one it was made by opens, in seconds; 0 for a grant of another carrier.</summary>
    internal byte TicketSeconds { get; }

    /// <summary>What presence tells of the user: one JSON value in UTF-8; null for nothing.</summary>
    /// <remarks>Apart from it, as most have none, and an idle subscriber holds it.</remarks>
    internal byte[]? Info => Infos.TryGetValue(this, out var info) ? info : null;

    /// <summary>Whether it is one of a caller that has not authenticated.</summary>
    internal bool IsAnonymous => User is null && ExpiresAt == Never && TicketSeconds == 0;

    /// <summary>Whether it is of a ticket, and has no right but those that it names.</summary>
    internal bool IsNarrow => TicketSeconds > 0;

    /// <summary>Whether it has a right on a channel.</summary>
    /// <param name="right">The right.</param>
    /// <param name="channel">The channel's name; for <see cref="ChannelRight.Sname"/> the sname.</param>
    /// <returns>Whether it has.</returns>
    public bool Allows(ChannelRight right, string channel) => FindSource(right, channel) is not null;

    /// <summary>Returns where a right on a channel comes from, a rule or a claim; null when it has not that right.</summary>
    internal string? FindSource(ChannelRight right, string channel) => _rights.Find(right, channel, User);

    /// <summary>Returns the channels on which it has a right; revocations are not looked at.</summary>
    internal RightScope ScopeOf(ChannelRight right) => _rights.ScopeOf(right, User);

    /// <summary>Returns the hash by which a token's id is known: a collision would refuse a token too many, once in 2⁶⁴.</summary>
    internal static ulong HashId(string? id)
    {
        if (id is null) return 0;
        Span<byte> hash = stackalloc byte[System.Security.Cryptography.SHA256.HashSizeInBytes];
        System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(id), hash);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(hash) | 1;
    }
}
