using System.Text.Json;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Transports;

/// <summary>Clients that take what is written to them slowly, or not at all.</summary>
public sealed class SlowReaderTests
{
    /// <summary>More than the sockets between two programs hold.</summary>
    private const int Messages = 400;

    private static readonly string Text = new('x', 50_000);

    [Theory]
    [MemberData(nameof(Follower.Paths), MemberType = typeof(Follower))]
    public async Task Client_that_takes_nothing_is_closed_and_counted_by_its_transport(string path)
    {
        const string Channel = "a";

        // The clock stands still until everything is published, so that it cannot be the reader who is late.
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await LiveServer.StartAsync(0, new CCometFactory(time, "CComet:Stream:StallTimeout=00:00:00.5", "CComet:Stream:Heartbeat=00:10:00"));
        using var awake = await Follower.OpenAsync(path, server.Port, $"channel={Channel}");
        using var sleeper = await Sleeper.AskAsync(server.Port, path, Channel);
        await Eventually.TrueAsync(() => server.Hub.Find(Channel)?.Waiting == 2, "Both follow");
        for (var i = 0; i < Messages; i++)
        {
            await server.PublishAsync(Channel, Text);

            // Who reads is not disturbed by who does not.
            while ((await awake.ElementAsync()).GetProperty("seqid").GetInt64() < i)
            {
            }
        }

        await Eventually.TrueAsync(() => server.Hub.Find(Channel)!.Waiting == 1, "Only the other follows");
        await time.UntilAsync(() => Stalled().Count > 0, TimeSpan.FromMilliseconds(10), "The stalled client is counted");
        await sleeper.WakeAsync();
        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 1, "Only the other is left");
        var transport = path switch { "/ws" => "websocket", "/sse" => "sse", _ => "stream" };
        Assert.Equal([KeyValuePair.Create($"ccomet.stalled transport={transport}", 1L)], Stalled());

        List<KeyValuePair<string, long>> Stalled() => [.. Counts.Read(server.Services).Where(count => count.Key.StartsWith("ccomet.stalled ", StringComparison.Ordinal) && count.Value > 0)];
    }

    [Fact]
    public async Task Laggard_that_wakes_up_is_told_what_it_missed_and_goes_on()
    {
        await using var server = await LiveServer.StartAsync("CComet:History:MaxMessages=5", "CComet:Stream:StallTimeout=01:00:00");
        using var lagging = await OpenAnswer.GetNarrowAsync($"{server.Url}/stream?channel=a");
        await PublishAsync(server, Messages);

        var told = new List<string>();
        long next = 0;
        while (next < Messages) next = Take(await lagging.JsonAsync(), next, told);
        Assert.Equal("CURSOR", told[0]);
        Assert.Contains("GAP", told);

        await server.PublishAsync("a", "after");
        var after = await lagging.JsonAsync();
        Assert.Equal(("after", Messages), (after.GetProperty("msg").GetString(), after.GetProperty("seqid").GetInt64()));
    }

    [Fact]
    public async Task Laggard_for_whom_everything_is_kept_loses_nothing()
    {
        await using var server = await LiveServer.StartAsync("CComet:History:MaxBytes=100000000", "CComet:Stream:StallTimeout=01:00:00");
        using var lagging = await OpenAnswer.GetNarrowAsync($"{server.Url}/stream?channel=a");
        await PublishAsync(server, Messages);
        var told = new List<string>();
        long next = 0;
        while (next < Messages) next = Take(await lagging.JsonAsync(), next, told);
        Assert.Equal(["CURSOR", .. Enumerable.Repeat("MSG", Messages)], told);
    }

    /// <summary>Checks that the element is the one that must come next, and says which one comes then.</summary>
    private static long Take(JsonElement element, long next, List<string> told)
    {
        var type = element.GetProperty("type").GetString()!;
        told.Add(type);
        var seqid = element.GetProperty("seqid").GetInt64();
        Assert.Equal(next, element.TryGetProperty("from", out var from) ? from.GetInt64() : seqid);
        return type == "CURSOR" ? next : seqid + 1;
    }

    private static async Task PublishAsync(LiveServer server, int count)
    {
        for (var i = 0; i < count; i++) await server.PublishAsync("a", Text);
    }
}
