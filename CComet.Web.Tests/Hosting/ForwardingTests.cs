using CComet.Web.Hosting;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hosting;

/// <summary>Who a client is and how it calls the server, told by proxies, and below a path base.</summary>
public sealed class ForwardingTests
{
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("10.0.0.9, 127.0.0.0/8")]
    [InlineData("::1,::ffff:127.0.0.1")]
    public async Task Listed_proxy_is_believed_in_address_scheme_host_and_prefix(string proxies)
    {
        var seen = new Seen();
        await using var server = await seen.StartAsync($"CComet:Proxies={proxies}", "CComet:Cors:Enabled=false");
        string[] headers = ["X-Forwarded-For: 203.0.113.7, 198.51.100.4", "X-Forwarded-Proto: https", "X-Forwarded-Host: push.example", "X-Forwarded-Prefix: /push"];

        // Of two addresses the left one is what the client itself has sent.
        Assert.Equal(200, (await AskAsync(server, "/pub?channel=a&msg=m", [.. headers, "Origin: https://push.example"])).Status);
        Assert.Equal("198.51.100.4 https push.example /push /pub", seen.Last);
        (await AskAsync(server, "/pub?channel=a&msg=m", [.. headers, "Origin: http://push.example"])).AssertProblem(403, "Origin");
    }

    [Fact]
    public async Task Proxies_in_a_row_are_passed_when_all_are_listed()
    {
        var seen = new Seen();
        await using var server = await seen.StartAsync("CComet:Proxies=127.0.0.1,198.51.100.0/24");
        await AskAsync(server, "/pub?channel=a&msg=m", ["X-Forwarded-For: 192.0.2.1, 203.0.113.7, 198.51.100.4"]);
        Assert.StartsWith("203.0.113.7 http ", seen.Last, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CComet:Proxies=")]
    [InlineData("CComet:Proxies=10.0.0.1")]
    [InlineData("CComet:Proxies=128.0.0.0/8")]
    public async Task Client_that_is_no_listed_proxy_is_not_believed(string setting)
    {
        var seen = new Seen();
        await using var server = await seen.StartAsync(setting, "CComet:Cors:Enabled=false");
        string[] headers = ["X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: push.example", "X-Forwarded-Prefix: /push"];
        await AskAsync(server, "/pub?channel=a&msg=m", headers);
        Assert.Equal("127.0.0.1 http localhost  /pub", seen.Last);
        (await AskAsync(server, "/pub?channel=a&msg=m", [.. headers, "Origin: https://push.example"])).AssertProblem(403, "Origin");
    }

    [Fact]
    public async Task Host_that_a_proxy_tells_of_must_be_an_allowed_one()
    {
        var seen = new Seen();
        await using var server = await seen.StartAsync("CComet:Proxies=127.0.0.1", "AllowedHosts=localhost;push.example");
        await AskAsync(server, "/pub?channel=a&msg=m", ["X-Forwarded-For: 203.0.113.7", "X-Forwarded-Host: evil.example"]);
        Assert.Equal("203.0.113.7 http localhost  /pub", seen.Last);
    }

    [Fact]
    public async Task Proxy_that_is_not_listed_is_warned_of_once()
    {
        await using var server = ServerProcess.Start("--CComet:Proxies=10.0.0.1");
        using var http = await server.ClientAsync();
        for (var i = 0; i < 3; i++) await http.AskAsync(HttpMethod.Get, "/health/live", headers: h => h.Add("X-Forwarded-For", "203.0.113.7"));
        await http.AskAsync("/nowhere/last");
        await Eventually.TrueAsync(() => server.Output.Any(l => l.Contains("/nowhere/last", StringComparison.Ordinal)), "Logging of the last request");
        var warning = Assert.Single(server.Output, l => l.Contains(" WRN ", StringComparison.Ordinal) && l.Contains("X-Forwarded-For", StringComparison.Ordinal));
        Assert.Contains("127.0.0.1", warning, StringComparison.Ordinal);
        Assert.Contains("CComet:Proxies", warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Everything_is_below_the_path_base_and_nowhere_else()
    {
        await using var server = await LiveServer.StartAsync("CComet:PathBase=/deep/push");
        foreach (var path in (string[])["/pub?channel=a&msg=m", "/sub?channel=a&wait=0", "/health/ready", "/", "/chat.html", "/js/ccomet.js"])
        {
            Assert.Equal(200, (await AskAsync(server, "/deep/push" + path)).Status);
            foreach (var elsewhere in (string[])["", "/DEEP/push", "/deep//push", "/deep/%70ush", "/deep/./push", "/deep", "/deep/push/deep/push"])
            {
                if (elsewhere + path != "/") (await AskAsync(server, elsewhere + path)).AssertProblem(404);
            }
        }

        foreach (var path in (string[])["/", "/deep/pushpub?channel=a&msg=m", "/deep/push/../pub"]) (await AskAsync(server, path)).AssertProblem(404);
        Assert.Equal(["m"], (await AskAsync(server, "/deep/push/sub?channel=a&wait=0&seqid=0")).Elements.Select(e => e.GetProperty("msg").GetString()));
    }

    [Fact]
    public async Task Path_base_without_its_slash_leads_to_the_start_page()
    {
        await using var server = await LiveServer.StartAsync("CComet:PathBase=/push");
        var answer = await AskAsync(server, "/push");
        Assert.Equal((301, "http://localhost/push/"), (answer.Status, answer.Header("Location")));
    }

    [Fact]
    public async Task Path_base_stands_behind_what_a_proxy_took_off()
    {
        var seen = new Seen();
        await using var server = await seen.StartAsync("CComet:PathBase=/push", "CComet:Proxies=127.0.0.1");
        await AskAsync(server, "/push/pub?channel=a&msg=m", ["X-Forwarded-For: 203.0.113.7", "X-Forwarded-Prefix: /apps"]);
        Assert.Equal("203.0.113.7 http localhost /apps/push /pub", seen.Last);
    }

    [Fact]
    public async Task Chat_page_is_announced_below_the_path_base()
    {
        await using var server = ServerProcess.Start("--CComet:PathBase=/push");
        using var http = await server.ClientAsync();
        await Eventually.TrueAsync(() => server.Output.Any(l => l.Contains("/push/chat.html", StringComparison.Ordinal)), "Announcing of the chat page");
        Assert.Equal(200, (await http.AskAsync("/push/health/live")).Status);
    }

    [Theory]
    [InlineData("push", "CComet:PathBase")]
    [InlineData("/push/", "CComet:PathBase")]
    [InlineData("/", "CComet:PathBase")]
    [InlineData("//push", "CComet:PathBase")]
    [InlineData("/a/../b", "CComet:PathBase")]
    [InlineData("/%70ush", "CComet:PathBase")]
    [InlineData("/pu sh", "CComet:PathBase")]
    [InlineData("proxy.example", "CComet:Proxies")]
    [InlineData("10.1", "CComet:Proxies")]
    [InlineData("10.0.0.0/33", "CComet:Proxies")]
    [InlineData("10.0.0.1:80", "CComet:Proxies")]
    [InlineData("*", "CComet:Proxies")]
    public void Setting_that_cannot_hold_is_refused_by_its_name_and_value(string value, string setting)
    {
        var options = setting == "CComet:PathBase" ? new ServerOptions { PathBase = value } : new ServerOptions { Proxies = [value] };
        var failure = Assert.Single(new ServerOptionsValidator().Validate(null, options).Failures!);
        Assert.StartsWith($"{setting}: '{value}' ", failure, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_that_hold_are_taken() => Assert.True(new ServerOptionsValidator().Validate(null, new ServerOptions
    {
        PathBase = "/a-b/c.d_e~1",
        Proxies = ["10.0.0.1", "10.0.0.0/8", "10.0.0.1/8", "::1", "fd00::/8"],
        Cors = new() { Origins = ["https://example.org", "http://[::1]:8080", "https://example.org/", "capacitor://localhost"] },
        WebSocket = new() { Origins = ["*"] },
    }).Succeeded);

    private static async Task<Answer> AskAsync(LiveServer server, string target, params string[] headers)
    {
        using var raw = await RawHttp.ConnectAsync(server.Port);
        await raw.SendAsync($"GET {target} HTTP/1.1\r\nHost: localhost\r\n{string.Concat(headers.Select(h => h + "\r\n"))}\r\n");
        return (await raw.ReadAsync())!;
    }

    /// <summary>What the server held the last request to be.</summary>
    private sealed class Seen
    {
        public string? Last { get; private set; }

        public Task<LiveServer> StartAsync(params string[] settings) => LiveServer.StartAsync(0, new CCometFactory(settings)
        {
            OnRequest = context => context.Response.OnStarting(() =>
            {
                var request = context.Request;
                Last = $"{context.Connection.RemoteIpAddress!.MapToIPv4()} {request.Scheme} {request.Host} {request.PathBase} {request.Path}";
                return Task.CompletedTask;
            }),
        });
    }
}
