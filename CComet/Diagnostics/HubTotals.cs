namespace CComet.Diagnostics;

/// <summary>What the hub has counted since its start.</summary>
internal sealed class HubTotals
{
    /// <summary>Messages stored.</summary>
    public TotalCount Published { get; } = new();

    /// <summary>Messages read by subscribers.</summary>
    public TotalCount Delivered { get; } = new();

    /// <summary>Gaps that subscribers were told of.</summary>
    public TotalCount Gaps { get; } = new();

    /// <summary>Resets that subscribers were told of.</summary>
    public TotalCount Resets { get; } = new();

    /// <summary>Streams cut off because the client took nothing.</summary>
    public TotalCount Stalled { get; } = new();

    /// <summary>Requests refused, and connections closed, because a bound was met.</summary>
    public TotalCount Refused { get; } = new();
}
