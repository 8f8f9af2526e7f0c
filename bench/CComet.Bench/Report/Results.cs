using CComet.Bench.Peers;
using CComet.Bench.Works;

namespace CComet.Bench.Report;

/// <summary>All that was measured: a value for each round.</summary>
/// <param name="works">The works, in order.</param>
/// <param name="peers">The peers; the first is the one that ratios are of.</param>
internal sealed class Results(IReadOnlyList<Work> works, IReadOnlyList<Peer> peers)
{
    private readonly Dictionary<(Work, Peer), List<double[]>> _values = [];

    public IReadOnlyList<Work> Works => works;

    public Peer First => peers[0];

    public IReadOnlyList<Peer> Others => [.. peers.Skip(1)];

    public void Add(Work work, Peer peer, double[] values)
    {
        if (!_values.TryGetValue((work, peer), out var list)) _values[(work, peer)] = list = [];
        list.Add(values);
    }

    /// <summary>The values of a figure, one a round; none when the peer did not do the work.</summary>
    public IReadOnlyList<double> Of(Work work, int figure, Peer peer) => _values.TryGetValue((work, peer), out var list) ? [.. list.Select(values => values[figure])] : [];

    /// <summary>The first's value as a multiple of another's, round by round.</summary>
    public IReadOnlyList<double> Ratios(Work work, int figure, Peer peer) => [.. Of(work, figure, First).Zip(Of(work, figure, peer), (first, other) => first / other)];
}
