using CComet.Operations;
using CComet.Web.Hosting.Icomet;
using CComet.Web.Tests.Dialects.Icomet;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>Requests to the address of icomet's subscribers, which are answered beside their slots. The web server sees none of them.</summary>
public sealed class ParkedIcometTests
{
    [Theory]
    [InlineData("/sub", "")]
    [InlineData("/poll", "")]
    [InlineData("/sub", "&cb=f")]
    public async Task Poll_is_answered_by_a_message_and_the_next_one_waits_on_the_same_connection(string path, string more)
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await StartAsync();
        using var raw = await ConnectAsync(server);
        for (var i = 1; i <= 5; i++)
        {
            await ParkAsync(server, raw, $"{path}?cname=a&seq={i}{more}");
            await server.PublishAsync("a", $"text {i}");
            var answer = (await raw.ReadAsync())!;
            Assert.Equal(($"data {i}", $"text {i}"), (JsonOf(answer, more).Told(), JsonOf(answer, more).Content()));
        }

        Assert.Equal(0, server.Reached);
        Assert.Empty(server.Failures);
    }

    [Theory]
    [InlineData("/stream", "{0}\n")]
    [InlineData("/sse", "data: {0}\n\n")]
    [InlineData("/iframe", "<script>parent.icomet_cb({0});</script>\n")]
    public async Task Stream_is_told_what_is_published_and_counted_signs_of_life(string path, string framing)
    {
        if (!OperatingSystem.IsLinux()) return;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await StartAsync(time, "CComet:Stream:Heartbeat=00:00:15");
        using var raw = await ConnectAsync(server);
        await ParkAsync(server, raw, $"{path}?cname=a&noop=7");
        for (var i = 1; i <= 5; i++)
        {
            await server.PublishAsync("a", $"text {i}");
            await raw.ReadUntilAsync(Framed($$"""{"type":"data","cname":"a","seq":{{i}},"content":"text {{i}}"}"""));
        }

        foreach (var noop in (int[])[7, 8])
        {
            await time.UntilAsync(raw.ReadUntilAsync(Framed($$"""{"type":"noop","cname":"a","seq":{{noop}},"content":""}""")));
        }

        Assert.Equal((0, 1), (server.Reached, server.Live.Hub.SubscriberCount));
        Assert.Empty(server.Failures);

        string Framed(string json) => framing.Replace("{0}", json, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/sub?cname=a", "fin")]
    [InlineData("/sub?cname=a&cb=f", "reset")]
    [InlineData("/poll?cname=a", "half")]
    [InlineData("/stream?cname=a", "fin")]
    [InlineData("/sse?cname=a", "reset")]
    [InlineData("/iframe?cname=a", "half")]
    public async Task Client_that_goes_leaves_nothing_behind(string target, string how)
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await StartAsync();
        var free = server.FreePlaces;
        var crowd = new List<RawHttp>();
        for (var i = 0; i < 10; i++)
        {
            crowd.Add(await ConnectAsync(server));
            await ParkAsync(server, crowd[^1], target);
        }

        foreach (var raw in crowd)
        {
            if (how == "reset") raw.Reset();
            else if (how == "half") raw.EndSending();
            else raw.Dispose();
        }

        await server.UntilAllLeftAsync("a");

        // The listener keeps a place for the next connection.
        await Eventually.TrueAsync(() => server.FreePlaces >= free - 1, "No connection is counted");
        crowd.ForEach(raw => raw.Dispose());
        Assert.Equal(0, server.Reached);
        Assert.Empty(server.Failures);
    }

    /// <summary>What ends a request that waits, and what is counted of it: the web server does the same, to the byte.</summary>
    [Theory]
    [InlineData("/sub?cname=a&noop=4", "drain")]
    [InlineData("/sub?cname=a&noop=4&cb=f", "drain")]
    [InlineData("/stream?cname=a", "drain")]
    [InlineData("/sse?cname=a", "drain")]
    [InlineData("/iframe?cname=a", "drain")]
    [InlineData("/sub?cname=a", "close")]
    [InlineData("/poll?cname=a&cb=f", "close")]
    [InlineData("/stream?cname=a", "close")]
    [InlineData("/sse?cname=a&cb=f", "close")]
    [InlineData("/iframe?cname=a", "close")]
    [InlineData("/sub?cname=a&noop=4", "time")]
    [InlineData("/sub?cname=a&seq=1", "push")]
    [InlineData("/sub?cname=a&seq=1&cb=f", "push")]
    public async Task End_is_told_as_by_the_web_server(string target, string how)
    {
        if (!OperatingSystem.IsLinux()) return;
        var seen = new List<string>();
        foreach (var isParking in (bool[])[false, true])
        {
            var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
            await using var server = await StartAsync(time, $"CComet:Parking:Enabled={isParking}", "CComet:PathBase=/push");
            using var raw = await ConnectAsync(server);
            await ParkAsync(server, raw, target, "Origin: https://page.example\r\nX-Requested-With: XMLHttpRequest\r\n");
            Assert.Equal(isParking ? 0 : 1, server.Reached);
            var subscribers = await SubscribersAsync(server);
            if (how == "drain") server.Live.Hub.Drain();
            if (how == "close") await server.Live.Services.GetRequiredService<ChannelAdministration>().CloseAsync("a", CancellationToken.None);
            if (how == "push") await server.PublishAsync("a", "m");
            var reading = raw.ReadAsync();
            var answer = (await (how == "time" ? time.UntilAsync(reading, TimeSpan.FromSeconds(1)) : reading))!;
            var path = target[..target.IndexOf('?', StringComparison.Ordinal)];
            await Eventually.TrueAsync(() => server.Requests.Any(line => line.Contains($"GET {path} ", StringComparison.Ordinal)), "It is logged");
            var line = server.Requests.First(line => line.Contains($" {path} ", StringComparison.Ordinal));
            var isClosed = how == "drain" && await raw.ReadByteAsync() == -1;
            var headers = answer.Headers.Where(h => h.Key != "Date").Select(h => $"{h.Key}: {h.Value}").Order(StringComparer.Ordinal);
            seen.Add($"{subscribers}\n{line}\n{answer.Status}\n{string.Join('\n', headers)}\n\n{answer.Text}\n{isClosed}");
            Assert.Empty(server.Failures);
        }

        Assert.Equal(seen[0], seen[1]);
    }

    [Theory]
    [InlineData("/sub?cname=a", "application/json; charset=utf-8", "{0}\n")]
    [InlineData("/poll?cname=a&cb=f", "text/javascript; charset=utf-8", "f({0});\n")]
    [InlineData("/stream?cname=a", "application/json; charset=utf-8", "{0}\n")]
    [InlineData("/sse?cname=a", "text/event-stream; charset=utf-8", "data: {0}\n\n")]
    [InlineData("/iframe?cname=a", "text/html; charset=utf-8", "<script>parent.icomet_cb({0});</script>\n")]
    public async Task Subscriber_too_many_is_told_429_inside_a_200_and_the_connection_goes_on(string target, string type, string framing)
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await StartAsync("CComet:Limits:SubscribersPerChannel=1");
        using var first = await ConnectAsync(server);
        await ParkAsync(server, first, "/sub?cname=a");
        using var second = await ConnectAsync(server);
        for (var i = 0; i < 2; i++)
        {
            await second.SendAsync(RawHttp.Get(target));
            var answer = (await second.ReadAsync())!;
            Assert.Equal((200, type), (answer.Status, answer.Header("Content-Type")));
            var (before, behind) = (framing[..framing.IndexOf('{', StringComparison.Ordinal)], framing[(framing.IndexOf('}', StringComparison.Ordinal) + 1)..]);
            var text = answer.Text[answer.Text.IndexOf(before, StringComparison.Ordinal)..];
            Assert.Equal("429", IcometReading.ArgumentOf(text, before, behind).Type());
        }

        first.Dispose();
        await server.UntilAllLeftAsync("a");
        await ParkAsync(server, second, "/sub?cname=a");
        Assert.Equal(0, server.Reached);
        Assert.Empty(server.Failures);
    }

    [Fact]
    public async Task Token_that_holds_parks_and_one_that_does_not_is_refused_by_the_web_server()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await StartAsync([.. TokenServer.Settings, "CComet:Icomet:Auth=token"]);
        var token = await server.Live.Services.GetRequiredService<ChannelTokens>().CreateAsync("a", TimeSpan.FromMinutes(1), CancellationToken.None);
        using var raw = await ConnectAsync(server);
        await ParkAsync(server, raw, $"/sub?cname=a&token={token}");
        using var stream = await ConnectAsync(server);
        await ParkAsync(server, stream, $"/stream?cname=a&token={token}");
        Assert.Equal(0, server.Reached);
        foreach (var query in (string[])["cname=a", $"cname=other&token={token}"])
        {
            using var refused = await ConnectAsync(server);
            Assert.Equal("401", (await refused.GetAsync($"/sub?{query}")).Json.Type());
        }

        Assert.Equal((2, 2), (server.Reached, server.Live.Hub.SubscriberCount));
        Assert.Empty(server.Failures);
    }

    [Fact]
    public async Task Token_of_a_stream_holds_as_long_as_it_is_open()
    {
        if (!OperatingSystem.IsLinux()) return;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await StartAsync(time, "CComet:Icomet:Auth=token");
        await server.PublishAsync("a", "m");
        var token = await server.Live.Services.GetRequiredService<ChannelTokens>().CreateAsync("a", TimeSpan.FromMinutes(1), CancellationToken.None);
        using var stream = await ConnectAsync(server);
        await ParkAsync(server, stream, $"/stream?cname=a&seq=2&token={token}");
        time.Advance(TimeSpan.FromHours(1));
        await server.UntilWaitingAsync("a", 1);
        using var raw = await ConnectAsync(server);
        Assert.Equal("m", (await raw.GetAsync($"/sub?cname=a&seq=1&token={token}")).Json[0].Content());
        stream.Dispose();
        await server.UntilAllLeftAsync("a");
        await time.UntilAsync(
            async () =>
            {
                using var late = await ConnectAsync(server);
                return (await late.GetAsync($"/sub?cname=a&seq=1&token={token}")).Json is { ValueKind: System.Text.Json.JsonValueKind.Object } json && json.Type() == "401";
            },
            TimeSpan.FromMinutes(2),
            "The token's end");
        Assert.Empty(server.Failures);
    }

    [Theory]
    [InlineData("/sub")]
    [InlineData("/poll")]
    [InlineData("/stream")]
    [InlineData("/sse")]
    public async Task Subscriber_that_waits_when_the_store_goes_waits_on_and_has_the_message_that_comes_after(string path)
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var redis = await RedisServer.StartAsync();
        await using var server = await StartAsync("CComet:Store:Kind=Redis", $"CComet:Store:Redis={redis.Address}");
        await server.PublishAsync("a", "before");
        using var raw = await ConnectAsync(server);
        await ParkAsync(server, raw, $"{path}?cname=a&seq=2");
        await redis.KillAsync();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => server.PublishAsync("a", "refused"));

        await redis.RunAsync();
        await Eventually.AnsweredAsync(() => server.PublishAsync("a", "after"), "Publishing");
        Assert.DoesNotContain("before", await raw.ReadUntilAsync("\"content\":\"after\""), StringComparison.Ordinal);
        Assert.Equal(0, server.Reached);
        Assert.Empty(server.Failures);
    }

    [Theory]
    [InlineData("/ping")]
    [InlineData("/sub?cname=")]
    [InlineData("/sub?cname=a&seq=x")]
    [InlineData("/sub?channel=a&wait=0")]
    [InlineData("/nowhere?cname=a")]
    public async Task Request_that_is_not_parked_is_answered_by_the_web_server(string target)
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await StartAsync();
        using var raw = await ConnectAsync(server);
        await raw.GetAsync(target);
        Assert.Equal(1, server.Reached);
    }

    private static Task<ParkingServer> StartAsync(params string[] settings) => StartAsync(null, settings);

    private static async Task<ParkingServer> StartAsync(TimeProvider? time, params string[] settings)
    {
        var server = await ParkingServer.StartAsync(time, [$"CComet:Icomet:Front=http://127.0.0.1:{Ports.Take()}", .. settings]);
        await server.Live.Services.GetRequiredService<NodeLog>().Following.WaitAsync(Patience.Limit);
        return server;
    }

    private static Task<RawHttp> ConnectAsync(ParkingServer server) => RawHttp.ConnectAsync(new Uri(server.Live.Services.GetRequiredService<IcometSettings>().Front).Port);

    private static Task ParkAsync(ParkingServer server, RawHttp raw, string target, string headers = "") => server.ParkAsync(raw, target, "a", headers);

    private static System.Text.Json.JsonElement JsonOf(Answer answer, string callback) => callback.Length == 0 ? answer.Json : answer.ArgumentOf("f");

    /// <summary>How many subscribers there are, by what they are told by.</summary>
    private static async Task<string> SubscribersAsync(ParkingServer server) =>
        string.Join('\n', (await server.Live.Http.AskAsync("/push/metrics")).Text.Split('\n').Where(line => line.StartsWith("ccomet_subscribers{", StringComparison.Ordinal)));
}
