using CComet.Web.Tests.Docs;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Http;

/// <summary>What every answer tells browsers and caches beside its content.</summary>
public sealed class SecurityHeaderTests
{
    public static TheoryData<string> Files() => new(
        Directory.EnumerateFiles(Path.Combine(Documents.Root, "CComet.Web", "wwwroot"), "*.*", SearchOption.AllDirectories)
            .Where(file => Path.GetExtension(file) is ".html" or ".js" or ".mjs" or ".css" or ".svg")
            .Select(file => "/" + Path.GetRelativePath(Path.Combine(Documents.Root, "CComet.Web", "wwwroot"), file).Replace('\\', '/')).Append("/"));

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Files_run_nothing_inline_are_in_no_frame_and_tell_no_referrer(string path)
    {
        // The page of administration is there for connections of this machine alone: the wire has to be real.
        await using var server = await LiveServer.StartAsync();
        var answer = await server.Http.AskAsync(path);
        Assert.Equal(200, answer.Status);
        Assert.Equal(("nosniff", "no-referrer"), (answer.Header("X-Content-Type-Options"), answer.Header("Referrer-Policy")));
        var policy = answer.Header("Content-Security-Policy")!;
        foreach (var directive in (string[])["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"])
            Assert.Contains(directive, policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
    }

    /// <summary>A page that is cross-origin isolated loads a script only with the one, any page a module only with the other.</summary>
    [Theory]
    [InlineData("/js/ccomet.js", "cross-origin")]
    [InlineData("/js/ccomet.mjs", "cross-origin")]
    [InlineData("/chat.html", "same-origin")]
    [InlineData("/css/chat.css", "same-origin")]
    public async Task Scripts_may_be_loaded_by_pages_of_other_origins(string path, string policy)
    {
        await using var factory = new CCometFactory();
        using var http = factory.CreateClient();

        // Without an Origin too: a cache gives the answer for a script element to a page that imports a module.
        foreach (var origin in (string?[])[null, "https://page.example"])
        {
            var answer = await http.AskAsync(HttpMethod.Get, path, headers: h => AddOrigin(h, origin));
            Assert.Equal((policy, "*", null), (answer.Header("Cross-Origin-Resource-Policy"), answer.Header("Access-Control-Allow-Origin"), answer.Header("Vary")));
        }
    }

    [Fact]
    public async Task Module_may_be_loaded_by_the_origins_named_and_caches_keep_them_apart()
    {
        await using var factory = new CCometFactory("CComet:Cors:Origins:0=https://page.example");
        using var http = factory.CreateClient();
        foreach (var (origin, allowed) in ((string?, string?)[])[(null, null), ("https://page.example", "https://page.example"), ("https://other.example", null)])
        {
            var answer = await http.AskAsync(HttpMethod.Get, "/js/ccomet.mjs", headers: h => AddOrigin(h, origin));
            Assert.Equal((200, allowed), (answer.Status, answer.Header("Access-Control-Allow-Origin")));
            Assert.Contains("Origin", answer.Header("Vary"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Jsonp_answer_may_be_loaded_by_an_isolated_page()
    {
        await using var factory = new CCometFactory();
        using var http = factory.CreateClient();
        Assert.Equal("cross-origin", (await http.AskAsync("/pub?channel=a&msg=m&callback=f")).Header("Cross-Origin-Resource-Policy"));
    }

    [Theory]
    [InlineData("/sub?channel=a&wait=0", 200, "Accept, Origin")]
    [InlineData("/sub?channel=a&wait=0&seqid=9", 409, "Accept, Origin")]
    [InlineData("/sub", 400, "Accept, Origin")]
    [InlineData("/sub?channel=a&callback=f", 200, "Accept, Origin")]
    [InlineData("/sub?channel=a&callback=1", 400, "Accept, Origin")]
    [InlineData("/pub?channel=a&msg=m", 200, "Origin")]
    [InlineData("/pub?channel=a&msg=m&callback=f", 200, "Origin")]
    [InlineData("/pub", 400, "Origin")]
    [InlineData("/sign?channel=a", 200, "Origin")]
    [InlineData("/sse", 400, "Origin")]
    [InlineData("/stream", 400, "Origin")]
    [InlineData("/ws?channel=a", 426, "Origin")]
    [InlineData("/health/live", 200, "Origin")]
    [InlineData("/nowhere", 404, "Origin")]
    public async Task Every_answer_names_the_headers_it_depends_on_and_is_kept_by_no_cache(string path, int status, string vary)
    {
        await using var factory = new CCometFactory();
        using var http = factory.CreateClient();
        var answer = await http.AskAsync(path);
        Assert.Equal((status, vary, "no-store", "nosniff"), (answer.Status, answer.Header("Vary"), answer.Header("Cache-Control"), answer.Header("X-Content-Type-Options")));
    }

    [Theory]
    [InlineData("/sse?channel=a", "Origin")]
    [InlineData("/stream?channel=a", "Origin")]
    [InlineData("/sub?channel=a", "Accept, Origin")]
    public async Task Stream_names_the_headers_it_depends_on(string path, string vary)
    {
        await using var server = await LiveServer.StartAsync();
        using var stream = await OpenAnswer.GetAsync(server.Url + path, ("Accept", "text/event-stream"));
        Assert.Equal(vary, string.Join(", ", stream.Head.Headers.Vary));
    }

    private static void AddOrigin(System.Net.Http.Headers.HttpRequestHeaders headers, string? origin)
    {
        if (origin is not null) headers.Add("Origin", origin);
    }
}
