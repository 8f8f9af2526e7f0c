namespace CComet.Http.Icomet;

/// <summary>What the dialect of icomet is told of its settings.</summary>
/// <param name="RequiresToken">Whether a subscriber needs the token that <c>/sign</c> gave.</param>
/// <param name="ChannelTimeout">How long a channel counts as online after its last subscriber, and a token holds when <c>/sign</c> is not told.</param>
internal sealed record IcometOptions(bool RequiresToken, TimeSpan ChannelTimeout);
