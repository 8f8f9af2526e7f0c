using System.Net;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.EndToEnd.Deploy;

/// <summary>Every proxy that docs/operations.md shows, with its configuration in <c>deploy/</c>, between a server and its clients.</summary>
/// <remarks>How long a message takes through each is measured by <c>bench/proxies.sh</c>; here it is the order of events that counts.</remarks>
public sealed class ProxyTests
{
    private const int Messages = 10;

    public static TheoryData<string> Kinds => [.. Proxy.Kinds];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Streams_pass_each_message_on_before_the_next_is_published(string kind)
    {
        await using var server = await LiveServer.StartAsync();
        await using var proxy = await Proxy.StartAsync(kind, server.Port);
        foreach (var path in (string[])["/sse", "/stream", "/ws"])
        {
            using var follower = await Follower.OpenAsync(path, proxy.Port, $"channel={path[1..]}");
            for (var i = 0; i < Messages; i++)
            {
                await server.PublishAsync(path[1..], $"{i}");
                Assert.Equal($"{i}", (await follower.ElementAsync()).GetProperty("msg").GetString());
            }
        }
    }

    /// <summary>Nothing is published or written as a heartbeat meanwhile, by which a proxy would notice it in any case; Varnish notices it by that alone.</summary>
    [Theory]
    [InlineData("nginx.conf")]
    [InlineData("haproxy.cfg")]
    [InlineData("Caddyfile")]
    public async Task Clients_that_have_gone_are_gone_from_the_server(string kind)
    {
        await using var server = await LiveServer.StartAsync("CComet:Stream:Heartbeat=00:10:00", "CComet:Poll:Timeout=00:10:00");
        await using var proxy = await Proxy.StartAsync(kind, server.Port);
        foreach (var path in (string[])["/sse", "/stream", "/ws", "/sub"])
        {
            using (var client = path == "/sub" ? await RawHttp.ConnectAsync(proxy.Port) : null)
            using (var follower = path == "/sub" ? null : await Follower.OpenAsync(path, proxy.Port, "channel=a"))
            {
                if (client is not null) await client.SendAsync("GET /sub?channel=a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
                await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 1, $"{path} waits at the server");
            }

            await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 0, $"{path} has left the server");
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Equal_polls_reach_the_server_each_by_itself(string kind)
    {
        const int polls = 4;
        await using var server = await LiveServer.StartAsync();
        await using var proxy = await Proxy.StartAsync(kind, server.Port);
        using var http = new HttpClient();
        var waiting = Enumerable.Range(0, polls).Select(_ => http.GetStringAsync(new Uri($"{proxy.Url}/sub?channel=a"))).ToArray();
        await Eventually.TrueAsync(() => server.Hub.Find("a")?.Waiting == polls, "Each poll waits at the server");
        await server.PublishAsync("a", "hello");
        Assert.All(await Task.WhenAll(waiting), answer => Assert.Contains("\"hello\"", answer, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Pages_and_publishes_pass_and_the_largest_message_by_get_does_too(string kind)
    {
        await using var server = await LiveServer.StartAsync();
        await using var proxy = await Proxy.StartAsync(kind, server.Port);
        using var http = new HttpClient();
        Assert.Contains("<title>", await http.GetStringAsync(new Uri($"{proxy.Url}/chat.html")), StringComparison.Ordinal);
        using var posted = await http.PostAsync(new Uri($"{proxy.Url}/pub?channel=a"), new StringContent(new string('x', 65_536)));
        Assert.Equal(HttpStatusCode.OK, posted.StatusCode);

        // Varnish takes a request's head of 32 KiB, and docs/operations.md says so.
        if (kind == "varnish.vcl") return;
        using var got = await http.GetAsync(new Uri($"{proxy.Url}/pub?channel=a&msg={string.Concat(Enumerable.Repeat("%C3%A9", 32_768))}"));
        Assert.Equal(HttpStatusCode.OK, got.StatusCode);
    }
}
