using System.Text.RegularExpressions;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>What requests are answered that need more than a slot: of several channels, with a name, as JSONP, in the dialect of 2014. The web server sees none of them.</summary>
public sealed partial class BesideRequestTests
{
    private const string Several = "channel=a&channel=b";

    [Theory]
    [InlineData($"/sub?{Several}")]
    [InlineData("/sub?channel=b&sname=s")]
    [InlineData($"/sub?{Several}&sname=s&seqid=0&seqid=0&callback=f")]
    [InlineData("/subscribe?channel=b&seqid=0")]
    [InlineData("/subscribe?channel=b&seqid=0&sname=s&callback=f")]
    public async Task Poll_is_answered_by_a_message_and_the_next_one_waits_on_the_same_connection(string target)
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync();
        using var raw = await server.ParkAsync(target, "b");
        for (var i = 0; i < 5; i++)
        {
            await server.PublishAsync("b", $"text {i}");
            var text = (await raw.ReadAsync())!.Text;
            Assert.Contains($"text {i}", text, StringComparison.Ordinal);
            target = Begins().Replace(target, "");
            target += target.Contains(Several, StringComparison.Ordinal) ? $"&seqid=0&seqid={i + 1}" : $"&seqid={i + 1}";
            await server.ParkAsync(raw, target, "b");
        }

        Assert.Equal((0, target.Contains(Several, StringComparison.Ordinal) ? 1 : 0), (server.Reached, server.Live.Hub.Find("a")?.Waiting ?? 0));
        Assert.Equal(1, server.Live.Hub.SubscriberCount);
        Assert.Empty(server.Failures);
    }

    [Theory]
    [InlineData($"/sse?{Several}", "")]
    [InlineData($"/stream?{Several}", "")]
    [InlineData("/sse?channel=b&sname=s", "")]
    [InlineData("/stream?channel=b&sname=s", "")]
    [InlineData("/sub?channel=b", "Accept: text/event-stream\r\n")]
    [InlineData($"/sub?{Several}", "Accept: text/event-stream\r\n")]
    public async Task Stream_gets_what_is_published_to_each_of_its_channels_and_signs_of_life(string target, string headers)
    {
        if (!OperatingSystem.IsLinux()) return;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await ParkingServer.StartAsync(time, "CComet:Stream:Heartbeat=00:00:15");
        using var raw = await server.ParkAsync(target, "b", headers);
        for (var i = 0; i < 5; i++)
        {
            foreach (var channel in (string[])["a", "b"])
            {
                if (channel == "a" && !target.Contains(Several, StringComparison.Ordinal)) continue;
                await server.PublishAsync(channel, $"{channel} {i}.");
                await raw.ReadUntilAsync($"\"{channel} {i}.\"");
            }
        }

        time.Advance(TimeSpan.FromSeconds(15.2));
        await raw.ReadUntilAsync(target.StartsWith("/stream", StringComparison.Ordinal) ? "\"type\":\"CURSOR\"" : ":\n\n");
        Assert.Equal((0, 1), (server.Reached, server.Live.Hub.SubscriberCount));
        Assert.Empty(server.Failures);
    }

    [Fact]
    public async Task Client_that_ends_its_side_is_answered_what_is_there()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync();
        await server.PublishAsync("b", "m");
        using var raw = await RawHttp.ConnectAsync(server.Port);
        await raw.SendAsync($"GET /sub?{Several}&seqid=0&seqid=0 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /sub?channel=b&seqid=0&callback=f HTTP/1.1\r\nHost: localhost\r\n\r\n");
        raw.EndSending();
        Assert.Single((await raw.ReadAsync())!.Elements);
        Assert.Single((await raw.ReadAsync())!.JsonpElements("f"));
        Assert.Equal(-1, await raw.ReadByteAsync());
        await server.UntilAllLeftAsync("b");
        Assert.Equal(0, server.Reached);
    }

    [Fact]
    public async Task Script_without_a_cursor_is_told_where_to_begin_at_once()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync();
        await server.PublishAsync("b", "m");
        using var raw = await RawHttp.ConnectAsync(server.Port);
        var told = (await raw.GetAsync($"/sub?{Several}&callback=f")).JsonpElements("f");
        Assert.Equal(["CURSOR a 0", "CURSOR b 1"], told.Select(e => $"{e.GetProperty("type")} {e.GetProperty("channel")} {e.GetProperty("seqid")}"));
        await server.UntilAllLeftAsync("b");
        Assert.Equal(0, server.Reached);
    }

    [Fact]
    public async Task Script_is_refused_where_JSONP_is_switched_off()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync("CComet:Jsonp:Enabled=false");
        using var raw = await RawHttp.ConnectAsync(server.Port);
        (await raw.GetAsync("/sub?channel=a&callback=f")).AssertProblem(403, "callback");
        Assert.Equal(1, server.Reached);
    }

    [Fact]
    public async Task Subscriptions_of_one_address_are_counted_for_each_channel()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync("CComet:Limits:SubscribersPerAddress=3");
        using var first = await server.ParkAsync($"/sub?{Several}", "b");
        using var second = await RawHttp.ConnectAsync(server.Port);
        (await second.GetAsync($"/sse?{Several}")).AssertProblem(429, "channel");
        Assert.Equal(0, server.Reached);
        first.Dispose();
        await server.UntilAllLeftAsync("b");
        using var third = await server.ParkAsync($"/sse?{Several}", "b");
        Assert.Empty(server.Failures);
    }

    [Fact]
    public async Task Each_request_has_one_line_of_the_log()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync("CComet:PathBase=/push");
        using var raw = await RawHttp.ConnectAsync(server.Port);
        Assert.Empty((await raw.GetAsync($"/push/sub?{Several}&wait=0")).Elements);
        await server.LoggedAsync("GET /push/sub responded 200");
        using var replaced = await server.ParkAsync("/push/sub?channel=b&sname=s", "b");
        using var newer = await RawHttp.ConnectAsync(server.Port);
        await newer.SendAsync(RawHttp.Get("/push/stream?channel=b&sname=s"));
        Assert.Equal(409, (await replaced.ReadAsync())!.Status);
        await server.LoggedAsync("GET /push/sub responded 409");
        newer.Dispose();
        await server.LoggedAsync("GET /push/stream responded 200");
        (await server.ParkAsync($"/push/sub?{Several}", "b")).Dispose();
        await server.LoggedAsync("GET /push/sub responded 499");
        await raw.SendAsync(RawHttp.Get("/push/subscribe?channel=b&seqid=0&wait=0"));
        Assert.Equal(204, (await raw.ReadAsync(bodiless: true))!.Status);
        await server.LoggedAsync("GET /push/subscribe responded 204");
        Assert.Equal(0, server.Reached);
    }

    /// <summary>Polls and streams of two channels that come and go while messages are published.</summary>
    [Fact]
    public async Task Every_subscriber_gets_each_message_once_and_in_order()
    {
        if (!OperatingSystem.IsLinux()) return;
        const int Messages = 200;
        await using var server = await ParkingServer.StartAsync();
        using var begin = await RawHttp.ConnectAsync(server.Port);
        var cursor = (await begin.GetAsync($"/sub?{Several}&wait=0")).Header("CComet-Cursor")!;
        var followers = Enumerable.Range(0, 12).Select(i => Task.Run(() => FollowAsync(server, cursor, Messages, new Random(i)))).ToArray();
        await Task.WhenAll(((string[])["a", "b"]).Select(channel => Task.Run(async () =>
        {
            for (var i = 0; i < Messages; i++) await server.PublishAsync(channel, $"{i}");
        })));
        await Task.WhenAll(followers);
        await server.UntilAllLeftAsync("b");
        Assert.Equal(0, server.Reached);
        Assert.Empty(server.Failures);
    }

    private static async Task FollowAsync(ParkingServer server, string cursor, int messages, Random random)
    {
        var next = new Dictionary<string, long> { ["a"] = 0, ["b"] = 0 };
        var epochs = cursor.Split(',').Select(part => part.Split(':')[0]).ToArray();
        RawHttp? raw = null;
        while (next.Values.Any(n => n < messages))
        {
            if (random.Next(10) == 0)
            {
                raw?.Dispose();
                raw = null;
            }

            var from = $"{Several}&cursor={epochs[0]}:{next["a"]},{epochs[1]}:{next["b"]}";
            if (random.Next(4) > 0)
            {
                raw ??= await RawHttp.ConnectAsync(server.Port);
                var isScript = random.Next(2) == 0;
                var answer = await raw.GetAsync($"/sub?{from}{(isScript ? "&callback=f" : "")}");
                foreach (var element in isScript ? answer.JsonpElements("f") : answer.Elements) Take(element);
                continue;
            }

            using var stream = await OpenAnswer.GetAsync($"{server.Live.Url}/stream?{from}");
            for (var left = random.Next(20); left >= 0 && next.Values.Any(n => n < messages);)
            {
                var element = await stream.JsonAsync();
                if (element.GetProperty("type").GetString() != "MSG") continue;
                Take(element);
                left--;
            }
        }

        raw?.Dispose();

        void Take(System.Text.Json.JsonElement element) => Assert.Equal(next[element.GetProperty("channel").GetString()!]++, element.GetProperty("seqid").GetInt64());
    }

    [GeneratedRegex("&seqid=[0-9]+")]
    private static partial Regex Begins();
}
