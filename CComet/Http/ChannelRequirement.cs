using CComet.Access;
using Microsoft.AspNetCore.Authorization;

namespace CComet.Http;

/// <summary>
/// What the host's own authorization is asked when one of its handlers is of this requirement: whether a user has a right on a channel.
/// </summary>
/// <remarks>
/// Register an <c>AuthorizationHandler&lt;ChannelRequirement, string&gt;</c> as a singleton <c>IAuthorizationHandler</c>; the resource is the channel's name.
/// A caller may when the handler succeeds the requirement; in <see cref="AuthMode.Token"/> also when its grant has the right. A
/// handler is asked at each poll, when a stream begins, and at each publish.
/// </remarks>
/// <param name="right">What the caller asks for.</param>
public sealed class ChannelRequirement(ChannelRight right) : IAuthorizationRequirement
{
    /// <summary>What the caller asks for.</summary>
    public ChannelRight Right { get; } = right;
}
