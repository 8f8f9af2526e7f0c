namespace CComet.Diagnostics;

/// <summary>What the hub has counted since its start.</summary>
/// <param name="Published">Messages stored that were published here.</param>
/// <param name="Delivered">Messages given to subscribers.</param>
/// <param name="Gaps">Gaps that subscribers were told of.</param>
/// <param name="Resets">Times that a subscriber was told of a new epoch.</param>
/// <param name="Stalled">Connections closed because the client took nothing.</param>
/// <param name="Refused">Requests refused, and connections closed, because a bound was met.</param>
internal readonly record struct HubTotals(long Published, long Delivered, long Gaps, long Resets, long Stalled, long Refused);
