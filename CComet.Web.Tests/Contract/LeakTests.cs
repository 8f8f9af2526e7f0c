using System.Net.Sockets;
using System.Text;
using CComet.Web.Tests.Support;
using Xunit.Abstractions;

namespace CComet.Web.Tests.Contract;

[Collection(Alone.Name)]
public sealed class LeakTests(ITestOutputHelper output)
{
    private const int Waves = 10;
    private const int PollsPerWave = 2_000;

    /// <summary>Less than the smallest thing that a poll could leave behind.</summary>
    private const int BytesPerPoll = 100;

    private const int Channels = 100;

    [Fact]
    public async Task Twenty_thousand_polls_that_are_dropped_leave_no_subscriber_and_no_memory_behind()
    {
        await using var server = await LiveServer.StartAsync("CComet:Poll:Timeout=00:10:00");
        var after = new List<long>();
        for (var wave = 0; wave < Waves; wave++)
        {
            var before = GC.GetTotalMemory(forceFullCollection: true);
            await PollAndDropAsync(server);
            GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
            after.Add(GC.GetTotalMemory(forceFullCollection: true));
            output.WriteLine($"wave {wave}: {before / 1024} KiB before, {after[^1] / 1024} KiB after {PollsPerWave} polls");
            for (var c = 0; c < Channels; c++) Assert.Equal((0, 0), (server.Hub.Find($"c{c}")!.Subscribers, server.Hub.Find($"c{c}")!.Waiting));
            Assert.Equal(0, server.Hub.Context.Wheel.Count);
        }

        // A pool that grows shows in a wave or two; what stays behind of every poll shows in each.
        var growth = after.Skip(1).Zip(after, (now, before) => now - before).Order().ToArray()[(Waves - 1) / 2];
        Assert.True(growth < PollsPerWave * BytesPerPoll, $"{growth} bytes a wave: {string.Join(", ", after)}");
    }

    private static async Task PollAndDropAsync(LiveServer server)
    {
        var sockets = new Socket[PollsPerWave];
        await Parallel.ForAsync(0, sockets.Length, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, cancellation) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            sockets[i] = socket;
            await socket.ConnectAsync("127.0.0.1", server.Port, cancellation);
            await socket.SendAsync(Encoding.ASCII.GetBytes($"GET /sub?channel=c{i % Channels}&sname=s{i} HTTP/1.1\r\nHost: localhost\r\n\r\n"), cancellation);
        });
        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == PollsPerWave && Enumerable.Range(0, Channels).Sum(c => server.Hub.Find($"c{c}")!.Waiting) == PollsPerWave, "Parking of every poll");

        // Half hang up in good order, half break off.
        for (var i = 0; i < sockets.Length; i++)
        {
            if (i % 2 == 0) sockets[i].LingerState = new LingerOption(enable: true, seconds: 0);
            sockets[i].Dispose();
        }

        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 0, "Freeing of every subscriber");
    }
}
