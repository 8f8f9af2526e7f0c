namespace CComet.Access;

/// <summary>Asks the application about a right that a grant does not have.</summary>
internal interface IAccessHook
{
    /// <summary>Asks, or answers by what was asked before.</summary>
    /// <exception cref="AccessUnavailableException">The application gives no answer: the caller is refused with 503.</exception>
    ValueTask<AccessDecision> AskAsync(CallerContext caller, ChannelRight right, string channel, CancellationToken cancellation);
}
