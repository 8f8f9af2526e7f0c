namespace CComet.Access;

/// <summary>Decides what callers may do with channels. Register an implementation before <c>AddCComet()</c>; without one everything is allowed.</summary>
public interface IChannelAuthorizer
{
    /// <summary>Decides whether a caller has a right on a channel.</summary>
    /// <remarks>
    /// Called by every operation, for each channel that it names, whatever the transport: <c>/pub</c> and a publish over a WebSocket ask
    /// for <see cref="ChannelRight.Publish"/>, <c>/sub</c>, <c>/sse</c>, <c>/stream</c> and <c>/ws</c> for
    /// <see cref="ChannelRight.Subscribe"/>, <c>/sign</c> for both. A long poll asks at each poll, a stream once, when it begins. It is
    /// called on many threads at once, and no lock is held. When it completes synchronously, as it should for all but a first look-up,
    /// the operation costs no more memory than without it.
    /// </remarks>
    /// <param name="caller">The caller.</param>
    /// <param name="right">What the caller asks for.</param>
    /// <param name="channel">The channel's name, which has been checked for its form.</param>
    /// <param name="cancellation">Cancelled when the client has gone, where the operation may be cancelled.</param>
    /// <returns>The decision. An exception is logged as a failure of the server, and answered with 500.</returns>
    ValueTask<AccessDecision> AuthorizeAsync(CallerContext caller, ChannelRight right, string channel, CancellationToken cancellation = default);
}
