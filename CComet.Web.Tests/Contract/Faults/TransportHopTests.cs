using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Contract.Faults;

public sealed class TransportHopTests
{
    private const int Messages = 400;
    private const int MessagesAHop = 30;
    private const int MostAhead = 10;

    [Fact]
    public async Task One_cursor_goes_from_transport_to_transport_mid_stream_without_hole_or_repeat()
    {
        await using var server = await LiveServer.StartAsync("CComet:History:MaxMessages=1000", "CComet:Stream:Heartbeat=00:00:00.1");
        var epoch = (await server.PublishAsync("hop", "0")).GetProperty("epoch").GetString()!;
        var checker = new Checker();
        checker.Begin(epoch);

        // Never far ahead of the subscriber, so that every hop is made in the middle of live delivery.
        var publishing = Task.Run(async () =>
        {
            for (var i = 1; i < Messages; i++)
            {
                await Eventually.TrueAsync(() => checker.Next > i - MostAhead, "Coming along of the subscriber");
                await server.PublishAsync("hop", $"{i}");
            }
        });

        using var client = new Client(server.Port, "hop", null, checker);
        Transport[] order = [Transport.EventStream, Transport.LongPoll, Transport.WebSocket, Transport.NdJson, Transport.Jsonp];
        var hops = 0;
        for (; checker.Next < Messages; hops++)
        {
            var goal = Math.Min(Messages, checker.Next + MessagesAHop);
            using var over = new CancellationTokenSource(Patience.Limit);
            while (checker.Next < goal)
            {
                over.Token.ThrowIfCancellationRequested();
                await client.ConnectAsync(order[hops % order.Length], () => checker.Next >= goal, over.Token);
            }
        }

        await publishing;
        Assert.True(hops >= order.Length, $"Only {hops} hops.");
        Assert.Equal(Enumerable.Range(0, Messages).Select(i => $"{i}"), checker.Accepted.Select(a => a.Text));
        Assert.Equal(0, checker.Gaps + checker.Resets);
    }
}
