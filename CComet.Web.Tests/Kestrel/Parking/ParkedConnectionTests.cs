using System.Net;
using System.Net.Sockets;
using System.Text;
using CComet.Storage;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>What parked connections are answered.</summary>
public sealed class ParkedConnectionTests
{
    private static readonly string Long = new('x', 50_000);

    [Fact]
    public async Task Poll_is_answered_by_a_message_and_the_next_one_is_parked_on_the_same_connection()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync();
        using var raw = await server.ParkAsync("/sub?channel=a");
        for (var i = 0; i < 5; i++)
        {
            await server.PublishAsync("a", $"{i}");
            var answer = (await raw.ReadAsync())!;
            Assert.Equal($"{i}", Assert.Single(answer.Elements).GetProperty("msg").GetString());
            await server.ParkAsync(raw, $"/sub?channel=a&cursor={answer.Header("CComet-Cursor")}");
        }

        Assert.Equal((0, 1), (server.Reached, server.Live.Hub.SubscriberCount));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Requests_behind_a_poll_that_waits_are_answered_behind_it(bool inOnePacket)
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync();
        const string Poll = "GET /sub?channel=a HTTP/1.1\r\nHost: localhost\r\n\r\n";
        const string Next = "GET /sub?channel=a&seqid=0 HTTP/1.1\r\nHost: localhost\r\n\r\nPOST /pub?channel=b HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi";
        using var raw = await RawHttp.ConnectAsync(server.Port);
        await raw.SendAsync(inOnePacket ? Poll + Next : Poll);
        await server.UntilWaitingAsync("a", 1);
        if (!inOnePacket) await raw.SendAsync(Next);
        Assert.Null(server.Live.Hub.Find("b"));
        await server.PublishAsync("a", "m");
        Assert.Equal("m", Assert.Single((await raw.ReadAsync())!.Elements).GetProperty("msg").GetString());
        Assert.Equal("m", Assert.Single((await raw.ReadAsync())!.Elements).GetProperty("msg").GetString());
        Assert.Equal(["pub"], (await raw.ReadAsync())!.Types());
        Assert.Equal(1, server.Reached);

        // It stays with the web server.
        await server.ParkAsync(raw, "/sub?channel=a");
        await Eventually.TrueAsync(() => server.Reached == 2, "Coming to the web server");
    }

    [Fact]
    public async Task Bytes_that_are_sent_into_a_stream_change_nothing()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync();
        using var raw = await server.ParkAsync("/sse?channel=a");
        var (noise, read) = (new byte[10_000], new StringBuilder());
        for (var i = 0; i < 10; i++)
        {
            await raw.SendAsync(noise);
            await server.PublishAsync("a", $"m{i}.");
            while (!read.ToString().Contains($"m{i}.", StringComparison.Ordinal)) read.Append((char)await raw.ReadByteAsync());
        }

        Assert.Equal((1, 0), (server.Live.Hub.SubscriberCount, server.Reached));
    }

    [Theory]
    [InlineData("CComet:Stream:SendBufferBytes=4096")]
    [InlineData("CComet:Stream:SendBufferBytes=65536")]
    public async Task Laggard_that_takes_nothing_for_long_loses_nothing(string buffer)
    {
        if (!OperatingSystem.IsLinux()) return;
        const int Messages = 400;
        await using var server = await ParkingServer.StartAsync("CComet:History:MaxBytes=100000000", "CComet:Stream:StallTimeout=01:00:00", buffer);
        using var lagging = await OpenAnswer.GetNarrowAsync($"{server.Live.Url}/sse?channel=a");
        await server.UntilWaitingAsync("a", 1);
        for (var i = 0; i < Messages; i++) await server.PublishAsync("a", Long);
        await Eventually.TrueAsync(() => server.Live.Hub.Find("a")!.Waiting == 0, "It stalls");
        for (var i = 0; i < Messages; i++) Assert.Equal(i, (await lagging.DataAsync()).Seqid);
        await server.PublishAsync("a", "after");
        Assert.Equal("after", (await lagging.DataAsync()).Data.GetProperty("msg").GetString());
        Assert.Equal((1, 0), (server.Live.Hub.SubscriberCount, server.Reached));
    }

    [Fact]
    public async Task Laggard_for_whom_not_all_is_kept_is_told_of_the_gap()
    {
        if (!OperatingSystem.IsLinux()) return;
        const int Messages = 400;
        await using var server = await ParkingServer.StartAsync("CComet:History:MaxMessages=5", "CComet:Stream:StallTimeout=01:00:00");
        using var lagging = await OpenAnswer.GetNarrowAsync($"{server.Live.Url}/sse?channel=a");
        await server.UntilWaitingAsync("a", 1);
        for (var i = 0; i < Messages; i++) await server.PublishAsync("a", Long);
        var gaps = 0;
        for (var next = 0L; next < Messages;)
        {
            var found = await lagging.DataAsync();
            var isGap = found.Event == "gap";
            if (isGap) gaps++;
            Assert.Equal(next, isGap ? found.Data.GetProperty("from").GetInt64() : found.Seqid);
            next = found.Seqid + 1;
        }

        Assert.True(gaps > 0);
    }

    [Fact]
    public async Task Silent_stream_carries_a_comment_for_each_heartbeat()
    {
        if (!OperatingSystem.IsLinux()) return;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await ParkingServer.StartAsync(time, "CComet:Stream:Heartbeat=00:00:15");
        using var stream = await OpenAnswer.GetAsync($"{server.Live.Url}/sse?channel=a");
        await stream.BeginAsync();
        await server.UntilWaitingAsync("a", 1);
        for (var i = 0; i < 3; i++)
        {
            time.Advance(TimeSpan.FromSeconds(15.2));
            Assert.Equal(":\n\n", (await stream.EventAsync())!.Text);
        }

        // A message is a sign of life too.
        time.Advance(TimeSpan.FromSeconds(10));
        await server.PublishAsync("a", "m");
        Assert.Equal("m", (await stream.DataAsync()).Data.GetProperty("msg").GetString());
        time.Advance(TimeSpan.FromSeconds(10));
        await server.PublishAsync("a", "n");
        Assert.Equal(1, (await stream.EventAsync())!.Seqid);
        Assert.Equal(0, server.Reached);
    }

    [Theory]
    [InlineData("/sub?channel=a")]
    [InlineData("/sse?channel=a")]
    public async Task Log_that_is_cleared_is_told_as_a_reset(string target)
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync();
        await server.PublishAsync("a", "old");
        using var raw = await server.ParkAsync(target);
        await ((IClearingStore)server.Live.Services.GetRequiredService<IMessageStore>()).ClearAsync("a");
        await server.PublishAsync("a", "new");
        var text = await raw.ReadUntilAsync(target.StartsWith("/sub", StringComparison.Ordinal) ? "]\n" : "\"new\"");
        Assert.Contains("\"type\":\"RESET\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("old", text, StringComparison.Ordinal);
        Assert.Equal(0, server.Reached);
    }

    [Theory]
    [InlineData("/sub?channel=a&seqid=0", "GAP,MSG,MSG")]
    [InlineData("/sub?channel=a&cursor=other:1", "RESET,GAP,MSG,MSG")]
    [InlineData("/sub?channel=a&seqid=4", "MSG")]
    [InlineData("/sub?channel=a&seqid=5&wait=0", "")]
    public async Task Poll_is_told_what_is_not_kept_before_what_is(string target, string types)
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync("CComet:History:MaxMessages=2");
        await server.PublishAsync("a", "0", "1", "2", "3", "4");
        using var raw = await RawHttp.ConnectAsync(server.Port);
        Assert.Equal(types, string.Join(',', (await raw.GetAsync(target)).Types()));

        // As from memory, so from the store.
        using var open = await server.ParkAsync("/sub?channel=a");
        Assert.Equal(types, string.Join(',', (await raw.GetAsync(target)).Types()));
        Assert.Equal(0, server.Reached);
    }

    [Fact]
    public async Task Poll_beyond_the_end_is_refused_and_one_of_a_lost_epoch_begins_anew()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync();
        await server.PublishAsync("a", "0");
        using var raw = await RawHttp.ConnectAsync(server.Port);
        (await raw.GetAsync("/sub?channel=a&seqid=9")).AssertProblem(409, "seqid", "402");
        var epoch = (await raw.GetAsync("/sub?channel=a&wait=0")).Header("CComet-Cursor")!.Split(':')[0];
        using var other = await RawHttp.ConnectAsync(server.Port);
        Assert.Equal(["RESET", "MSG"], (await other.GetAsync($"/sub?channel=a&cursor={epoch}:9")).Types());
        await server.UntilAllLeftAsync();
    }

    [Fact]
    public async Task Host_that_is_not_allowed_is_refused_and_one_that_is_may_poll()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync("AllowedHosts=push.example");
        using var raw = await RawHttp.ConnectAsync(server.Port);
        foreach (var (host, status) in ((string, int)[])[("push.example", 200), ("evil.example", 400), ("push.example:80", 200)])
        {
            await raw.SendAsync($"GET /sub?channel=a&wait=0 HTTP/1.1\r\nHost: {host}\r\n\r\n");
            Assert.Equal(status, (await raw.ReadAsync())!.Status);
        }
    }

    [Fact]
    public async Task Connection_over_IPv6_is_parked()
    {
        if (!OperatingSystem.IsLinux() || !Socket.OSSupportsIPv6) return;
        var port = Ports.Take();
        await using var server = await ParkingServer.StartAsync($"urls=http://[::1]:{port}");
        using var tcp = new TcpClient(AddressFamily.InterNetworkV6);
        await tcp.ConnectAsync(IPAddress.IPv6Loopback, port);
        await tcp.GetStream().WriteAsync("GET /sub?channel=a HTTP/1.1\r\nHost: [::1]\r\n\r\n"u8.ToArray());
        await server.UntilWaitingAsync("a", 1);
        await server.PublishAsync("a", "m");
        using var reader = new StreamReader(tcp.GetStream());
        Assert.Equal("HTTP/1.1 200 OK", await reader.ReadLineAsync());
        Assert.Equal(0, server.Reached);
    }

    [Fact]
    public async Task Everything_else_works_on_the_same_port_and_the_same_connection()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync();
        using var raw = await server.ParkAsync("/sub?channel=a");
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a");
        Assert.Equal("CURSOR", (await socket.ElementsAsync())[0].GetProperty("type").GetString());
        await server.Live.PublishAsync("a", "m");
        Assert.Equal("m", (await socket.ElementsAsync())[0].GetProperty("msg").GetString());
        Assert.Single((await raw.ReadAsync())!.Elements);
        Assert.Single((await raw.GetAsync("/sub?channel=a&seqid=0")).Elements);
        Assert.Single((await raw.GetAsync("/sub?channel=a&seqid=0&callback=f")).JsonpElements("f"));
        Assert.Contains("<html", (await raw.GetAsync("/chat.html")).Text, StringComparison.Ordinal);
        Assert.Equal(404, (await raw.GetAsync("/nowhere")).Status);
        Assert.Single((await raw.GetAsync("/sub?channel=a&seqid=0")).Elements);
    }

    [Fact]
    public async Task Token_that_gives_nothing_is_refused_and_another_on_the_same_connection_is_its_own()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync(TokenServer.Settings);
        using var raw = await RawHttp.ConnectAsync(server.Port);
        var may = new TestToken(DateTimeOffset.UtcNow).Sign(TokenServer.Key);
        var mayNot = new TestToken(DateTimeOffset.UtcNow).With("ccomet:subscribe", "hall").With("jti", "t-2").Sign(TokenServer.Key);
        foreach (var (token, status) in ((string, int)[])[(may, 200), (may, 200), (mayNot, 403), (may, 200), (may[..^2], 401)])
        {
            await raw.SendAsync($"GET /sub?channel=room.1&wait=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n");
            Assert.Equal(status, (await raw.ReadAsync())!.Status);
        }

        // Without one after one with: nothing is kept for it.
        using var other = await RawHttp.ConnectAsync(server.Port);
        await other.SendAsync($"GET /sub?channel=room.1&wait=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {may}\r\n\r\n");
        Assert.Equal(200, (await other.ReadAsync())!.Status);
        Assert.Equal(401, (await other.GetAsync("/sub?channel=room.1&wait=0")).Status);
    }

    [Fact]
    public async Task Each_request_has_one_line_of_the_log()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync("CComet:PathBase=/push");
        using var answered = await server.ParkAsync("/push/sub?channel=a");
        await server.PublishAsync("a", "m");
        Assert.Single((await answered.ReadAsync())!.Elements);
        await server.LoggedAsync("GET /push/sub responded 200");
        Assert.Empty((await answered.GetAsync("/push/sub?channel=a&wait=0")).Elements);
        await server.LoggedAsync("GET /push/sub responded 200");
        Assert.Equal(409, (await answered.GetAsync("/push/sub?channel=a&seqid=9")).Status);
        await server.LoggedAsync("GET /push/sub responded 409");
        (await server.ParkAsync("/push/sub?channel=a")).Dispose();
        await server.LoggedAsync("GET /push/sub responded 499");
        (await server.ParkAsync("/push/sse?channel=a")).Dispose();
        await server.LoggedAsync("GET /push/sse responded 200");
        using var drained = await server.ParkAsync("/push/sse?channel=a");
        server.Live.Hub.Drain();
        Assert.NotNull(await drained.ReadAsync());
        await server.LoggedAsync("GET /push/sse responded 200");
        Assert.Equal(1, server.Reached);
    }

    /// <summary>Polls and streams that come and go while messages are published.</summary>
    [Fact]
    public async Task Every_subscriber_gets_each_message_once_and_in_order()
    {
        if (!OperatingSystem.IsLinux()) return;

        // Together less than an answer that is left to the web server.
        const int Messages = 200;
        await using var server = await ParkingServer.StartAsync();
        using var begin = await RawHttp.ConnectAsync(server.Port);
        var cursor = (await begin.GetAsync("/sub?channel=a&wait=0")).Header("CComet-Cursor")!;
        var followers = Enumerable.Range(0, 16).Select(i => Task.Run(() => FollowAsync(server, cursor, Messages, new Random(i)))).ToArray();
        await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < Messages / 2; i++) await server.PublishAsync("a", $"{i}");
        })));
        await Task.WhenAll(followers);
        await server.UntilAllLeftAsync();
        Assert.Equal(0, server.Reached);
        Assert.Empty(server.Failures);
    }

    private static async Task FollowAsync(ParkingServer server, string cursor, int messages, Random random)
    {
        long next = 0;
        RawHttp? raw = null;
        while (next < messages)
        {
            if (random.Next(10) == 0)
            {
                raw?.Dispose();
                raw = null;
            }

            if (random.Next(4) > 0)
            {
                raw ??= await RawHttp.ConnectAsync(server.Port);
                var answer = await raw.GetAsync($"/sub?channel=a&cursor={cursor}");
                foreach (var element in answer.Elements) Assert.Equal(next++, element.GetProperty("seqid").GetInt64());
                cursor = answer.Header("CComet-Cursor")!;
                continue;
            }

            using var stream = await OpenAnswer.GetAsync($"{server.Live.Url}/sse?channel=a&cursor={cursor}");
            for (var left = random.Next(20); left >= 0 && next < messages; left--)
            {
                var found = await stream.DataAsync();
                Assert.Equal(next++, found.Seqid);
                cursor = $"{cursor.Split(':')[0]}:{next}";
            }
        }

        raw?.Dispose();
    }
}
