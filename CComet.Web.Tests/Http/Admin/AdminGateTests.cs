using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Http.Admin;

/// <summary>Where administration is, and who may ask for it.</summary>
public sealed class AdminGateTests
{
    private const string Production = "environment=Production";

    public static readonly TheoryData<string> Paths = ["/admin/channels", "/admin/channels/a", "/admin/nodes", "/admin/stats", "/admin/", "/admin/index.html", "/admin/main.js", "/admin/none"];

    [Theory]
    [InlineData("Open")]
    [InlineData("Token")]
    public async Task Own_address_has_administration_and_health_and_nothing_else_and_no_other_has_it(string mode)
    {
        var port = Ports.Take();
        await using var server = await LiveServer.StartAsync([.. mode == "Token" ? TokenServer.Settings : [], Production, $"CComet:Admin:Urls=http://127.0.0.1:{port}"]);
        using var admin = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        var status = mode == "Token" ? 401 : 200;
        foreach (var path in (string[])["/admin/channels", "/admin/nodes", "/admin/stats"])
        {
            Assert.Equal(status, (await admin.AskAsync(path)).Status);
            (await server.Http.AskAsync(path)).AssertProblem(404);
        }

        (await server.Http.PostAsync("/admin/drain")).AssertProblem(404);
        (await server.Http.PostAsync("/admin/revoke", """{"sub":"a"}""")).AssertProblem(404);
        (await server.Http.AskAsync(HttpMethod.Delete, "/admin/drain")).AssertProblem(404);
        foreach (var path in (string[])["/health/live", "/health/ready", "/admin/", "/admin/main.js"]) Assert.Equal(200, (await admin.AskAsync(path)).Status);
        foreach (var path in (string[])["/admin/", "/admin/index.html", "/admin/main.js"]) (await server.Http.AskAsync(path)).AssertProblem(404);
        foreach (var path in (string[])["/", "/chat.html", "/js/ccomet.js", "/sub?channel=a&wait=0", "/pub?channel=a&msg=m", "/stream?channel=a", "/sse?channel=a", "/ws?channel=a", "/sign?channel=a", "/ticket"])
            (await admin.AskAsync(path)).AssertProblem(404);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Mode_Open_without_an_own_address_has_none_outside_of_Development(string path)
    {
        await using var server = await LiveServer.StartAsync(Production);
        (await server.Http.AskAsync(path)).AssertProblem(404);
        (await server.Http.PostAsync("/admin/drain")).AssertProblem(404);
    }

    [Theory]
    [InlineData("X-Forwarded-For", "192.0.2.1")]
    [InlineData("x-forwarded-proto", "https")]
    [InlineData("X-Forwarded-Host", "chat.example")]
    [InlineData("X-Original-For", "192.0.2.1")]
    [InlineData("Forwarded", "for=192.0.2.1")]
    [InlineData("X-Real-IP", "192.0.2.1")]
    [InlineData("Via", "1.1 proxy")]
    [InlineData("Host", "chat.example")]
    public async Task Development_has_none_for_what_a_proxy_hands_on(string header, string value)
    {
        await using var server = await LiveServer.StartAsync();
        Assert.Equal(200, (await server.Http.AskAsync("/admin/stats")).Status);
        (await server.Http.AskAsync(HttpMethod.Get, "/admin/stats", null, headers => headers.TryAddWithoutValidation(header, value))).AssertProblem(404);
    }

    [Fact]
    public async Task Development_has_none_behind_a_listed_proxy()
    {
        await using var server = await LiveServer.StartAsync("CComet:Proxies=127.0.0.1");
        (await server.Http.AskAsync(HttpMethod.Get, "/admin/stats", null, headers => headers.Add("X-Forwarded-For", "127.0.0.1"))).AssertProblem(404);
    }

    [Theory]
    [InlineData("Origin", "http://evil.example", "Origin")]
    [InlineData("Origin", "null", "Origin")]
    [InlineData("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Site")]
    public async Task Page_of_another_origin_may_not_ask_in_mode_Open_although_all_may_call(string header, string value, string parameter)
    {
        await using var server = await LiveServer.StartAsync();
        (await server.Http.AskAsync(HttpMethod.Get, "/admin/stats", null, headers => headers.Add(header, value))).AssertProblem(403, parameter);
        (await server.Http.AskAsync(HttpMethod.Post, "/admin/drain", Asking.Body("{}"), headers => headers.Add(header, value))).AssertProblem(403, parameter);
        Assert.False(server.Hub.IsDraining);
        Assert.Equal(200, (await server.Http.AskAsync(HttpMethod.Get, "/admin/stats", null, headers => headers.Add("Origin", server.Url))).Status);
    }

    [Fact]
    public async Task Answers_are_no_scripts()
    {
        await using var server = await LiveServer.StartAsync();
        var answer = await server.Http.AskAsync("/admin/channels?callback=f");
        Assert.Equal("application/json; charset=utf-8", answer.Header("Content-Type"));
        Assert.StartsWith("{", answer.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "GET", "/admin/channels", 401)]
    [InlineData("subscribe=*", "GET", "/admin/channels", 403)]
    [InlineData("admin=room.*", "GET", "/admin/channels", 403)]
    [InlineData("admin=*", "GET", "/admin/channels", 200)]
    [InlineData("admin=*", "GET", "/admin/nodes", 200)]
    [InlineData("admin=room.*", "GET", "/admin/channels?prefix=room.", 200)]
    [InlineData("admin=room.*", "GET", "/admin/channels?prefix=room", 403)]
    [InlineData("admin=room.*", "GET", "/admin/me", 200)]
    [InlineData("subscribe=*", "GET", "/admin/me", 403)]
    [InlineData("admin=room.*", "GET", "/admin/nodes", 403)]
    [InlineData("admin=room.*", "GET", "/admin/stats", 403)]
    [InlineData("admin=room.*", "GET", "/admin/stats/stream", 403)]
    [InlineData("admin=room.*", "GET", "/admin/channels/room.1", 200)]
    [InlineData("admin=room.*", "GET", "/admin/channels/room.1/messages", 200)]
    [InlineData("admin=room.*", "POST", "/admin/channels/room.1/close", 200)]
    [InlineData("admin=room.*", "POST", "/admin/channels/room.1/clear", 200)]
    [InlineData("admin=hall", "GET", "/admin/channels/room.1", 403)]
    [InlineData("admin=hall", "GET", "/admin/channels/room.1/messages", 403)]
    [InlineData("admin=hall", "POST", "/admin/channels/room.1/close", 403)]
    [InlineData("admin=hall", "POST", "/admin/channels/room.1/clear", 403)]
    [InlineData("publish=*", "POST", "/admin/channels/room.1/publish", 403)]
    [InlineData("admin=room.*", "POST", "/admin/broadcast", 403)]
    [InlineData("admin=room.*", "POST", "/admin/explain", 403)]
    [InlineData("admin=room.*", "POST", "/admin/drain", 403)]
    [InlineData("admin=room.*", "POST", "/admin/kick", 403)]
    public async Task Mode_Token_asks_for_the_right_to_administer(string? right, string method, string path, int status)
    {
        await using var server = await TokenServer.StartAsync();
        await server.PublishAsync(server.TokenOf("pub", "publish=*"), "room.1", "m");
        var token = right is null ? null : server.TokenOf("op", right);
        var body = method == "GET" ? null : Asking.Body("""{"msg":"m","user":"ann","verb":"publish","channel":"room.1"}"""
            .Replace(path.EndsWith("/kick", StringComparison.Ordinal) ? ",\"channel\":\"room.1\"" : "no part", "", StringComparison.Ordinal));
        var answer = await server.AskAsync(token, new HttpMethod(method), path, body);
        if (status == 200) Assert.Equal(200, answer.Status);
        else answer.AssertProblem(status, "channel");
        Assert.False(server.Live.Hub.IsDraining);
    }

    [Fact]
    public async Task Cookie_counts_for_a_change_only_with_the_origin_of_a_page_that_may()
    {
        await using var server = await TokenServer.StartAsync("CComet:Cors:Origins=https://ops.example");
        var cookie = $"__Host-ccomet={server.TokenOf("op", "admin=*")}";
        Assert.Equal(200, (await AskAsync(HttpMethod.Get, "/admin/stats", null)).Status);
        Assert.Equal(401, (await AskAsync(HttpMethod.Post, "/admin/broadcast", null)).Status);
        Assert.Equal(403, (await AskAsync(HttpMethod.Post, "/admin/broadcast", "https://evil.example")).Status);
        Assert.Equal(200, (await AskAsync(HttpMethod.Post, "/admin/broadcast", "https://ops.example")).Status);

        Task<Answer> AskAsync(HttpMethod method, string path, string? origin) => server.Http.AskAsync(method, path, method == HttpMethod.Get ? null : Asking.Body("""{"msg":"m"}"""), headers =>
        {
            headers.Add("Cookie", cookie);
            if (origin is not null) headers.Add("Origin", origin);
        });
    }

    [Theory]
    [InlineData("GET", "/admin/kick", 405)]
    [InlineData("POST", "/admin/nodes", 405)]
    [InlineData("POST", "/admin/channels/a", 405)]
    [InlineData("GET", "/admin/channels/a/none", 404)]
    [InlineData("GET", "/admin/channels/", 404)]
    [InlineData("GET", "/admin/channels//messages", 404)]
    [InlineData("GET", "/ADMIN/nodes", 404)]
    [InlineData("GET", "/admin/nodes/", 404)]
    [InlineData("POST", "/admin/nodes/", 404)]
    [InlineData("POST", "/admin/", 405)]
    [InlineData("POST", "/admin/index.html", 405)]
    public async Task Paths_and_methods_are_exact(string method, string path, int status)
    {
        await using var server = await LiveServer.StartAsync();
        (await server.Http.AskAsync(new HttpMethod(method), path)).AssertProblem(status);
        using var raw = await RawHttp.ConnectAsync(server.Port);
        Assert.Equal(404, (await raw.GetAsync("/%61dmin/nodes")).Status);
    }

    [Theory]
    [InlineData("CComet:Admin:Urls", "http://127.0.0.1:0", "CComet:Admin:Urls")]
    [InlineData("CComet:Admin:Urls", "127.0.0.1:99999", "CComet:Admin:Urls")]
    [InlineData("CComet:Admin:Urls", "http://unix:/run/a.sock", "CComet:Admin:Urls")]
    [InlineData("CComet:Admin:Urls", "http://127.0.0.1:5000", "CComet:Admin:Urls")]
    public void Address_that_cannot_be_one_is_refused_by_name(string key, string value, string named)
    {
        var configuration = new Microsoft.Extensions.Configuration.ConfigurationManager { [key] = value };
        var refusal = Assert.Throws<StartException>(() => CComet.Web.Hosting.ListenAddresses.CheckOthers(configuration, CComet.Web.Hosting.Admin.AdminAddresses.Of(configuration).Select(address => (key, address))));
        Assert.StartsWith(named, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Addresses_are_a_list_or_a_text_with_commas()
    {
        string[] expected = ["http://127.0.0.1:1", "http://127.0.0.1:2"];
        Assert.Equal(expected, CComet.Web.Hosting.Admin.AdminAddresses.Of(new Microsoft.Extensions.Configuration.ConfigurationManager { ["CComet:Admin:Urls"] = string.Join(", ", expected) }));
        Assert.Equal(expected, CComet.Web.Hosting.Admin.AdminAddresses.Of(new Microsoft.Extensions.Configuration.ConfigurationManager { ["CComet:Admin:Urls:0"] = expected[0], ["CComet:Admin:Urls:1"] = expected[1] }));
    }
}
