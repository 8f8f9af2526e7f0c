namespace CComet.Access;

/// <summary>Takes back what tokens give: of a user, of one token, or of everyone on a channel.</summary>
/// <param name="Subject">What it is about.</param>
/// <param name="Value">The user, the token's id, or the channel.</param>
/// <param name="At">When, in Unix seconds: tokens that were issued later are not revoked by a user or a channel.</param>
internal sealed record Revocation(RevocationSubject Subject, string Value, long At);

/// <summary>What a revocation is about. The numbers are kept in stores: none may change.</summary>
internal enum RevocationSubject
{
    /// <summary>All tokens of a user.</summary>
    Sub = 0,

    /// <summary>One token.</summary>
    Jti = 1,

    /// <summary>One channel, in all tokens.</summary>
    Channel = 2,
}
