namespace CComet.Access;

/// <summary>Allows everything to every caller: the default.</summary>
internal sealed class AllowAllAuthorizer : IChannelAuthorizer
{
    /// <inheritdoc/>
    public ValueTask<AccessDecision> AuthorizeAsync(CallerContext caller, ChannelRight right, string channel, CancellationToken cancellation = default) =>
        ValueTask.FromResult(AccessDecision.Allowed);
}
