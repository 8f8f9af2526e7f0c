using System.Globalization;
using CComet.Bench.Load;
using CComet.Bench.Peers;

namespace CComet.Bench;

/// <summary>
/// What a bearer costs a long poll that is asked again. Three crowds wait at one server and are sent messages in turn, in an order by
/// chance: without a credential, with tokens that were verified before, and without a credential but with a header as long as a token, which
/// tells what its bytes alone cost. So close together in time, whatever else the machine does meets all of them. A turn is long enough that
/// its first delivery, which finds the memory of another crowd in the processor's caches, is one of many.
/// </summary>
internal sealed class RepollBench(string root)
{
    private const int Subscribers = 2_000;
    private const int Turns = 15;
    private const double MessagesPerSecond = 4;

    private static readonly TimeSpan Warm = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(4);

    /// <summary>Measures, and writes a line for each crowd.</summary>
    public async Task RunAsync()
    {
        var content = Path.Combine(root, "CComet.Web");
        var folder = Path.Combine(content, "bin", "Release", "net10.0");
        var (anonymous, token) = (new CCometPeer("CComet", folder, content), new CCometTokenPeer(folder, content, byTicket: false));
        await using var server = await token.StartAsync();
        var crowds = new (string Name, Crowd Crowd, Publishers Publishers, List<double> Costs)[]
        {
            Create("anonymous", "plain", anonymous.Subscribe),
            Create("by bearer", "bearer", token.Subscribe),
            Create("anonymous, with a header as long", "header", (_, channel, tally) => CCometTokenPeer.SubscribeWithHeader(channel, tally)),
        };
        foreach (var (_, crowd, publishers, _) in crowds)
        {
            await crowd.ReadyAsync();
            await MeasureAsync(server, crowd, publishers, Warm);
        }

        for (var turn = 0; turn < Turns; turn++)
        {
            Random.Shared.Shuffle(crowds);
            foreach (var (_, crowd, publishers, costs) in crowds) costs.Add(await MeasureAsync(server, crowd, publishers, Turn));
        }

        var plain = Array.Find(crowds, crowd => crowd.Name == "anonymous").Costs;
        foreach (var (name, crowd, publishers, costs) in crowds)
        {
            double[] ratios = [.. costs.Zip(plain, (cost, other) => cost / other).Order()];
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: processor time for each delivery and its poll {costs.Order().ElementAt(Turns / 2):F1} µs, ratio to anonymous {ratios[Turns / 2]:F3} (quartiles {ratios[Turns / 4]:F3}–{ratios[Turns * 3 / 4]:F3})"));
            publishers.Dispose();
            crowd.Dispose();
        }

        (string, Crowd, Publishers, List<double>) Create(string name, string channel, Func<Transport, string, Tally, Subscription> subscribe) =>
            (name, new Crowd(server.Port, Subscribers, isTold: false, (_, tally) => subscribe(Transport.Poll, channel, tally)), new Publishers(server.PublishPort, 1, 1, (_, text) => token.Publish(channel, text)), []);
    }

    private static async Task<double> MeasureAsync(Server server, Crowd crowd, Publishers publishers, TimeSpan duration)
    {
        await server.QuietAsync();
        var (deliveries, used) = (crowd.Deliveries, server.ProcessorNanos);
        await crowd.ReceivedAsync(deliveries + (await publishers.AtRateAsync(MessagesPerSecond, duration) * (long)Subscribers));
        await server.QuietAsync();
        crowd.RequireWhole();
        return (server.ProcessorNanos - used) / 1000.0 / (crowd.Deliveries - deliveries);
    }
}
