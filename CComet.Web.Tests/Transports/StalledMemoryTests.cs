using CComet.Web.Tests.Support;
using Xunit.Abstractions;

namespace CComet.Web.Tests.Transports;

/// <summary>What a crowd of clients that take nothing costs.</summary>
[Collection(Alone.Name)]
public sealed class StalledMemoryTests(ITestOutputHelper output)
{
    private const int Readers = 1_000;
    private const int MessageBytes = 16_000;
    private const int MostMessages = 1_000;
    private const long MostBytesPerReader = 150_000;

    [Fact]
    public async Task Thousand_stalled_readers_hold_a_bounded_memory_while_messages_flow()
    {
        await using var server = await LiveServer.StartAsync("CComet:Stream:StallTimeout=01:00:00", "CComet:Stream:Heartbeat=00:10:00");
        var sleepers = new List<Sleeper>();
        try
        {
            // The ring is full before, so that it is no part of the difference.
            var text = new string('x', MessageBytes);
            for (var i = 0; i < 70; i++) await server.PublishAsync("a", text);
            for (var i = 0; i < Readers; i++) sleepers.Add(await Sleeper.AskAsync(server.Port, "/sse", "a"));
            await Eventually.TrueAsync(() => server.Hub.Find("a")?.Waiting == Readers, "All follow");
            var before = Heap.SettledBytes();

            var published = 0;
            for (var quiet = 0; quiet < 20 && published < MostMessages; published++)
            {
                await server.PublishAsync("a", text);
                quiet = await AnyoneComesBackAsync(server) ? 0 : quiet + 1;
            }

            Assert.True(published < MostMessages, "The readers were expected to stall; somebody still takes messages.");
            var perReader = (GC.GetTotalMemory(forceFullCollection: true) - before) / Readers;
            output.WriteLine($"{Readers} stalled readers, {published} messages of {MessageBytes} bytes: {perReader} bytes of memory a reader.");

            // Below zero when a pool gives up meanwhile what earlier tests have left in it.
            Assert.InRange(perReader, long.MinValue, MostBytesPerReader);
        }
        finally
        {
            sleepers.ForEach(s => s.Dispose());
        }

        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 0, "Nothing of them stays");
    }

    /// <summary>Whether a reader still waits for more, seen over some looks: who is stuck in a write does not.</summary>
    private static async Task<bool> AnyoneComesBackAsync(LiveServer server)
    {
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        for (var i = 0; i < 10; i++)
        {
            if (server.Hub.Find("a")!.Waiting > 0) return true;
            await look.WaitForNextTickAsync();
        }

        return false;
    }
}
