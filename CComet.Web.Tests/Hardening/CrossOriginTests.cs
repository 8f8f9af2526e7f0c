using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hardening;

/// <summary>
/// The attack: a page that the operator did not name publishes by a form or an image, reads by a script element, or opens a
/// WebSocket. CORS stops none of them. Where origins are named, every verb refuses it before it does anything.
/// </summary>
public sealed class CrossOriginTests : IAsyncLifetime
{
    private const string Named = "https://app.example";

    private LiveServer _server = null!;

    public async Task InitializeAsync() => _server = await LiveServer.StartAsync($"CComet:Cors:Origins:0={Named}", "CComet:Cors:Origins:1=https://Two.example:443");

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public static TheoryData<string, string[]> Foreign()
    {
        var data = new TheoryData<string, string[]>();
        foreach (var verb in Verbs)
        {
            data.Add(verb, ["Origin: https://evil.example"]);
            data.Add(verb, ["Origin: https://app.example.evil.example"]);
            data.Add(verb, ["Origin: http://app.example"]);
            data.Add(verb, ["Origin: https://app.example:8443"]);
            data.Add(verb, ["Origin: null"]);
            data.Add(verb, ["Origin: http://localhost:1"]);
            data.Add(verb, ["Origin: https://evil.example", "Sec-Fetch-Site: none"]);
            data.Add(verb, ["Sec-Fetch-Site: cross-site"]);
            data.Add(verb, ["Sec-Fetch-Site: same-site"]);
            data.Add(verb, ["Sec-Fetch-Site: cross-site", "Referer: https://evil.example/?https://app.example/"]);
            data.Add(verb, ["Sec-Fetch-Site: cross-site", "Referer: https://app.example@evil.example/"]);
        }

        return data;
    }

    public static TheoryData<string, string[]> Welcome()
    {
        var data = new TheoryData<string, string[]>();
        foreach (var verb in Verbs)
        {
            data.Add(verb, []);
            data.Add(verb, [$"Origin: {Named}"]);
            data.Add(verb, [$"Origin: {Named}", "Sec-Fetch-Site: cross-site"]);
            data.Add(verb, ["Origin: https://two.example"]);
            data.Add(verb, ["Origin: http://localhost"]);
            data.Add(verb, ["Sec-Fetch-Site: same-origin"]);
            data.Add(verb, ["Origin: https://localhost", "Sec-Fetch-Site: same-origin"]);
            data.Add(verb, ["Sec-Fetch-Site: none"]);
            data.Add(verb, ["Sec-Fetch-Site: cross-site", $"Referer: {Named}/page"]);
            data.Add(verb, ["Sec-Fetch-Site: same-site", "Referer: http://localhost/chat.html"]);
        }

        return data;
    }

    private static readonly string[] Verbs = ["GET /pub?channel=a&msg=m", "POST /pub?channel=a&msg=m", "GET /sign?channel=a", "GET /sub?channel=a&wait=0", "GET /sse?channel=a", "GET /stream?channel=a", "GET /ws?channel=a"];

    [Theory]
    [MemberData(nameof(Foreign))]
    public async Task Page_that_is_not_named_is_refused_and_does_nothing(string verb, string[] headers)
    {
        var answer = await AskAsync(_server, verb, headers);
        answer.AssertProblem(403, headers[0].StartsWith("Origin", StringComparison.Ordinal) ? "Origin" : "Sec-Fetch-Site");
        Assert.Null(answer.Header("Access-Control-Allow-Origin"));
        Assert.Contains("Sec-Fetch-Site", answer.Header("Vary"), StringComparison.Ordinal);
        Assert.Equal(0, _server.Hub.SubscriberCount);
        Assert.Empty((await _server.Http.PeekAsync("a", ("seqid", "0"))).Elements);
    }

    [Theory]
    [MemberData(nameof(Welcome))]
    public async Task Named_page_the_servers_own_and_a_client_that_is_no_browser_are_served(string verb, string[] headers)
    {
        using var raw = await SendAsync(_server, verb, headers);
        Assert.Equal(verb.Contains("/ws", StringComparison.Ordinal) ? 101 : 200, await StatusAsync(raw));
    }

    [Theory]
    [InlineData("/pub?channel=a&msg=m")]
    [InlineData("/sign?channel=a")]
    [InlineData("/sub?channel=a&seqid=0&wait=0")]
    public async Task Script_of_a_foreign_page_is_refused_in_its_own_form(string path)
    {
        var answer = await AskAsync(_server, $"GET {path}&callback=f", ["Sec-Fetch-Site: cross-site"]);
        answer.AssertJsonpProblem("f", "403", "Sec-Fetch-Site");
        Assert.Empty((await _server.Http.PeekAsync("a", ("seqid", "0"))).Elements);
    }

    [Fact]
    public async Task Form_of_a_foreign_page_publishes_nothing()
    {
        const string Form = "channel=a&msg=m";
        using var raw = await RawHttp.ConnectAsync(_server.Port);
        await raw.SendAsync($"POST /pub HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {Form.Length}\r\n\r\n{Form}");
        (await raw.ReadAsync())!.AssertProblem(403, "Origin");
        Assert.Empty((await _server.Http.PeekAsync("a", ("seqid", "0"))).Elements);
    }

    [Fact]
    public async Task Preflight_of_a_foreign_page_is_refused_with_the_reason()
    {
        string[] headers = ["Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type"];
        (await AskAsync(_server, "OPTIONS /pub", ["Origin: https://evil.example", .. headers])).AssertProblem(403, "Origin");
        var allowed = await AskAsync(_server, "OPTIONS /pub", [$"Origin: {Named}", .. headers]);
        Assert.Equal((204, Named, "true"), (allowed.Status, allowed.Header("Access-Control-Allow-Origin"), allowed.Header("Access-Control-Allow-Credentials")));
    }

    [Theory]
    [InlineData("GET /pub?channel=a&msg=m")]
    [InlineData("GET /sub?channel=a&wait=0")]
    [InlineData("GET /ws?channel=a")]
    public async Task Cors_switched_off_leaves_the_servers_own_pages_alone(string verb)
    {
        await using var server = await LiveServer.StartAsync("CComet:Cors:Enabled=false", $"CComet:Cors:Origins:0={Named}");
        foreach (var header in (string[])["Origin: https://evil.example", $"Origin: {Named}"])
            (await AskAsync(server, verb, [header])).AssertProblem(403, "Origin");
        (await AskAsync(server, verb, ["Sec-Fetch-Site: cross-site"])).AssertProblem(403, "Sec-Fetch-Site");
        foreach (var headers in (string[][])[[], ["Origin: http://localhost"]])
        {
            using var raw = await SendAsync(server, verb, headers);
            Assert.InRange(await StatusAsync(raw), 101, 200);
        }
    }

    [Fact]
    public async Task Websocket_needs_both_lists()
    {
        await using var server = await LiveServer.StartAsync("CComet:Cors:Origins=https://one.example, https://two.example", "CComet:WebSocket:Origins=https://two.example");
        (await AskAsync(server, "GET /ws?channel=a", ["Origin: https://one.example"])).AssertProblem(403, "Origin");
        (await AskAsync(server, "GET /ws?channel=a", ["Origin: https://evil.example"])).AssertProblem(403, "Origin");
        foreach (var origin in (string[])["https://two.example", "http://localhost"])
        {
            using var raw = await SendAsync(server, "GET /ws?channel=a", [$"Origin: {origin}"]);
            Assert.Equal(101, await StatusAsync(raw));
        }
    }

    [Fact]
    public async Task Jsonp_can_be_switched_off()
    {
        await using var server = await LiveServer.StartAsync("CComet:Jsonp:Enabled=false");
        foreach (var path in (string[])["/pub?channel=a&msg=m", "/sign?channel=a", "/sub?channel=a&seqid=0&wait=0"])
            (await server.Http.AskAsync($"{path}&callback=f")).AssertProblem(403, "callback");
        (await server.Http.AskAsync("/pub", Asking.Body("""{"channel":"a","msg":"m","callback":"f"}"""))).AssertProblem(403, "callback");
        Assert.Empty((await server.Http.PeekAsync("a", ("seqid", "0"))).Elements);
    }

    /// <summary>DNS rebinding: a page whose own name was made to point here is its own origin, and only the name can tell.</summary>
    [Theory]
    [InlineData("GET /pub?channel=a&msg=m")]
    [InlineData("GET /sub?channel=a&wait=0")]
    [InlineData("GET /ws?channel=a")]
    [InlineData("GET /chat.html")]
    [InlineData("GET /health/live")]
    public async Task Host_that_is_not_allowed_is_refused_before_any_verb(string verb)
    {
        await using var server = await LiveServer.StartAsync("AllowedHosts=push.example;*.push.example");
        var refusal = await AskAsync(server, verb, ["Origin: http://evil.example"], "evil.example");
        Assert.Equal(400, refusal.Status);
        Assert.Equal("Host", refusal.Json.GetProperty("parameter").GetString());
        Assert.Equal(0, server.Hub.ChannelCount);
        using var raw = await SendAsync(server, verb, [], "push.example:8080");
        Assert.InRange(await StatusAsync(raw), 101, 200);
    }

    private static async Task<Answer> AskAsync(LiveServer server, string verb, string[] headers, string host = "localhost")
    {
        using var raw = await SendAsync(server, verb, headers, host);
        return (await raw.ReadAsync())!;
    }

    private static async Task<RawHttp> SendAsync(LiveServer server, string verb, string[] headers, string host = "localhost")
    {
        var raw = await RawHttp.ConnectAsync(server.Port);
        string[] own = verb.Contains("/ws", StringComparison.Ordinal) ? [.. RawSocket.Upgrade] : verb.StartsWith("POST", StringComparison.Ordinal) ? ["Content-Length: 0"] : [];
        await raw.SendAsync($"{verb} HTTP/1.1\r\nHost: {host}\r\n{string.Concat(own.Concat(headers).Select(h => h + "\r\n"))}\r\n");
        return raw;
    }

    /// <summary>The status of an answer that may have no end.</summary>
    private static async Task<int> StatusAsync(RawHttp raw)
    {
        var line = "";
        while (!line.EndsWith('\n')) line += (char)await raw.ReadByteAsync();
        return int.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
