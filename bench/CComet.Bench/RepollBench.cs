using System.Globalization;
using CComet.Bench.Load;
using CComet.Bench.Peers;

namespace CComet.Bench;

/// <summary>
/// What a bearer costs a long poll that is asked again: two crowds wait at one server, one with tokens that it has verified before, one
/// without, and are sent messages in turn. So close together in time, whatever else the machine does meets both.
/// </summary>
internal sealed class RepollBench(string root)
{
    private const int Subscribers = 3_000;
    private const int Turns = 20;
    private const double MessagesPerSecond = 4;

    private static readonly TimeSpan Warm = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(2);

    /// <summary>Measures, and writes a line.</summary>
    public async Task RunAsync()
    {
        var content = Path.Combine(root, "CComet.Web");
        var folder = Path.Combine(content, "bin", "Release", "net10.0");
        var (without, with) = (new CCometPeer("CComet", folder, content), new CCometTokenPeer(folder, content, byTicket: false));
        await using var server = await with.StartAsync();
        using var strangers = new Crowd(server.Port, Subscribers, isTold: false, (_, tally) => without.Subscribe(Transport.Poll, "strangers", tally));
        using var users = new Crowd(server.Port, Subscribers, isTold: false, (_, tally) => with.Subscribe(Transport.Poll, "users", tally));
        await strangers.ReadyAsync();
        await users.ReadyAsync();
        using var toStrangers = new Publishers(server.PublishPort, 1, 1, (_, text) => with.Publish("strangers", text));
        using var toUsers = new Publishers(server.PublishPort, 1, 1, (_, text) => with.Publish("users", text));
        await MeasureAsync(server, strangers, toStrangers, Warm);
        await MeasureAsync(server, users, toUsers, Warm);

        var ratios = new List<double>();
        for (var turn = 0; turn < Turns; turn++)
        {
            // Each is the first of every other turn.
            var (anonymous, bearer) = (0.0, 0.0);
            if (turn % 2 == 1) bearer = await MeasureAsync(server, users, toUsers, Turn);
            anonymous = await MeasureAsync(server, strangers, toStrangers, Turn);
            if (turn % 2 == 0) bearer = await MeasureAsync(server, users, toUsers, Turn);
            ratios.Add(bearer / anonymous);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"turn {turn + 1}: processor time for each delivery and its poll, anonymous {anonymous:F1} µs, by bearer {bearer:F1} µs"));
        }

        ratios.Sort();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"by bearer / anonymous: {ratios[Turns / 2]:F3} (quartiles {ratios[Turns / 4]:F3}–{ratios[Turns * 3 / 4]:F3})"));
    }

    private static async Task<double> MeasureAsync(Server server, Crowd crowd, Publishers publishers, TimeSpan duration)
    {
        await server.QuietAsync();
        var (deliveries, used) = (crowd.Deliveries, server.ProcessorMicros);
        await crowd.ReceivedAsync(deliveries + (await publishers.AtRateAsync(MessagesPerSecond, duration) * (long)Subscribers));
        await server.QuietAsync();
        crowd.RequireWhole();
        return (server.ProcessorMicros - used) / (crowd.Deliveries - deliveries);
    }
}
