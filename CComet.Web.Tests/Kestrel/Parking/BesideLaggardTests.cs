using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>Clients of requests that need more than a slot and take their answers slowly: they lose nothing, and are closed once they take nothing for as long as is set.</summary>
public sealed class BesideLaggardTests
{
    private const string Several = "channel=a&channel=b";
    private static readonly string Long = new('x', 50_000);

    [Theory]
    [InlineData($"/sse?{Several}")]
    [InlineData($"/stream?{Several}")]
    [InlineData("/stream?channel=b")]
    public async Task Laggard_that_takes_nothing_for_long_loses_nothing(string target)
    {
        if (!OperatingSystem.IsLinux()) return;
        const int Messages = 400;
        await using var server = await ParkingServer.StartAsync("CComet:History:MaxBytes=100000000", "CComet:Stream:StallTimeout=01:00:00", "CComet:Stream:SendBufferBytes=4096");
        using var lagging = await OpenAnswer.GetNarrowAsync($"{server.Live.Url}{target}");
        await server.UntilWaitingAsync("b", 1);
        for (var i = 0; i < Messages; i++) await server.PublishAsync("b", Long);
        await Eventually.TrueAsync(() => server.Live.Hub.Find("b")!.Waiting == 0, "It stalls");
        for (var i = 0; i < Messages; i++) Assert.Equal(i, await NextAsync());
        await server.PublishAsync("b", "after");
        Assert.Equal(Messages, await NextAsync());
        Assert.Equal((1, 0), (server.Live.Hub.SubscriberCount, server.Reached));
        Assert.Empty(server.Failures);

        async Task<long> NextAsync()
        {
            if (target.StartsWith("/sse", StringComparison.Ordinal)) return (await lagging.DataAsync()).Seqid;
            while (true)
            {
                var json = await lagging.JsonAsync();
                if (json.GetProperty("type").GetString() == "MSG") return json.GetProperty("seqid").GetInt64();
            }
        }
    }

    [Theory]
    [InlineData("/sse")]
    [InlineData("/stream")]
    public async Task Client_that_takes_nothing_of_a_stream_is_closed_after_the_stall_timeout(string path)
    {
        if (!OperatingSystem.IsLinux()) return;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await ParkingServer.StartAsync(time, "CComet:Stream:StallTimeout=00:00:30");
        using var sleeper = await Sleeper.AskAsync(server.Port, path, "b&channel=a");
        await server.UntilWaitingAsync("a", 1);
        for (var i = 0; i < 400; i++) await server.PublishAsync("a", Long);
        await Eventually.TrueAsync(() => server.Live.Hub.Find("a")!.Waiting == 0, "It stalls");
        time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(1, server.Live.Hub.SubscriberCount);
        await server.UntilAllLeftAsync(time, "a");
        await sleeper.WakeAsync();
        Assert.Equal(0, server.Reached);
    }

    [Fact]
    public async Task Long_answer_is_sent_as_its_client_takes_it_and_one_that_takes_nothing_is_closed()
    {
        if (!OperatingSystem.IsLinux()) return;
        const int Messages = 100;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await ParkingServer.StartAsync(time, "CComet:History:MaxBytes=100000000", "CComet:Stream:StallTimeout=00:00:30", "CComet:Stream:SendBufferBytes=4096");
        for (var i = 0; i < Messages; i++) await server.PublishAsync("b", Long);
        using var raw = await RawHttp.ConnectAsync(server.Port, receiveBuffer: 4096);
        var cursor = (string?)null;
        for (var next = 0; next < Messages;)
        {
            await raw.SendAsync(RawHttp.Get(cursor is null ? $"/sub?{Several}&seqid=0&seqid=0" : $"/sub?{Several}&cursor={cursor}"));
            var answer = (await raw.ReadAsync())!;
            foreach (var element in answer.Elements) Assert.Equal(next++, element.GetProperty("seqid").GetInt32());
            cursor = answer.Header("CComet-Cursor");
        }

        using var script = await RawHttp.ConnectAsync(server.Port, receiveBuffer: 4096);
        Assert.NotEmpty((await script.GetAsync($"/sub?{Several}&seqid=0&seqid=0&callback=f")).JsonpElements("f"));
        using var sleeper = await Sleeper.AskAsync(server.Port, "/sub", "a&channel=b&seqid=0&seqid=0");
        await Eventually.TrueAsync(() => server.Live.Hub.SubscriberCount == 1, "It is answered");
        await time.UntilAsync(() => server.Live.Hub.SubscriberCount == 0, TimeSpan.FromSeconds(10), "It is cut off");
        await sleeper.WakeAsync();
        Assert.Equal(0, server.Reached);
        Assert.Empty(server.Failures);
    }
}
