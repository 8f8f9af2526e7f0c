namespace CComet.Bench;

/// <summary>What <c>bench/run.sh peers</c> is asked for.</summary>
/// <param name="Root">The root of the checkout.</param>
/// <param name="Workloads">The workloads; none means all.</param>
/// <param name="Peers">The peers by name; none means all.</param>
/// <param name="Rounds">How many rounds.</param>
/// <param name="Plot">Where to write the plot, or null.</param>
/// <param name="Icomet">The binary of icomet, or null.</param>
/// <param name="CComets">The builds of CComet that take part; the first is the one that ratios are of.</param>
internal sealed record PeerOptions(string Root, IReadOnlyList<string> Workloads, IReadOnlyList<string> Peers, int Rounds, string? Plot, string? Icomet, IReadOnlyList<(string Name, string Folder, string Content)> CComets)
{
    private const int DefaultRounds = 3;

    /// <summary>Reads the command line; null when it cannot be.</summary>
    public static PeerOptions? Read(IReadOnlyList<string> arguments, string root)
    {
        var (workloads, peers, rounds, plot, icomet) = (new List<string>(), new List<string>(), DefaultRounds, (string?)null, (string?)null);
        var web = Path.Combine(root, "CComet.Web");
        var comets = new List<(string, string, string)> { ("CComet", Path.Combine(web, "bin", "Release", "net10.0"), web) };
        for (var i = 0; i < arguments.Count; i++)
        {
            var value = i + 1 < arguments.Count ? arguments[i + 1] : null;
            switch (arguments[i])
            {
                case "--rounds" when int.TryParse(value, out rounds) && rounds > 0:
                    i++;
                    break;
                case "--plot" when value is not null:
                    plot = arguments[++i];
                    break;
                case "--peer" when value is not null:
                    peers.Add(arguments[++i]);
                    break;
                case "--icomet" when File.Exists(value):
                    icomet = Path.GetFullPath(value);
                    i++;
                    break;
                case "--server-cores" when value is not null:
                    Server.Cores = arguments[++i];
                    break;
                case "--against" when Directory.Exists(value):
                    comets.Add((Path.GetFileName(Path.TrimEndingDirectorySeparator(value)), value, value));
                    i++;
                    break;
                case var workload when PeerBench.Keys.Contains(workload):
                    workloads.Add(workload);
                    break;
                default:
                    return null;
            }
        }

        return new PeerOptions(root, workloads, peers, rounds, plot, icomet, comets);
    }
}
