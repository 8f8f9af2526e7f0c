using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Http;

/// <summary>Which pages of other origins may call, and what they may read.</summary>
public sealed class CorsTests
{
    [Theory]
    [InlineData("/pub?channel=a&msg=m")]
    [InlineData("/sign?channel=a")]
    [InlineData("/sub?channel=a&wait=0")]
    [InlineData("/sub?channel=")]
    [InlineData("/sub?channel=a&seqid=99")]
    [InlineData("/pub?callback=1")]
    [InlineData("/nowhere")]
    public async Task Every_page_may_call_and_read_the_cursor_even_of_a_refusal(string path)
    {
        await using var factory = new CCometFactory();
        using var http = factory.CreateClient();
        var answer = await FromAsync(http, HttpMethod.Get, path);
        Assert.Equal(("*", null), (answer.Header("Access-Control-Allow-Origin"), answer.Header("Access-Control-Allow-Credentials")));
        Assert.Superset(new HashSet<string>(["CComet-Cursor", "Retry-After"]), answer.Header("Access-Control-Expose-Headers")!.Split(',', StringSplitOptions.TrimEntries).ToHashSet());
    }

    [Theory]
    [InlineData("/pub", "POST", "content-type")]
    [InlineData("/sign", "POST", "content-type,x-own")]
    [InlineData("/sub", "GET", "x-own")]
    [InlineData("/pub", "POST", "authorization,content-type,last-event-id")]
    [InlineData("/sse", "GET", "last-event-id,authorization")]
    public async Task Preflight_is_answered_for_what_the_verbs_take(string path, string method, string headers)
    {
        await using var factory = new CCometFactory();
        using var http = factory.CreateClient();
        var answer = await PreflightAsync(http, path, method, headers);
        Assert.Equal(204, answer.Status);
        Assert.Equal("*", answer.Header("Access-Control-Allow-Origin"));
        Assert.Equal(["GET", "POST"], answer.Header("Access-Control-Allow-Methods")!.Split(',', StringSplitOptions.TrimEntries));
        Assert.Equal(headers, answer.Header("Access-Control-Allow-Headers")!.Replace(" ", "", StringComparison.Ordinal), ignoreCase: true);
    }

    [Fact]
    public async Task Preflight_of_a_session_is_answered_for_its_end_too()
    {
        await using var factory = new CCometFactory();
        using var http = factory.CreateClient();
        Assert.Equal("POST, DELETE", (await PreflightAsync(http, "/session", "DELETE", "authorization")).Header("Access-Control-Allow-Methods"));
    }

    [Fact]
    public async Task Origins_in_the_settings_may_call_and_others_may_not()
    {
        await using var factory = new CCometFactory("CComet:Cors:Origins:0=https://one.example", "CComet:Cors:Origins:1=https://two.example");
        using var http = factory.CreateClient();
        foreach (var origin in (string[])["https://one.example", "https://two.example"])
        {
            var answer = await FromAsync(http, HttpMethod.Get, "/pub?channel=a&msg=m", origin);
            Assert.Equal((origin, "true"), (answer.Header("Access-Control-Allow-Origin"), answer.Header("Access-Control-Allow-Credentials")));
            Assert.Contains("Origin", answer.Header("Vary"), StringComparison.Ordinal);
            Assert.Equal(origin, (await PreflightAsync(http, "/pub", "POST", "content-type", origin)).Header("Access-Control-Allow-Origin"));
        }

        foreach (var origin in (string[])["https://page.example", "http://one.example", "https://one.example:8443", "https://one.example.evil", "null"])
        {
            Assert.Null((await FromAsync(http, HttpMethod.Get, "/pub?channel=a&msg=m", origin)).Header("Access-Control-Allow-Origin"));
            Assert.Null((await PreflightAsync(http, "/pub", "POST", "content-type", origin)).Header("Access-Control-Allow-Origin"));
        }
    }

    [Fact]
    public async Task Cors_switched_off_lets_no_other_origin_in()
    {
        await using var factory = new CCometFactory("CComet:Cors:Enabled=false");
        using var http = factory.CreateClient();
        Assert.Null((await FromAsync(http, HttpMethod.Get, "/pub?channel=a&msg=m")).Header("Access-Control-Allow-Origin"));
        Assert.Single((await http.AskAsync("/pub?channel=a&msg=m")).Elements);
    }

    private static Task<Answer> FromAsync(HttpClient http, HttpMethod method, string path, string origin = "https://page.example") =>
        http.AskAsync(method, path, headers: h => h.Add("Origin", origin));

    private static Task<Answer> PreflightAsync(HttpClient http, string path, string method, string headers, string origin = "https://page.example") =>
        http.AskAsync(HttpMethod.Options, path, headers: h =>
        {
            h.Add("Origin", origin);
            h.Add("Access-Control-Request-Method", method);
            h.Add("Access-Control-Request-Headers", headers);
        });
}
