using System.Globalization;
using CComet.Bench.Peers;
using CComet.Bench.Report;
using CComet.Bench.Workloads;

namespace CComet.Bench;

/// <summary>The same workloads on CComet and its peers, alternating, several rounds.</summary>
internal sealed class PeerBench(PeerOptions options)
{
    private const int Subscribers = 10_000;

    /// <summary>As many as a process may have descriptors here, which is 20,000.</summary>
    private const int ManySubscribers = 19_000;

    private static readonly Workload[] All =
    [
        new IdleWorkload("idle-poll", Transport.Poll, Subscribers, most: 0.15),
        new IdleWorkload("idle-sse", Transport.Events, Subscribers, most: 0.15),
        new IdleWorkload("idle-poll-many", Transport.Poll, ManySubscribers, most: 0.15),
        new IdleWorkload("idle-sse-many", Transport.Events, ManySubscribers, most: 0.15),
        new FanoutWorkload("fanout-sse", Transport.Events, Subscribers, perSecond: 4, mostOfNchan: 0.75),
        new CapacityWorkload(Subscribers, leastOfNchan: 2.5, mostOfNchan: 0.85),
        new FanoutWorkload("fanout-poll", Transport.Poll, Subscribers, perSecond: 2, mostOfNchan: 0.9),
        new FanoutWorkload("fanout-poll-often", Transport.Poll, Subscribers, perSecond: 10, mostOfNchan: 0.5),
        new PairsWorkload("pairs", Transport.Events, 1000, perSecond: 3000, mostOfNchan: 1.5, new Goal(150)),
        new PairsWorkload("pairs-poll", Transport.Poll, 1000, perSecond: 3000, mostOfNchan: 1.5, new Goal(1.2, "nchan")),
        new ParkWorkload(Transport.Poll, Subscribers, leastOfNchan: 0.95),
        new ParkWorkload(Transport.Events, Subscribers, leastOfNchan: 0.95),
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
