using System.Net;
using CComet.Access;

namespace CComet.Web.Hosting.Access;

/// <summary>A question to the application, as equal ones are known by: what grant, right and channel it is about.</summary>
/// <param name="Right">The right.</param>
/// <param name="Channel">The channel's name.</param>
/// <param name="User">The user's name; null for a caller without one.</param>
/// <param name="TokenId">The hash of the token's id.</param>
/// <param name="ExpiresAt">When the grant expires.</param>
/// <param name="IssuedAt">When its token was issued.</param>
/// <param name="Address">The client's address, of a caller without a name: nothing else tells it from others.</param>
/// <param name="Origin">The page's origin, of a caller without a name.</param>
internal readonly record struct HookQuestion(ChannelRight Right, string Channel, string? User, ulong TokenId, long ExpiresAt, uint IssuedAt, IPAddress? Address, string? Origin)
{
    /// <summary>Makes the question of a caller.</summary>
    public static HookQuestion Create(in CallerContext caller, ChannelRight right, string channel)
    {
        var grant = caller.Grant;
        var hasName = grant?.User is not null;
        return new HookQuestion(
            right, channel, grant?.User, grant?.Id ?? 0, grant?.ExpiresAt ?? Grant.Never, grant?.IssuedAt ?? 0, hasName ? null : caller.Address, hasName ? null : caller.Origin);
    }
}
