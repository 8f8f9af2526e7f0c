using System.Net;
using System.Net.Sockets;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>What ends parked connections and what they wait for, and what bounds them.</summary>
public sealed class ParkedEndTests
{
    private static readonly string Long = new('x', 50_000);

    [Fact]
    public async Task Client_that_ends_its_side_is_answered_what_is_there()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync();
        await server.PublishAsync("a", "m");
        using var raw = await RawHttp.ConnectAsync(server.Port);
        await raw.SendAsync("GET /sub?channel=a&seqid=0 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /sub?channel=a&wait=0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
        raw.EndSending();
        Assert.Single((await raw.ReadAsync())!.Elements);
        Assert.Empty((await raw.ReadAsync())!.Elements);
        Assert.Equal(-1, await raw.ReadByteAsync());
        await server.UntilAllLeftAsync();
    }

    /// <summary>The web server alone answers such a client or not, by chance.</summary>
    [Theory]
    [InlineData("GET /health/live")]
    [InlineData("GET /chat.html")]
    [InlineData("GET /pub?channel=b&msg=1")]
    [InlineData("GET /sub?channel=a&seqid=0&callback=f")]
    [InlineData("GET /sub?channel=a&seqid=0&x=1")]
    [InlineData("GET /sub?channel=a&seqid=0")]
    public async Task Client_that_ends_its_side_in_the_packet_of_its_request_is_answered(string request)
    {
        if (!OperatingSystem.IsLinux()) return;

        // The clock stands: the web server has some seconds for the answer, which may pass on a busy core.
        await using var server = await ParkingServer.StartAsync(new FakeTimeProvider(DateTimeOffset.UtcNow));
        await server.PublishAsync("a", "m");
        for (var i = 0; i < 50; i++)
        {
            using var raw = await RawHttp.ConnectAsync(server.Port);
            raw.SendLast(System.Text.Encoding.Latin1.GetBytes($"{request} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            var answer = await raw.ReadAsync();
            Assert.Equal(200, answer?.Status);
            Assert.NotEmpty(answer!.Text);
            Assert.Equal(-1, await raw.ReadByteAsync());
        }

        await server.UntilAllLeftAsync();
    }

    [Fact]
    public async Task Client_that_ends_its_side_and_waits_at_the_web_server_is_gone_a_moment_later()
    {
        if (!OperatingSystem.IsLinux()) return;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await ParkingServer.StartAsync(time);
        using var raw = await RawHttp.ConnectAsync(server.Port);
        raw.SendLast(RawHttp.Get("/sub?channel=a&x=1"));
        await server.UntilWaitingAsync("a", 1);
        time.Advance(TimeSpan.FromSeconds(6));
        await server.UntilAllLeftAsync();
    }

    [Theory]
    [InlineData("/sub?channel=a", "fin")]
    [InlineData("/sub?channel=a", "reset")]
    [InlineData("/sub?channel=a", "half")]
    [InlineData("/sse?channel=a", "fin")]
    [InlineData("/sse?channel=a", "reset")]
    [InlineData("/sse?channel=a", "half")]
    public async Task Client_that_goes_leaves_nothing_behind(string target, string how)
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync();
        var free = server.FreePlaces;
        var crowd = new List<RawHttp>();
        for (var i = 0; i < 20; i++) crowd.Add(await server.ParkAsync(target));
        Assert.Equal((20, 0), (server.Live.Hub.SubscriberCount, server.Reached));
        foreach (var raw in crowd)
        {
            if (how == "reset") raw.Reset();
            else if (how == "half") raw.EndSending();
            else raw.Dispose();
        }

        await server.UntilAllLeftAsync();

        // One place is kept for the next connection.
        await Eventually.TrueAsync(() => server.FreePlaces >= free - 1, "No connection is counted");
        crowd.ForEach(raw => raw.Dispose());
        using var again = await server.ParkAsync(target);
        Assert.Equal(1, server.Live.Hub.SubscriberCount);
        Assert.Empty(server.Failures);
    }

    [Fact]
    public async Task Clients_that_reset_while_they_are_read_make_no_line_of_the_log()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync();
        await server.PublishAsync("a", "m");
        await Parallel.ForAsync(0, 1_000, async (i, _) =>
        {
            using var raw = await RawHttp.ConnectAsync(server.Port);
            await raw.SendAsync(i % 2 == 0 ? RawHttp.Get(i % 4 == 0 ? "/sub?channel=a" : "/sub?channel=a&seqid=0") : RawHttp.Get("/sse?channel=a&seqid=0"));
            raw.Reset();
        });
        foreach (var garbage in (string[])["GET HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\r\n\r\n", "\0\0\0\0", "GET /sub? HTTP/1.1\r\n:\r\n\r\n"])
        {
            using var raw = await RawHttp.ConnectAsync(server.Port);
            await raw.SendAsync(garbage);
            raw.EndSending();
            while (await raw.ReadByteAsync() >= 0)
            {
                // Whatever it is answered.
            }
        }

        await server.UntilAllLeftAsync();
        Assert.Empty(server.Failures);
    }

    [Fact]
    public async Task Client_that_takes_nothing_of_a_stream_is_closed_after_the_stall_timeout()
    {
        if (!OperatingSystem.IsLinux()) return;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await ParkingServer.StartAsync(time, "CComet:Stream:StallTimeout=00:00:30");
        using var sleeper = await Sleeper.AskAsync(server.Port, "/sse", "a");
        await server.UntilWaitingAsync("a", 1);
        for (var i = 0; i < 400; i++) await server.PublishAsync("a", Long);
        await Eventually.TrueAsync(() => server.Live.Hub.Find("a")!.Waiting == 0, "It stalls");
        time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(1, server.Live.Hub.SubscriberCount);
        time.Advance(TimeSpan.FromSeconds(2));
        await server.UntilAllLeftAsync();
        await sleeper.WakeAsync();
    }

    [Fact]
    public async Task Poll_ends_with_nothing_after_its_time()
    {
        if (!OperatingSystem.IsLinux()) return;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await ParkingServer.StartAsync(time);
        await server.PublishAsync("a", "m");
        using var usual = await server.ParkAsync("/sub?channel=a");
        using var brief = await server.ParkAsync("/sub?channel=a&wait=2.5");
        time.Advance(TimeSpan.FromSeconds(2.6));
        var answer = (await brief.ReadAsync())!;
        Assert.Empty(answer.Elements);
        Assert.EndsWith(":1", answer.Header("CComet-Cursor"), StringComparison.Ordinal);
        Assert.Null(answer.Header("Connection"));
        Assert.Equal(1, server.Live.Hub.SubscriberCount);
        time.Advance(TimeSpan.FromSeconds(25.6));
        Assert.Empty((await usual.ReadAsync())!.Elements);
        await server.UntilAllLeftAsync();
        Assert.Equal(0, server.Reached);
    }

    [Fact]
    public async Task Head_that_stays_incomplete_and_then_comes_is_answered()
    {
        if (!OperatingSystem.IsLinux()) return;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await ParkingServer.StartAsync(time);
        await server.PublishAsync("a", "m");
        using var raw = await RawHttp.ConnectAsync(server.Port);
        await raw.SendAsync("GET /sub?channel=a&seqid=0 HTTP/1.1\r\nHo");
        for (var i = 0; i < 50; i++) time.Advance(TimeSpan.FromMilliseconds(100));
        await raw.SendAsync("st: localhost\r\n\r\n");
        Assert.Single((await raw.ReadAsync())!.Elements);
    }

    [Fact]
    public async Task Drain_answers_polls_and_ends_streams_with_their_connections()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync();
        using var poll = await server.ParkAsync("/sub?channel=a");
        using var stream = await server.ParkAsync("/sse?channel=a");
        server.Live.Hub.Drain();
        var answer = (await poll.ReadAsync())!;
        Assert.Empty(answer.Elements);
        Assert.Equal("close", answer.Header("Connection"));
        Assert.True(int.Parse(answer.Header("CComet-Retry")!, System.Globalization.CultureInfo.InvariantCulture) >= 0);
        Assert.Equal(-1, await poll.ReadByteAsync());
        Assert.Contains("event: bye\ndata: {\"type\":\"BYE\"", (await stream.ReadAsync())!.Text, StringComparison.Ordinal);
        Assert.Equal(-1, await stream.ReadByteAsync());
        await server.UntilAllLeftAsync();
    }

    [Fact]
    public async Task Server_that_stops_answers_what_waits_and_closes_what_is_idle()
    {
        if (!OperatingSystem.IsLinux()) return;
        var server = await ParkingServer.StartAsync();
        using var poll = await server.ParkAsync("/sub?channel=a");
        using var stream = await server.ParkAsync("/sse?channel=a");
        using var idle = await RawHttp.ConnectAsync(server.Port);
        using var used = await RawHttp.ConnectAsync(server.Port);
        Assert.Empty((await used.GetAsync("/sub?channel=a&wait=0")).Elements);
        await server.DisposeAsync();
        Assert.Equal("close", (await poll.ReadAsync())!.Header("Connection"));
        Assert.Contains("BYE", (await stream.ReadAsync())!.Text, StringComparison.Ordinal);
        foreach (var raw in (RawHttp[])[poll, stream, idle, used]) Assert.Null(await raw.ReadAsync());
    }

    [Fact]
    public async Task Subscribers_of_one_address_are_bounded_also_where_they_are_parked()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync("CComet:Limits:SubscribersPerAddress=2");
        using var first = await server.ParkAsync("/sub?channel=a");
        using var second = await server.ParkAsync("/sse?channel=a");
        using var third = await RawHttp.ConnectAsync(server.Port);
        var refusal = await third.GetAsync("/sub?channel=a");
        refusal.AssertProblem(429, "channel");
        Assert.NotNull(refusal.Header("Retry-After"));

        // The web server would meet the bound, and count that, once more.
        Assert.Equal(0, server.Reached);
        first.Dispose();
        await Eventually.TrueAsync(() => server.Live.Hub.SubscriberCount == 1, "One is gone");
        using var fourth = await server.ParkAsync("/sub?channel=a");
        Assert.Empty(server.Failures);
    }

    [Fact]
    public async Task Connections_of_one_address_and_of_all_are_bounded()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync("CComet:Limits:ConnectionsPerAddress=2", "CComet:Limits:Connections=3");
        using var first = await server.ParkAsync("/sub?channel=a");
        using var second = await server.ParkAsync("/sub?channel=a");
        Assert.False(await IsTakenAsync(server.Port));
        var other = IPAddress.Parse("127.0.0.2");
        using var theirs = await RawHttp.ConnectAsync(server.Port, from: other);
        await server.ParkAsync(theirs, "/sub?channel=a");

        // The fourth waits in the backlog for a place.
        using var waiting = await RawHttp.ConnectAsync(server.Port, from: IPAddress.Parse("127.0.0.3"));
        await waiting.SendAsync(RawHttp.Get("/sub?channel=b"));
        Assert.Equal((3, 0), (server.Live.Hub.SubscriberCount, server.FreePlaces));
        first.Dispose();
        await server.UntilWaitingAsync("b", 1);

        // By a reset, which may come before the connection is known to be made.
        static async Task<bool> IsTakenAsync(int port)
        {
            try
            {
                using var raw = await RawHttp.ConnectAsync(port);
                return await raw.ReadAsync() is not null;
            }
            catch (SocketException)
            {
                return false;
            }
        }
    }

    /// <summary>The web server answers the same, to the byte.</summary>
    [Theory]
    [InlineData("/sub?channel=room.1")]
    [InlineData("/sse?channel=room.1")]
    public async Task Right_that_is_revoked_ends_what_waits_as_at_the_web_server(string target)
    {
        if (!OperatingSystem.IsLinux()) return;
        var answers = new List<(string Answer, string Line)>();
        foreach (var isParking in (bool[])[false, true])
        {
            await using var server = await ParkingServer.StartAsync(TokenServer.Settings.Append($"CComet:Parking:Enabled={isParking}").ToArray());
            var token = new TestToken(DateTimeOffset.UtcNow).With("ccomet:admin", "*");
            using var raw = await server.ParkAsync(target, "room.1", $"Authorization: Bearer {token.Sign(TokenServer.Key)}\r\n");
            Assert.Equal(isParking ? 0 : 1, server.Reached);
            var op = new TestToken(DateTimeOffset.UtcNow).With("sub", "op").With("ccomet:admin", "*").Sign(TokenServer.Key);
            Assert.Equal(200, (await server.Live.Http.AskAsync(HttpMethod.Post, "/admin/revoke", Asking.Body("""{"sub":"ann"}"""), h => h.Authorization = new("Bearer", op))).Status);
            answers.Add((Shown((await raw.ReadAsync())!), ""));
            await Eventually.TrueAsync(() => server.Requests.Count == 2, "Both requests are logged");
            answers[^1] = (answers[^1].Answer, server.Requests.Single(line => !line.Contains("revoke", StringComparison.Ordinal)));
            await server.UntilAllLeftAsync("room.1");

            // The connection goes on, and the token does not.
            await raw.SendAsync($"GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token.Sign(TokenServer.Key)}\r\n\r\n");
            Assert.Equal(401, (await raw.ReadAsync())?.Status);
        }

        Assert.Equal($"{answers[0].Line}\n{answers[0].Answer}", $"{answers[1].Line}\n{answers[1].Answer}");
    }

    [Fact]
    public async Task Stream_whose_grant_expires_ends_with_the_reason()
    {
        if (!OperatingSystem.IsLinux()) return;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await ParkingServer.StartAsync(time, TokenServer.Settings);
        var token = new TestToken(time.GetUtcNow()).Sign(TokenServer.Key);
        using var raw = await server.ParkAsync("/sse?channel=room.1", "room.1", $"Authorization: Bearer {token}\r\n");
        time.Advance(TimeSpan.FromHours(1) + TimeSpan.FromSeconds(10));
        Assert.Equal(1, server.Live.Hub.SubscriberCount);
        time.Advance(TimeSpan.FromSeconds(16));
        var text = (await raw.ReadAsync())!.Text;
        Assert.Contains("\"expires\":", text, StringComparison.Ordinal);
        Assert.Contains("event: bye\n", text, StringComparison.Ordinal);
        Assert.Contains("\"reason\":\"expired\"", text, StringComparison.Ordinal);
        await server.UntilAllLeftAsync("room.1");
        Assert.Equal(0, server.Reached);
    }

    private static string Shown(Answer answer) =>
        $"{answer.Status}\n{string.Join('\n', answer.Headers.Where(h => h.Key != "Date").Select(h => $"{h.Key}: {h.Value}").Order(StringComparer.Ordinal))}\n\n{Between().Replace(answer.Text, "")}";

    /// <summary>What two servers tell differently: the times, the epochs.</summary>
    private static System.Text.RegularExpressions.Regex Between() => new("retry: [0-9]+|\"retry\":[0-9]+|(?<![a-z0-9])[a-z0-9]{10}(?=[:\"])|[0-9]{13}");
}
