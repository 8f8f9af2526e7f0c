using CComet.Bench.Peers;

namespace CComet.Bench.Workloads;

/// <summary>What is to be reached.</summary>
/// <param name="Limit">The bound, in the figure's unit or, beside a peer, as a ratio.</param>
/// <param name="Peer">The peer it is a ratio to, or null.</param>
internal sealed record Goal(double Limit, string? Peer = null);

/// <summary>One thing that a workload measures.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="Less">Whether less is better.</param>
/// <param name="Goals">What is to be reached.</param>
internal sealed record Figure(string Name, string Unit, bool Less, params Goal[] Goals);

/// <summary>A workload that is the same for every peer.</summary>
internal abstract class Workload
{
    /// <summary>What it is called on the command line.</summary>
    public abstract string Key { get; }

    /// <summary>What it is, in a line.</summary>
    public abstract string Title { get; }

    /// <summary>What it measures.</summary>
    public abstract IReadOnlyList<Figure> Figures { get; }

    /// <summary>Whether a peer can do it.</summary>
    public virtual bool Suits(Peer peer) => peer is not EmptyPeer;

    /// <summary>Does it once, on a fresh server; gives one value for each figure.</summary>
    public abstract Task<double[]> MeasureAsync(Peer peer);
}
