using System.Diagnostics;
using CComet.Access;
using CComet.Operations;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>Who may wait on a connection that is parked: pages, cookies, tickets, and the clients of a proxy.</summary>
public sealed class ParkedCallerTests
{
    private const string Page = "https://page.example";

    [Fact]
    public async Task Poll_keeps_what_its_answer_says_of_the_page_and_the_next_has_its_own()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync($"CComet:Cors:Origins:0={Page}", "CComet:Cors:Origins:1=https://two.example");
        using var raw = await RawHttp.ConnectAsync(server.Port);
        foreach (var origin in (string?[])[Page, "https://two.example", null, Page, Page])
        {
            await server.ParkAsync(raw, "/sub?channel=a", headers: origin is null ? "" : $"Origin: {origin}\r\n");
            await server.PublishAsync("a", "m");
            var answer = (await raw.ReadAsync())!;
            Assert.Equal((origin, origin is null ? null : "true"), (answer.Header("Access-Control-Allow-Origin"), answer.Header("Access-Control-Allow-Credentials")));
        }

        Assert.Equal(0, server.Reached);
        await raw.SendAsync("GET /sub?channel=a HTTP/1.1\r\nHost: localhost\r\nOrigin: https://other.example\r\n\r\n");
        Assert.Equal((403, 1), ((await raw.ReadAsync())!.Status, server.Reached));
    }

    [Theory]
    [InlineData("/sub?channel=room.1")]
    [InlineData("/sse?channel=room.1")]
    public async Task Cookie_gives_what_its_token_gives_until_that_is_revoked(string target)
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync([.. TokenServer.Settings, $"CComet:Cors:Origins:0={Page}"]);
        var token = new TestToken(DateTimeOffset.UtcNow).Sign(TokenServer.Key);
        using var raw = await server.ParkAsync(target, "room.1", $"Origin: {Page}\r\nCookie: a=b; __Host-ccomet={token}\r\n");
        Assert.Equal(0, server.Reached);
        await server.Live.Services.GetRequiredService<AccessOperations>().RevokeAsync(new(null) { Grant = await AdminAsync(server) }, RevocationSubject.Sub, "ann", CancellationToken.None);
        var answer = (await raw.ReadAsync())!;
        Assert.Equal(Page, answer.Header("Access-Control-Allow-Origin"));
        Assert.Contains("revoked", answer.Text, StringComparison.Ordinal);
        await server.UntilAllLeftAsync("room.1");
    }

    /// <summary>The web server is asked again about what was refused, and writes the line.</summary>
    [Theory]
    [InlineData("Authorization: Bearer {0}", "hall", 403, "Denied (403) ann at 127.0.0.1: Subscribe hall: ")]
    [InlineData("Authorization: Bearer {0}", "hall&sname=ann", 403, "Denied (403) ann at 127.0.0.1: Subscribe hall: ")]
    [InlineData("Authorization: Bearer {0}", "room.1&sname=bob", 403, "Denied (403) ann at 127.0.0.1: Sname bob: ")]
    [InlineData("Cookie: __Host-ccomet={0}", "hall", 403, "Denied (403) ann at 127.0.0.1: Subscribe hall: ")]
    [InlineData("Cookie: __Host-ccomet={0}x", "room.1", 401, "Refused (401) a credential of 127.0.0.1, by cookie: ")]
    [InlineData("DNT: 1", "room.1", 401, "Denied (401) anonymous at 127.0.0.1: Subscribe room.1: ")]
    public async Task Refusal_is_audited_once(string line, string channel, int status, string audited)
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync([.. TokenServer.Settings, $"CComet:Cors:Origins:0={Page}"]);
        using var raw = await RawHttp.ConnectAsync(server.Port);
        await raw.SendAsync($"GET /sub?channel={channel} HTTP/1.1\r\nHost: localhost\r\n{string.Format(System.Globalization.CultureInfo.InvariantCulture, line, new TestToken(DateTimeOffset.UtcNow).Sign(TokenServer.Key))}\r\n\r\n");
        Assert.Equal((status, 1), ((await raw.ReadAsync())!.Status, server.Reached));
        Assert.StartsWith(audited, Assert.Single(server.Audit), StringComparison.Ordinal);
    }

    /// <summary>A token costs a signature once, and the grant of the first is that of all connections.</summary>
    [Fact]
    public async Task Crowd_with_a_cookie_is_parked()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync([.. TokenServer.Settings, $"CComet:Cors:Origins:0={Page}"]);
        var token = new TestToken(DateTimeOffset.UtcNow).Sign(TokenServer.Key);
        var crowd = await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ =>
        {
            var raw = await RawHttp.ConnectAsync(server.Port);
            await raw.SendAsync($"GET /sub?channel=room.1 HTTP/1.1\r\nHost: localhost\r\nCookie: __Host-ccomet={token}\r\n\r\n");
            return raw;
        }));
        await server.UntilWaitingAsync("room.1", crowd.Length);
        await server.PublishAsync("room.1", "m");
        foreach (var raw in crowd)
        {
            using (raw) Assert.Single((await raw.ReadAsync())!.Elements);
        }

        Assert.Equal(0, server.Reached);
    }

    [Fact]
    public async Task Ticket_opens_for_its_moment_and_gives_nothing_to_the_next_request()
    {
        if (!OperatingSystem.IsLinux()) return;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await ParkingServer.StartAsync(time, TokenServer.Settings);
        var ticket = await TicketAsync(server, time);
        using var raw = await server.ParkAsync($"/sub?channel=room.1&ticket={ticket}", "room.1");
        await server.PublishAsync("room.1", "m");
        Assert.Single((await raw.ReadAsync())!.Elements);
        Assert.Equal(200, (await raw.GetAsync($"/sub?channel=room.1&ticket={ticket}&wait=0")).Status);
        Assert.Equal(0, server.Reached);
        time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(401, (await raw.GetAsync($"/sub?channel=room.1&ticket={ticket}&wait=0")).Status);

        using var other = await RawHttp.ConnectAsync(server.Port);
        Assert.Equal(200, (await other.GetAsync($"/sub?channel=room.1&ticket={await TicketAsync(server, time)}&wait=0")).Status);
        Assert.Equal(401, (await other.GetAsync("/sub?channel=room.1&wait=0")).Status);
    }

    [Fact]
    public async Task Stream_by_ticket_is_given_the_next_ones_for_as_long_as_it_lasts()
    {
        if (!OperatingSystem.IsLinux()) return;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await ParkingServer.StartAsync(time, TokenServer.Settings);
        using var raw = await server.ParkAsync($"/sse?channel=room.1&ticket={await TicketAsync(server, time)}", "room.1");
        var ticket = await NextAsync();
        for (var i = 1; i < 4; i++)
        {
            // A ticket opens for a minute; the next comes when half of that is over, at the time of a heartbeat.
            ticket = await time.UntilAsync(NextAsync(), TimeSpan.FromMilliseconds(250));
            await server.UntilWaitingAsync("room.1", 1);
            await server.PublishAsync("room.1", $"{i}");
            await raw.ReadUntilAsync($"\"msg\":\"{i}\"");
        }

        // The last one opens.
        using var other = await RawHttp.ConnectAsync(server.Port);
        Assert.Equal(200, (await other.GetAsync($"/sub?channel=room.1&wait=0&ticket={ticket}")).Status);
        Assert.Equal(0, server.Reached);

        async Task<string> NextAsync()
        {
            await raw.ReadUntilAsync("event: ticket\n");
            await raw.ReadUntilAsync("\"ticket\":\"");
            return (await raw.ReadUntilAsync("\""))[..^1];
        }
    }

    [Fact]
    public async Task Clients_of_a_proxy_are_told_apart_by_their_requests_and_its_connections_are_not_counted()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync("CComet:Proxies:0=127.0.0.1", "CComet:Limits:SubscribersPerAddress=2", "CComet:Limits:ConnectionsPerAddress=2");
        var crowd = new List<RawHttp>();
        foreach (var client in (string[])["203.0.113.7", "203.0.113.7", "203.0.113.8", "2001:db8::1"]) crowd.Add(await server.ParkAsync("/sub?channel=a", headers: $"X-Forwarded-For: {client}\r\nX-Forwarded-Proto: https\r\n"));
        Assert.Equal((0, 4), (server.Reached, server.Live.Hub.SubscriberCount));
        Assert.Equal(429, await StatusAsync("203.0.113.7"));
        Assert.Equal(200, await StatusAsync("203.0.113.8"));

        // One that is answered is counted no more, and its connection may bring the request of another.
        await server.PublishAsync("a", "m");
        foreach (var raw in crowd) Assert.Single((await raw.ReadAsync())!.Elements);
        await server.UntilAllLeftAsync();
        foreach (var raw in crowd) await server.ParkAsync(raw, "/sub?channel=a", headers: $"X-Forwarded-For: 203.0.113.{crowd.IndexOf(raw) / 2}\r\n");
        Assert.Equal(429, await StatusAsync("203.0.113.1"));
        Assert.Equal(200, await StatusAsync("203.0.113.7"));
        Assert.Equal(0, server.Reached);
        crowd.ForEach(raw => raw.Dispose());
        await server.UntilAllLeftAsync();
        Assert.Equal(200, await StatusAsync("203.0.113.1"));
        Assert.Empty(server.Failures);

        async Task<int> StatusAsync(string client)
        {
            using var raw = await RawHttp.ConnectAsync(server.Port);
            await raw.SendAsync($"GET /sub?channel=a&wait=0 HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {client}\r\n\r\n");
            return (await raw.ReadAsync())!.Status;
        }
    }

    /// <summary>nginx sends the requests of its clients on the connections that it keeps, one after another.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Clients_of_nginx_are_parked(bool isListed)
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync([.. isListed ? ["CComet:Proxies:0=127.0.0.1", "CComet:Limits:SubscribersPerAddress=2"] : (string[])[], $"CComet:Cors:Origins:0={Page}"]);
        await using var nginx = await Nginx.StartAsync(server.Port);

        // The first one of a proxy that is not listed is told of by the web server, which keeps its connection.
        Assert.Equal(200, await StatusAsync("203.0.113.1", "/sub?channel=a&wait=0"));
        Assert.Equal(isListed ? 0 : 1, server.Reached);
        using var stream = await RawHttp.ConnectAsync(nginx.KeepingPort);
        await stream.SendAsync($"GET /sse?channel=a HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.7\r\nOrigin: {Page}\r\n\r\n");
        await server.UntilWaitingAsync("a", 1);
        for (var i = 0; i < 5; i++)
        {
            using var poll = await RawHttp.ConnectAsync(nginx.KeepingPort);
            await poll.SendAsync($"GET /sub?channel=a HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.7\r\nOrigin: {Page}\r\n\r\n");
            await server.UntilWaitingAsync("a", 2);
            await server.PublishAsync("a", $"{i}");
            var answer = (await poll.ReadAsync())!;
            Assert.Equal(($"{i}", Page), (Assert.Single(answer.Elements).GetProperty("msg").GetString(), answer.Header("Access-Control-Allow-Origin")));
            await stream.ReadUntilAsync($"\"msg\":\"{i}\"");
        }

        Assert.Empty(server.Failures);
        if (!isListed) return;
        Assert.Equal(0, server.Reached);
        using var last = await RawHttp.ConnectAsync(nginx.KeepingPort);
        await last.SendAsync("GET /sub?channel=a HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n");
        await server.UntilWaitingAsync("a", 2);
        Assert.Equal((429, 200), (await StatusAsync("203.0.113.7", "/sub?channel=b&wait=0"), await StatusAsync("203.0.113.8", "/sub?channel=b&wait=0")));

        async Task<int> StatusAsync(string client, string target)
        {
            using var raw = await RawHttp.ConnectAsync(nginx.KeepingPort);
            await raw.SendAsync($"GET {target} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {client}\r\n\r\n");
            return (await raw.ReadAsync())!.Status;
        }
    }

    [Fact]
    public async Task User_whose_subscribers_are_bounded_is_counted_where_it_is_parked()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync([.. TokenServer.Settings, "CComet:Limits:SubscribersPerUser=2"]);
        var header = $"Authorization: Bearer {new TestToken(DateTimeOffset.UtcNow).Sign(TokenServer.Key)}\r\n";
        using var first = await server.ParkAsync("/sub?channel=room.1", "room.1", header);
        using (var second = await server.ParkAsync("/sse?channel=room.1", "room.1", header)) Assert.Equal(0, server.Reached);
        await Eventually.TrueAsync(() => server.Live.Hub.SubscriberCount == 1, "The stream is gone");
        using var third = await server.ParkAsync("/sub?channel=room.1", "room.1", header);
        using var fourth = await RawHttp.ConnectAsync(server.Port);
        await fourth.SendAsync($"GET /sub?channel=room.1 HTTP/1.1\r\nHost: localhost\r\n{header}\r\n");
        Assert.Equal((429, 0), ((await fourth.ReadAsync())!.Status, server.Reached));
    }

    [Fact]
    public async Task Proxy_that_is_not_listed_is_told_of_once()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync();
        using var first = await RawHttp.ConnectAsync(server.Port);
        using var second = await RawHttp.ConnectAsync(server.Port);
        foreach (var raw in (RawHttp[])[first, second, second])
        {
            await raw.SendAsync("GET /sub?channel=a&wait=0 HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.7\r\nX-Real-IP: 203.0.113.7\r\nVia: 1.1 x\r\n\r\n");
            Assert.Equal(200, (await raw.ReadAsync())!.Status);
        }

        Assert.Equal(1, server.Reached);
    }

    /// <summary>The framework's own switch believes everybody.</summary>
    [Fact]
    public async Task Client_that_anybody_may_tell_of_is_the_web_servers()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync("ForwardedHeaders_Enabled=true");
        for (var i = 1; i < 4; i++)
        {
            using var raw = await RawHttp.ConnectAsync(server.Port);
            await raw.SendAsync("GET /sub?channel=a&wait=0 HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n");
            Assert.Equal((200, i), ((await raw.ReadAsync())!.Status, server.Reached));
        }
    }

    [Fact]
    public async Task Trace_is_the_web_servers_for_as_long_as_somebody_listens()
    {
        if (!OperatingSystem.IsLinux()) return;
        const string Request = "GET /sub?channel=a&wait=0 HTTP/1.1\r\nHost: localhost\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n";
        await using var server = await ParkingServer.StartAsync();
        using var raw = await RawHttp.ConnectAsync(server.Port);
        await raw.SendAsync(Request);
        Assert.Equal((200, 0), ((await raw.ReadAsync())!.Status, server.Reached));
        var heard = new System.Collections.Concurrent.ConcurrentQueue<string?>();
        using var listener = new ActivityListener { ShouldListenTo = source => source == server.Live.Services.GetRequiredService<ActivitySource>(), Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData, ActivityStopped = activity => heard.Enqueue(activity.TraceId.ToString()) };
        ActivitySource.AddActivityListener(listener);
        await raw.SendAsync(Request);
        Assert.Equal((200, 1), ((await raw.ReadAsync())!.Status, server.Reached));
        await Eventually.TrueAsync(() => heard.Contains("4bf92f3577b34da6a3ce929d0e0e4736"), "The request is traced");
    }

    [Fact]
    public async Task Host_that_is_allowed_is_parked_and_another_is_refused()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync("AllowedHosts=push.example;*.wild.example");
        foreach (var (host, status) in ((string, int)[])[("push.example", 200), ("push.example:80", 200), ("a.wild.example", 200), ("evil.example", 400), ("wild.example", 400)])
        {
            using var raw = await RawHttp.ConnectAsync(server.Port);
            await raw.SendAsync($"GET /sub?channel=a&wait=0 HTTP/1.1\r\nHost: {host}\r\n\r\n");
            Assert.Equal(status, (await raw.ReadAsync())!.Status);
        }

        // The host filter refuses before requests are counted.
        Assert.Equal(0, server.Reached);
    }

    private static ValueTask<Grant> AdminAsync(ParkingServer server) =>
        server.Live.Services.GetRequiredService<AccessOperations>().VerifyAsync(new TestToken(DateTimeOffset.UtcNow).With("sub", "op").With("ccomet:admin", "*").Sign(TokenServer.Key), CancellationToken.None);

    private static async Task<string> TicketAsync(ParkingServer server, TimeProvider time)
    {
        var access = server.Live.Services.GetRequiredService<AccessOperations>();
        var grant = await access.VerifyAsync(new TestToken(time.GetUtcNow()).Sign(TokenServer.Key), CancellationToken.None);
        return (await access.IssueAsync(new(null) { Grant = grant }, ChannelRight.Subscribe, ["room.1"], 60, CancellationToken.None)).Text;
    }
}
