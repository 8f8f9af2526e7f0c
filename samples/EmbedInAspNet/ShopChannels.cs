using CComet.Access;

namespace EmbedInAspNet;

/// <summary>Says which users may do what: everybody reads <c>orders</c>, which the shop alone writes; a user has a channel of its own.</summary>
internal sealed class ShopChannels : IChannelAuthorizer
{
    /// <inheritdoc/>
    public ValueTask<AccessDecision> AuthorizeAsync(CallerContext caller, ChannelRight right, string channel, CancellationToken cancellation = default)
    {
        var isAllowed = channel == "orders" ? right == ChannelRight.Subscribe : channel == $"user-{caller.User?.Identity?.Name}";
        return ValueTask.FromResult(isAllowed ? AccessDecision.Allowed : AccessDecision.Denied());
    }
}
