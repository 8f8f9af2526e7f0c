using System.Diagnostics.CodeAnalysis;

namespace CComet.Client;

/// <summary>
/// A subscription without <see cref="SubscribeOptions.OnGap"/> missed messages that the server no longer keeps. Every message before the gap was delivered;
/// subscribe from <see cref="CCometGap.Cursor"/> to continue behind it.
/// </summary>
[SuppressMessage("Design", "CA1032:Implement standard exception constructors", Justification = "It always has a gap.")]
public class CCometGapException : Exception
{
    /// <summary>Creates an exception.</summary>
    /// <param name="gap">The gap.</param>
    public CCometGapException(CCometGap gap)
        : base(Describe(gap)) => Gap = gap;

    /// <summary>Gets what was missed.</summary>
    public CCometGap Gap { get; }

    private static string Describe(CCometGap gap)
    {
        Check.NotNull(gap, nameof(gap));
        return gap.IsReset
            ? $"The log of channel '{gap.Channel}' began anew; messages from seqid {gap.From} of the old one may be lost. Subscribe from {gap.Cursor} to continue."
            : $"Messages {gap.From} to {gap.To} of channel '{gap.Channel}' are no longer kept. Subscribe from {gap.Cursor} to continue.";
    }
}
