using System.Globalization;
using CComet.Bench.Peers;
using CComet.Bench.Report;
using CComet.Bench.Works;

namespace CComet.Bench;

/// <summary>The same works on CComet and its peers, alternating, several rounds.</summary>
internal sealed class PeerBench(PeerOptions options)
{
    private const int Subscribers = 10_000;

    private static readonly Work[] All =
    [
        new IdleWork(Transport.Poll, Subscribers, most: 9.0),
        new IdleWork(Transport.Events, Subscribers, most: 10),
        new FanoutWork(Transport.Events, Subscribers, perSecond: 4, mostOfNchan: 0.85),
        new CapacityWork(Subscribers, leastOfNchan: 2.5, mostOfNchan: 0.85),
        new FanoutWork(Transport.Poll, Subscribers, perSecond: 2, mostOfNchan: 1.2),
        new PairsWork(1000, perSecond: 3000, mostOfNchan: 1.5, mostMicros: 150),
        new ParkWork(Transport.Poll, Subscribers, least: 15_000),
        new ParkWork(Transport.Events, Subscribers, least: 15_000),
        new PublishWork("publish", 128, new Goal(0.9, "an empty endpoint")),
        new PublishWork("publish-many", Subscribers),
    ];

    /// <summary>The works' names.</summary>
    public static IEnumerable<string> Keys => All.Select(work => work.Key);

    public async Task RunAsync()
    {
        Peer[] peers =
        [
            .. options.CComets.Select(c => new CCometPeer(c.Name, c.Folder, c.Content)),
            .. NchanPeer.IsInstalled ? new Peer[] { new NchanPeer() } : [],
            new SignalRPeer(options.Root),
            new EmptyPeer(options.Root),
        ];
        if (options.Peers.Count > 0) peers = [.. peers.Where(peer => options.Peers.Contains(peer.Name))];
        var results = new Results([.. All.Where(work => options.Works.Count == 0 || options.Works.Contains(work.Key))], peers);
        for (var round = 1; round <= options.Rounds; round++)
        {
            foreach (var work in results.Works)
            {
                // Who begins changes with the round, so that what one leaves behind does not always fall to the same other.
                var suited = peers.Where(work.Suits).ToArray();
                for (var i = 0; i < suited.Length; i++)
                {
                    var peer = suited[(i + round) % suited.Length];
                    var values = await work.MeasureAsync(peer);
                    results.Add(work, peer, values);
                    var told = work.Figures.Zip(values, (figure, value) => string.Create(CultureInfo.InvariantCulture, $"{figure.Name} {Figures.Text(value)} {figure.Unit}"));
                    Console.WriteLine($"round {round}, {work.Key}, {peer.Name}: {string.Join("; ", told)}");
                }
            }
        }

        Console.WriteLine();
        Console.WriteLine(MarkdownTable.Of(results));
        if (options.Plot is not null) await File.WriteAllTextAsync(options.Plot, RatioPlot.Of(results));
    }
}
