namespace CComet.Access;

/// <summary>Decides by the caller's grant, and asks the application's hook where the grant lacks the right. In <see cref="AuthMode.Open"/> callers have no grant, and may do everything.</summary>
internal sealed class GrantAuthorizer(IAccessHook? hook = null) : IChannelAuthorizer
{
    /// <inheritdoc/>
    public ValueTask<AccessDecision> AuthorizeAsync(CallerContext caller, ChannelRight right, string channel, CancellationToken cancellation = default)
    {
        if (caller.Grant is not { } grant || grant.Allows(right, channel)) return ValueTask.FromResult(AccessDecision.Allowed);
        if (hook is null || right == ChannelRight.Sname || grant.IsNarrow) return ValueTask.FromResult(AccessDecision.Denied());
        return hook.AskAsync(caller, right, channel, cancellation);
    }
}
