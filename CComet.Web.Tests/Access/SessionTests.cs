using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Access;

/// <summary>The cookie holds the token out of reach of scripts, and counts only where no other site can have it sent.</summary>
public sealed class SessionTests
{
    private const string Origin = "https://app.example";
    private const string Narrow = $"CComet:Cors:Origins:0={Origin}";

    [Fact]
    public async Task Session_sets_the_token_as_a_cookie_for_this_host_alone()
    {
        await using var server = await TokenServer.StartAsync(Narrow);
        var token = server.TokenOf("ann", "subscribe=room.*");
        var answer = await server.AskAsync(token, HttpMethod.Post, "/session");
        Assert.Equal(200, answer.Status);
        Assert.Equal($"__Host-ccomet={token}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=3600", answer.Header("Set-Cookie"));
        Assert.Equal(("ann", server.Time.GetUtcNow().AddHours(1).ToUnixTimeMilliseconds()), (answer.Json.GetProperty("user").GetString(), answer.Json.GetProperty("expires").GetInt64()));
        Assert.Equal(200, (await server.AskAsync(null, HttpMethod.Post, "/session", Asking.Body($$"""{"token":"{{token}}"}"""))).Status);
    }

    [Fact]
    public async Task Session_is_ended_by_DELETE()
    {
        await using var server = await TokenServer.StartAsync(Narrow);
        var answer = await server.AskAsync(null, HttpMethod.Delete, "/session");
        Assert.Equal(204, answer.Status);
        Assert.Equal("__Host-ccomet=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0", answer.Header("Set-Cookie"));
    }

    [Fact]
    public async Task Session_without_a_token_that_holds_sets_no_cookie()
    {
        await using var server = await TokenServer.StartAsync(Narrow);
        foreach (var token in (string?[])[null, "no.token.atall"])
        {
            var answer = await server.AskAsync(token, HttpMethod.Post, "/session");
            answer.AssertProblem(401);
            Assert.Null(answer.Header("Set-Cookie"));
            Assert.StartsWith("Bearer ", answer.Header("WWW-Authenticate"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Session_is_refused_where_its_cookie_would_not_count()
    {
        await using var server = await TokenServer.StartAsync();
        (await server.AskAsync(server.TokenOf("ann", "subscribe=room.*"), HttpMethod.Post, "/session")).AssertProblem(403, "Origin");
    }

    /// <summary>The rows are what a browser sends for a page of the server, of an allowed site, of another one, and a program.</summary>
    [Theory]
    [InlineData("GET", "/sub?channel=room.1&wait=0", "same-origin", 200)]
    [InlineData("GET", "/sub?channel=room.1&wait=0", Origin, 200)]
    [InlineData("GET", "/sub?channel=room.1&wait=0", "https://evil.example", 403)]
    [InlineData("GET", "/sub?channel=room.1&wait=0", "none", 200)]
    [InlineData("POST", "/pub?channel=room.1&msg=m", "same-origin", 200)]
    [InlineData("POST", "/pub?channel=room.1&msg=m", Origin, 200)]
    [InlineData("POST", "/pub?channel=room.1&msg=m", "https://evil.example", 403)]
    [InlineData("POST", "/pub?channel=room.1&msg=m", "none", 401)]
    [InlineData("GET", "/pub?channel=room.1&msg=m", "same-origin", 401)]
    [InlineData("GET", "/sign?channel=room.1", "same-origin", 401)]
    public async Task Cookie_counts_for_reading_and_for_a_POST_of_a_known_page(string method, string path, string page, int status)
    {
        await using var server = await TokenServer.StartAsync(Narrow);
        Assert.Equal(status, (await AskByCookieAsync(server, method, path, page)).Status);
    }

    [Fact]
    public async Task Cookie_never_counts_for_a_script()
    {
        await using var server = await TokenServer.StartAsync(Narrow);
        foreach (var path in (string[])["/pub?channel=room.1&msg=m&callback=f", "/sign?channel=room.1&callback=f"])
            (await AskByCookieAsync(server, "GET", path, "same-origin")).AssertJsonpProblem("f", "401");
    }

    [Theory]
    [InlineData("GET", "/sub?channel=room.1&wait=0")]
    [InlineData("POST", "/pub?channel=room.1&msg=m")]
    public async Task Cookie_never_counts_where_pages_of_all_origins_may_call(string method, string path)
    {
        await using var server = await TokenServer.StartAsync();
        (await AskByCookieAsync(server, method, path, "same-origin")).AssertProblem(401);
    }

    [Fact]
    public async Task Form_of_another_site_publishes_nothing_even_where_everyone_may()
    {
        string[] rule = ["CComet:Auth:Rules:0:Who=anonymous", "CComet:Auth:Rules:0:Verbs:0=publish", "CComet:Auth:Rules:0:Channels:0=*"];
        await using var server = await TokenServer.StartAsync(rule);
        using var form = new FormUrlEncodedContent([new("channel", "room.1"), new("msg", "m")]);
        var answer = await server.Http.AskAsync(HttpMethod.Post, "/pub", form, headers => headers.Add("Origin", "https://evil.example"));
        answer.AssertProblem(403, "Origin");
        Assert.Equal(200, (await server.PublishAsync(null, "room.1", "m")).Status);
        (await server.AskAsync(null, "/pub?channel=room.1&msg=m")).AssertProblem(401, "method");
    }

    [Theory]
    [InlineData("token")]
    [InlineData("access_token")]
    [InlineData("jwt")]
    [InlineData("ticket")]
    public async Task Token_in_an_address_is_refused_and_points_to_tickets(string name)
    {
        await using var server = await TokenServer.StartAsync();
        var answer = await server.AskAsync(null, $"/sub?channel=room.1&{name}={server.TokenOf("ann", "subscribe=room.*")}");
        answer.AssertProblem(400, name);
        Assert.Contains("POST /ticket", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tickets_and_sessions_are_answered_in_mode_Open_too()
    {
        await using var server = await LiveServer.StartAsync();
        var ticket = await server.Http.AskAsync("/ticket", Asking.Body("""{"channels":["c"],"verb":"subscribe"}"""));
        Assert.Equal(200, ticket.Status);
        Assert.Equal(200, (await server.Http.AskAsync($"/sub?channel=c&wait=0&ticket={ticket.Json.GetProperty("ticket").GetString()}")).Status);
        Assert.Equal(200, (await server.Http.AskAsync(HttpMethod.Post, "/session")).Status);
    }

    private static Task<Answer> AskByCookieAsync(TokenServer server, string method, string path, string page)
    {
        var token = server.TokenOf("ann", "subscribe=room.*", "publish=room.*");
        return server.Http.AskAsync(new HttpMethod(method), path, null, headers =>
        {
            headers.Add("Cookie", $"__Host-ccomet={token}");
            if (page == "same-origin") headers.Add("Sec-Fetch-Site", page);
            else if (page != "none") headers.Add("Origin", page);
        });
    }
}
