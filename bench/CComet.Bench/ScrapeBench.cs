using System.Globalization;
using CComet.Bench.Load;
using CComet.Bench.Peers;

namespace CComet.Bench;

/// <summary>
/// What it costs to scrape <c>/metrics</c> every second while many subscribers wait. Times with scrapes and times without take turns on one server, so that
/// whatever else the machine does meets both; what the server does of itself is taken off.
/// </summary>
internal sealed class ScrapeBench(string root)
{
    private const int Subscribers = 10_000;
    private const int Turns = 5;

    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Measures, and writes a line.</summary>
    public async Task RunAsync()
    {
        var content = Path.Combine(root, "CComet.Web");
        var folder = Path.Combine(content, "bin", "Release", "net10.0");
        var peer = new CCometPeer("CComet", folder, content);

        // In mode Open it is at the addresses of administration alone.
        await using var server = await Server.StartAsync("dotnet", (port, admin) => [.. CCometPeer.Arguments(folder, content, port), $"--CComet:Admin:Urls=http://127.0.0.1:{admin}"]);
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{server.PublishPort}") };
        using var crowd = new Crowd(server.Port, Subscribers, isTold: true, (_, tally) => peer.Subscribe(Transport.Events, "scraped", tally));
        await crowd.ReadyAsync();
        var bytes = 0;

        // Until what is asked for is compiled.
        for (var i = 0; i < 200; i++) bytes = (await http.GetByteArrayAsync(new Uri("/metrics", UriKind.Relative))).Length;
        await Task.Delay(peer.Settles);
        var costs = new List<double>();
        for (var turn = 0; turn < Turns; turn++)
        {
            var idle = await MeasureAsync(server, static () => Task.CompletedTask);
            costs.Add(await MeasureAsync(server, () => http.GetByteArrayAsync(new Uri("/metrics", UriKind.Relative))) - idle);
        }

        costs.Sort();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Subscribers:N0} subscribers by server-sent events, /metrics of {bytes / 1000.0:F1} kB every second: {costs[Turns / 2]:P2} of a core ({costs[0]:P2}–{costs[^1]:P2}), {costs[Turns / 2] * Interval.TotalMilliseconds:F2} ms for each"));
    }

    /// <summary>The cores that the server has used while something was done every second.</summary>
    private static async Task<double> MeasureAsync(Server server, Func<Task> ask)
    {
        using var timer = new PeriodicTimer(Interval);
        var (began, used) = (Mark.Now, server.ProcessorNanos);
        for (var second = 0; second < Turn.TotalSeconds; second++)
        {
            await ask();
            await timer.WaitForNextTickAsync();
        }

        return (server.ProcessorNanos - used) / 1000.0 / (Mark.Now - began);
    }
}
