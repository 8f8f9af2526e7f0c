using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Hardening;

/// <summary>Attacks by readers that ask for much and read nothing: the kernel must not take it all off the server's hands.</summary>
public sealed class UnreadHistoryTests
{
    [Theory]
    [InlineData("/sse")]
    [InlineData("/stream")]
    [InlineData("/ws")]
    public async Task Reader_that_never_reads_a_full_history_counts_as_stalled(string path)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await LiveServer.StartAsync(0, new CCometFactory(time, "CComet:Stream:StallTimeout=00:00:00.5", "CComet:Stream:Heartbeat=00:10:00"));
        for (var i = 0; i < 20; i++) await server.PublishAsync("a", new string('x', 50_000));
        using var sleeper = await Sleeper.AskAsync(server.Port, path, "a&seqid=0");

        // It stays as long as the clock stands still.
        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 1, "Beginning");
        await time.UntilAsync(() => server.Hub.SubscriberCount == 0, TimeSpan.FromMilliseconds(10), "Cutting off");
    }
}
