using System.Diagnostics.Metrics;
using CComet.Access;
using CComet.Diagnostics;
using CComet.Messages;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Diagnostics;

/// <summary>What is counted of subscribers, by their transport, at all doors: Kestrel, WebSocket, parked.</summary>
public sealed class TransportCountsTests
{
    /// <summary>How each transport is asked for.</summary>
    private static readonly (string Transport, string Target)[] All =
    [
        ("poll", "/sub?channel=a&seqid=0"),
        ("jsonp", "/sub?channel=a&seqid=0&callback=f"),
        ("sse", "/sse?channel=a"),
        ("stream", "/stream?channel=a"),
    ];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Subscribers_deliveries_and_lags_are_counted_once_by_their_transport(bool isParked)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await LiveServer.StartAsync(0, new CCometFactory(time, $"CComet:Parking:Enabled={isParked}"));
        var clients = new List<RawHttp>();
        foreach (var (_, target) in All)
        {
            clients.Add(await RawHttp.ConnectAsync(server.Port));
            await clients[^1].SendAsync(RawHttp.Get(target));
        }

        // Of the dialect of 2014, a poll by script too.
        clients.Add(await RawHttp.ConnectAsync(server.Port));
        await clients[^1].SendAsync(RawHttp.Get("/subscribe?channel=a&sname=s&callback=f"));
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a");
        await Eventually.TrueAsync(() => server.Hub.Find("a")?.Waiting == 6, "All wait");
        var counts = Counts.Read(server.Services);
        string[] transports = ["poll", "jsonp", "sse", "stream", "websocket"];
        Assert.Equal([1, 2, 1, 1, 1], transports.Select(transport => counts[$"ccomet.subscribers transport={transport}"]));
        Assert.Equal([0, 0, 0, 0, 0], transports.Select(transport => counts[$"ccomet.delivered transport={transport}"]));
        Assert.Equal(1, counts["ccomet.channels"]);

        await server.Operations.PublishTrustedAsync([HubFixture.NewMessage("a", "m"), HubFixture.NewMessage("a", "n")], CancellationToken.None);
        await Eventually.TrueAsync(() => (Subscribers("poll"), Subscribers("jsonp"), server.Hub.Find("a")!.Waiting) == (0, 0, 3), "The polls are answered, and the streams wait again");
        counts = Counts.Read(server.Services);
        Assert.Equal([2, 4, 2, 2, 2], transports.Select(transport => counts[$"ccomet.delivered transport={transport}"]));
        Assert.Equal(2, counts["ccomet.published"]);

        // The clock has stood still.
        var lag = server.Services.GetRequiredService<HubMetrics>().Histograms.Single(histogram => histogram.Instrument.Name == "ccomet.delivery.lag");
        Assert.Equal([1, 2, 1, 1, 1], lag.All.Select(series => series.Count(0)));
        Assert.Equal(0, lag.All.Sum(series => series.Sum));

        foreach (var client in clients) client.Dispose();
        socket.Dispose();
        await Eventually.TrueAsync(() => transports.All(transport => Subscribers(transport) == 0), "All have left");

        long Subscribers(string transport) => Counts.Read(server.Services)[$"ccomet.subscribers transport={transport}"];
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task History_that_a_subscriber_comes_for_is_no_lag(bool isParked)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await LiveServer.StartAsync(0, new CCometFactory(time, $"CComet:Parking:Enabled={isParked}"));
        await server.PublishAsync("a", "old");
        time.Advance(TimeSpan.FromMinutes(1));
        foreach (var path in (string[])["/sub", "/sse", "/stream"])
        {
            using var history = await RawHttp.ConnectAsync(server.Port);
            await history.SendAsync(RawHttp.Get($"{path}?channel=a&seqid=0"));
            await Eventually.TrueAsync(() => Counts.Read(server.Services)[$"ccomet.delivered transport={path switch { "/sub" => "poll", "/sse" => "sse", _ => "stream" }}"] == 1, $"{path} has the history");
        }

        var lag = server.Services.GetRequiredService<HubMetrics>().Histograms[0];
        Assert.All(lag.All, series => Assert.Equal(0, Enumerable.Range(0, lag.Bounds.Count + 1).Sum(series.Count)));
    }

    [Fact]
    public void Lag_is_the_time_since_the_append_of_the_oldest_message_of_a_batch()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        using var fixture = new HubFixture(time: time);
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var batch = new Batch("e", [Message.Create(HubFixture.NewMessage("a", "0"), 0, now - 3_000), Message.Create(HubFixture.NewMessage("a", "1"), 1, now)]);
        var ahead = new Batch("e", [Message.Create(HubFixture.NewMessage("a", "2"), 2, now + 30_000)]);
        fixture.Hub.Context.Lagged(Transport.Stream, batch, time.GetTimestamp());
        time.Advance(TimeSpan.FromSeconds(4));
        fixture.Hub.Context.Lagged(Transport.Stream, [new Reading(0, null, batch), new Reading(0, Notice.Gap("a", "e", 0, 1), Batch.Empty)]);

        // A node whose clock goes before counts none.
        fixture.Hub.Context.Lagged(Transport.Stream, ahead, time.GetTimestamp());
        var lag = fixture.Hub.Context.Metrics.Histograms[0];
        Assert.Equal(10, lag.All[(int)Transport.Stream].Sum, tolerance: 0.001);
        Assert.Equal([1, 1, 1], new[] { 0.001, 5, 10 }.Select(bound => lag.All[(int)Transport.Stream].Count(lag.Bounds.ToList().IndexOf(bound))));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Subscriptions_with_a_cursor_are_counted_by_what_they_were_given(bool isParked)
    {
        await using var server = await LiveServer.StartAsync("CComet:History:MaxMessages=3", $"CComet:Parking:Enabled={isParked}");
        var epoch = (await server.PublishAsync("a", "0")).GetProperty("epoch").GetString();
        for (var i = 1; i < 6; i++) await server.PublishAsync("a", $"{i}");
        (string Query, string Result)[] cursors = [("", ""), ($"&seqid=4&epoch={epoch}", "complete"), ($"&seqid=6&epoch={epoch}", "complete"), ($"&seqid=1&epoch={epoch}", "gap"), ("&seqid=2&epoch=another", "reset")];
        var expected = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (path, transport) in (ReadOnlySpan<(string, string)>)[("/sub", "poll"), ("/sse", "sse"), ("/stream", "stream"), ("/ws", "websocket")])
        {
            foreach (var result in (string[])["complete", "gap", "reset"]) expected[$"ccomet.recoveries transport={transport} result={result}"] = result == "complete" ? 2 : 1;
        }

        var clients = new List<IDisposable>();
        foreach (var (query, _) in cursors)
        {
            foreach (var path in (string[])["/sub", "/sse", "/stream"])
            {
                var client = await RawHttp.ConnectAsync(server.Port);
                clients.Add(client);
                await client.SendAsync(RawHttp.Get($"{path}?channel=a{query}"));
            }

            clients.Add(await RawSocket.OpenAsync(server.Port, $"channel=a{query}"));
        }

        await Eventually.TrueAsync(() => expected.All(count => Counts.Read(server.Services)[count.Key] == count.Value), "All are counted");
        var counts = Counts.Read(server.Services);
        Assert.Equal(16, counts.Where(count => count.Key.StartsWith("ccomet.recoveries", StringComparison.Ordinal)).Sum(count => count.Value));

        // Four were told of 1 and 2, and four of the new epoch, whose first messages are gone too.
        Assert.Equal(4, counts["ccomet.resets"]);
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Requests_that_wait_are_left_out_of_the_web_servers_histogram()
    {
        await using var server = await LiveServer.StartAsync("CComet:Parking:Enabled=false");
        var (durations, ended) = (0, 0);
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Scope == server.Services.GetRequiredService<IMeterFactory>() && instrument.Name is "http.server.request.duration" or "http.server.active_requests") self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => Interlocked.Increment(ref durations));
        listener.SetMeasurementEventCallback<long>((_, change, _, _) =>
        {
            if (change < 0) Interlocked.Increment(ref ended);
        });
        listener.Start();
        foreach (var target in (string[])["/sub?channel=a&wait=0", "/sse?channel=a", "/stream?channel=a", "/subscribe?channel=a", "/ws?channel=a"])
        {
            using var client = await RawHttp.ConnectAsync(server.Port);
            await client.SendAsync(target.StartsWith("/ws", StringComparison.Ordinal) ? $"GET {target} HTTP/1.1\r\nHost: localhost\r\n{string.Join("\r\n", RawSocket.Upgrade)}\r\n\r\n" : $"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            await client.ReadByteAsync();
        }

        await Eventually.TrueAsync(() => Volatile.Read(ref ended) == 5, "All have ended");
        Assert.Equal(0, Volatile.Read(ref durations));
        await server.PublishAsync("a", "m");
        await Eventually.TrueAsync(() => Volatile.Read(ref durations) == 1, "A publish is measured");
    }
}
