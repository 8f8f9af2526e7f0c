using CComet.Web.Tests.Contract.Faults;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Contract;

/// <summary>Two nodes on one real Redis, as clients see them.</summary>
public sealed class TwoNodeTests
{
    private const int Messages = 50;

    [Theory]
    [InlineData(Transport.LongPoll)]
    [InlineData(Transport.Jsonp)]
    [InlineData(Transport.EventStream)]
    [InlineData(Transport.NdJson)]
    [InlineData(Transport.WebSocket)]
    public async Task Publishes_at_one_node_reach_the_subscribers_of_the_other_in_one_order(Transport transport)
    {
        await using var nodes = await TwoNodes.StartAsync("CComet:Stream:Heartbeat=00:00:00.3", "CComet:Poll:Timeout=00:00:00.3");
        using var atA = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{nodes.PortOf(0)}") };
        using var atB = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{nodes.PortOf(1)}") };
        var epoch = (await atA.PublishAsync("c", "0")).GetProperty("epoch").GetString()!;
        var checkers = new[] { new Checker(), new Checker() };
        using var over = new CancellationTokenSource(Patience.Limit);
        var following = checkers.Select((checker, node) => Task.Run(async () =>
        {
            checker.Begin(epoch);
            using var client = new Faults.Client(nodes.PortOf(node), "c", null, checker);
            while (checker.Next < Messages)
            {
                over.Token.ThrowIfCancellationRequested();
                await client.ConnectAsync(transport, () => checker.Next >= Messages, over.Token);
            }
        })).ToArray();

        // Both publish at once: the log has one order, whichever node is asked.
        var atOnce = await Task.WhenAll(Enumerable.Range(1, Messages - 1).Select(i => (i % 2 == 0 ? atA : atB).PublishAsync("c", $"{i}")));
        await Task.WhenAll(following);
        Assert.Equal(checkers[0].Accepted, checkers[1].Accepted);
        Assert.Equal(Messages, checkers[0].Accepted.Count);
        Assert.All(checkers, checker => Assert.Equal((0L, 0), (checker.Gaps, checker.Resets)));
        Assert.Equal(Enumerable.Range(1, Messages - 1).Select(i => (long)i), atOnce.Select(r => r.GetProperty("seqid").GetInt64()).Order());
    }
}
