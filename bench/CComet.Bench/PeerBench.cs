using System.Globalization;
using CComet.Bench.Peers;
using CComet.Bench.Report;
using CComet.Bench.Workloads;

namespace CComet.Bench;

/// <summary>The same workloads on CComet and its peers, alternating, several rounds.</summary>
internal sealed class PeerBench(PeerOptions options)
{
    private const int Subscribers = 10_000;

    private static readonly Workload[] All =
    [
        new IdleWorkload(Transport.Poll, Subscribers, most: 9.0),
        new IdleWorkload(Transport.Events, Subscribers, most: 10),
        new FanoutWorkload(Transport.Events, Subscribers, perSecond: 4, mostOfNchan: 0.85),
        new CapacityWorkload(Subscribers, leastOfNchan: 2.5, mostOfNchan: 0.85),
        new FanoutWorkload(Transport.Poll, Subscribers, perSecond: 2, mostOfNchan: 1.2),
        new PairsWorkload(1000, perSecond: 3000, mostOfNchan: 1.5, mostMicros: 150),
        new ParkWorkload(Transport.Poll, Subscribers, least: 15_000),
        new ParkWorkload(Transport.Events, Subscribers, least: 15_000),
        new PublishWorkload("publish", 128, new Goal(0.9, "an empty endpoint")),
        new PublishWorkload("publish-many", Subscribers),
    ];

    /// <summary>The workloads' names.</summary>
    public static IEnumerable<string> Keys => All.Select(workload => workload.Key);

    public async Task RunAsync()
    {
        Peer[] peers =
        [
            .. options.CComets.Select(c => new CCometPeer(c.Name, c.Folder, c.Content)),
            .. NchanPeer.IsInstalled ? new Peer[] { new NchanPeer() } : [],
            new SignalRPeer(options.Root),
            new EmptyPeer(options.Root),
            new CCometIcometPeer(options.CComets[0].Folder, options.CComets[0].Content),
            new CCometTokenPeer(options.CComets[0].Folder, options.CComets[0].Content, byTicket: false),
            new CCometTokenPeer(options.CComets[0].Folder, options.CComets[0].Content, byTicket: true),
            .. options.Icomet is { } binary ? new Peer[] { new IcometPeer(binary) } : [],
        ];
        if (options.Icomet is null) Console.WriteLine("icomet is skipped: --icomet PATH gives its binary, icomet-server.");
        if (options.Peers.Count > 0) peers = [.. peers.Where(peer => options.Peers.Contains(peer.Name))];
        if (peers.Length == 0) throw new InvalidOperationException($"None of these takes part: {string.Join(", ", options.Peers)}.");
        var results = new Results([.. All.Where(workload => options.Workloads.Count == 0 || options.Workloads.Contains(workload.Key))], peers);
        for (var round = 1; round <= options.Rounds; round++)
        {
            foreach (var workload in results.Workloads)
            {
                // Who begins changes with the round, so that what one leaves behind does not always fall to the same other.
                var suited = peers.Where(workload.Suits).ToArray();
                for (var i = 0; i < suited.Length; i++)
                {
                    var peer = suited[(i + round) % suited.Length];
                    var values = await workload.MeasureAsync(peer);
                    results.Add(workload, peer, values);
                    var told = workload.Figures.Zip(values, (figure, value) => string.Create(CultureInfo.InvariantCulture, $"{figure.Name} {Figures.Text(value)} {figure.Unit}"));
                    Console.WriteLine($"round {round}, {workload.Key}, {peer.Name}: {string.Join("; ", told)}");
                }
            }
        }

        Console.WriteLine();
        Console.WriteLine(MarkdownTable.Format(results));
        if (options.Plot is not null) await File.WriteAllTextAsync(options.Plot, RatioPlot.Draw(results));
    }
}
