using CComet.Bench.Peers;
using CComet.Bench.Workloads;

namespace CComet.Bench.Report;

/// <summary>All that was measured: a value for each round.</summary>
/// <param name="workloads">The workloads, in order.</param>
/// <param name="peers">The peers; the first is the one that ratios are of.</param>
internal sealed class Results(IReadOnlyList<Workload> workloads, IReadOnlyList<Peer> peers)
{
    private readonly Dictionary<(Workload, Peer), List<double[]>> _values = [];

    public IReadOnlyList<Workload> Workloads => workloads;

    public Peer First => peers[0];

    public IReadOnlyList<Peer> Others => [.. peers.Skip(1)];

    public void Add(Workload workload, Peer peer, double[] values)
    {
        if (!_values.TryGetValue((workload, peer), out var list)) _values[(workload, peer)] = list = [];
        list.Add(values);
    }

    /// <summary>The values of a figure, one a round; none when the peer did not run the workload.</summary>
    public IReadOnlyList<double> Values(Workload workload, int figure, Peer peer) => _values.TryGetValue((workload, peer), out var list) ? [.. list.Select(values => values[figure])] : [];

    /// <summary>The first's value as a multiple of another's, round by round.</summary>
    public IReadOnlyList<double> Ratios(Workload workload, int figure, Peer peer) => [.. Values(workload, figure, First).Zip(Values(workload, figure, peer), (first, other) => first / other)];
}
