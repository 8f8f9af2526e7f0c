using System.IO.Compression;
using System.Security.Claims;
using System.Text.Encodings.Web;
using CComet.Http;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CComet.Web.Tests.Embedding;

/// <summary>The verbs as endpoints of an application: below a group and a path base, behind its conventions.</summary>
public sealed class MapCCometTests
{
    [Fact]
    public async Task Verbs_are_below_their_group_and_path_base_in_their_one_spelling()
    {
        await using var app = await StartAsync(app =>
        {
            app.UsePathBase("/base");
            app.UseRouting();
            app.MapGroup("/push").MapCComet();
        });
        using var http = app.GetTestClient();
        Assert.Single((await http.AskAsync("/base/push/pub?channel=a&msg=m")).Elements);
        Assert.Single((await http.AskAsync("/push/sub?channel=a&seqid=0")).Elements);
        foreach (var path in new[] { "/pub", "/base/pub", "/push/PUB", "/push/pub/", "/push/pub/x", "/push//pub", "/push/xpub" })
            Assert.True((await http.AskAsync($"{path}?channel=a&msg=m")).Status == 404, path);
        Assert.Equal(["m"], (await http.AskAsync("/push/sub?channel=a&seqid=0")).Elements.Select(e => e.GetProperty("msg").GetString()));
    }

    [Fact]
    public async Task Encoded_spelling_of_a_path_is_not_found()
    {
        await using var server = await StartAsync(app => app.MapCComet(), isReal: true);
        using var raw = await RawHttp.ConnectAsync(new Uri(server.Urls.First()).Port);
        Assert.Equal(404, (await raw.GetAsync("/%70ub?channel=a&msg=m")).Status);
        Assert.Equal(404, (await raw.GetAsync("/x/../pub?channel=a&msg=m")).Status);
        Assert.Equal(200, (await raw.GetAsync("/pub?channel=a&msg=m")).Status);
    }

    [Fact]
    public async Task Method_that_a_verb_does_not_take_is_refused_by_routing()
    {
        await using var app = await StartAsync(app => app.MapCComet());
        using var http = app.GetTestClient();
        var answer = await http.AskAsync(HttpMethod.Delete, "/pub");
        Assert.Equal((405, "GET, POST"), (answer.Status, answer.Headers["Allow"]));
    }

    /// <summary>The verbs are those of the table, so that one that is added is tried as well.</summary>
    [Fact]
    public async Task Authorisation_of_the_group_holds_for_every_verb_by_every_method()
    {
        await using var app = await StartAsync(app => app.MapGroup("/push").RequireAuthorization().MapCComet());
        using var http = app.GetTestClient();
        var verbs = app.Services.GetRequiredService<WirePaths>().All.Where(path => path is { IsVerb: true, IsOfAdministration: false }).ToArray();
        Assert.Equal(11, verbs.Length);
        foreach (var verb in verbs)
        {
            foreach (var method in verb.Methods) Assert.Equal(401, (await http.AskAsync(new HttpMethod(method!), $"/push{verb.Path}?channel=a&msg=m&wait=0")).Status);
        }

        http.DefaultRequestHeaders.Add("Authorization", "ada");
        Assert.Single((await http.AskAsync("/push/pub?channel=a&msg=m")).Elements);
    }

    [Fact]
    public async Task Administration_is_mapped_apart_and_behind_an_authorisation()
    {
        await using var app = await StartAsync(app =>
        {
            app.MapGroup("/push").MapCComet();
            app.MapGroup("/push").MapCCometAdmin().RequireAuthorization();
            app.MapGroup("/open").MapCCometAdmin();
        });
        using var http = app.GetTestClient();
        var paths = app.Services.GetRequiredService<WirePaths>().All.Where(path => path.IsOfAdministration).ToArray();
        Assert.Equal(16, paths.Length);
        foreach (var path in paths)
        {
            foreach (var method in path.Methods)
            {
                Assert.Equal(401, (await http.AskAsync(new HttpMethod(method!), $"/push{path.Path}")).Status);

                // Nobody has rights in the mode Open, and the application has let nobody in.
                Assert.Equal(404, (await http.AskAsync(new HttpMethod(method!), $"/open{path.Path}")).Status);
            }
        }

        http.DefaultRequestHeaders.Add("Authorization", "ada");
        Assert.Single((await http.AskAsync("/push/pub?channel=a%2Fb&msg=m")).Elements);
        Assert.Equal("a/b", (await http.AskAsync("/push/admin/channels/a%2Fb")).Json.GetProperty("channel").GetString());
        Assert.Equal(1, (await http.AskAsync("/push/admin/channels/a%2Fb/clear", Asking.Body("{}"))).Json.GetProperty("cleared").GetInt32());
        foreach (var path in (string[])["/push/ADMIN/nodes", "/push/admin/nodes/", "/push/admin/channels/", "/push/admin//channels/a", "/push/admin/channels/a%2Fb/CLEAR"])
            Assert.True((await http.AskAsync(path)).Status is 404 or 405, path);
    }

    [Fact]
    public async Task Convention_on_what_is_returned_holds_too()
    {
        await using var app = await StartAsync(app => app.MapCComet().RequireAuthorization());
        using var http = app.GetTestClient();
        Assert.Equal(401, (await http.AskAsync("/pub?channel=a&msg=m")).Status);
    }

    [Fact]
    public async Task Health_is_mapped_apart_and_needs_no_user()
    {
        await using var app = await StartAsync(app =>
        {
            app.MapGroup("/push").RequireAuthorization().MapCComet();
            app.MapCCometHealth();
        });
        using var http = app.GetTestClient();
        Assert.Equal("ready", (await http.AskAsync("/health/ready")).Json.GetProperty("status").GetString());
        Assert.Equal(404, (await http.AskAsync("/push/health/ready")).Status);
    }

    [Theory]
    [InlineData(null, 200)]
    [InlineData("http://localhost", 200)]
    [InlineData("https://other.example", 403)]
    public async Task Without_a_CORS_policy_only_pages_of_the_application_may_call(string? origin, int status)
    {
        await using var app = await StartAsync(app => app.MapCComet());
        using var http = app.GetTestClient();
        var answer = await http.AskAsync(HttpMethod.Get, "/pub?channel=a&msg=m", headers: headers => headers.Add("Origin", origin is null ? [] : [origin]));
        Assert.Equal(status, answer.Status);
        Assert.DoesNotContain("Access-Control-Allow-Origin", answer.Headers.Keys);
    }

    [Fact]
    public async Task Script_of_a_foreign_page_is_refused_before_it_reads_anything()
    {
        await using var app = await StartAsync(app => app.MapCComet());
        using var http = app.GetTestClient();
        var answer = await http.AskAsync(HttpMethod.Get, "/sub?channel=a&callback=f", headers: headers =>
        {
            headers.Add("Sec-Fetch-Site", "cross-site");
            headers.Add("Referer", "https://other.example/page");
        });
        answer.AssertJsonpProblem("f", "403", "Sec-Fetch-Site");
    }

    [Theory]
    [InlineData("https://partner.example", 200)]
    [InlineData("https://other.example", 403)]
    public async Task CORS_policy_of_the_endpoints_says_which_pages_may_call(string origin, int status)
    {
        await using var app = await StartAsync(app =>
        {
            app.UseCors();
            app.MapGroup("/named").MapCComet().RequireCors("partners");
            app.MapGroup("/inline").MapCComet().RequireCors(policy => policy.WithOrigins("https://partner.example"));
        });
        using var http = app.GetTestClient();
        foreach (var group in new[] { "/named", "/inline" })
        {
            var answer = await http.AskAsync(HttpMethod.Get, $"{group}/pub?channel=a&msg=m", headers: headers => headers.Add("Origin", origin));
            Assert.Equal((status, status == 200 ? origin : null), (answer.Status, answer.Headers.GetValueOrDefault("Access-Control-Allow-Origin")));
            var preflight = await http.AskAsync(HttpMethod.Options, $"{group}/pub", headers: headers =>
            {
                headers.Add("Origin", origin);
                headers.Add("Access-Control-Request-Method", "POST");
            });
            Assert.Equal((204, status == 200 ? origin : null), (preflight.Status, preflight.Headers.GetValueOrDefault("Access-Control-Allow-Origin")));
        }
    }

    /// <summary>On Kestrel as CComet sets it up, a stream has lost its request's headers before it begins, and is not compressed.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Stream_passes_the_compression_of_the_application(bool isTuned)
    {
        await using var app = await StartAsync(
            app =>
            {
                app.UseResponseCompression();
                app.MapCComet();
            },
            isReal: true,
            builder =>
            {
                if (isTuned) builder.WebHost.UseCCometKestrel();
                builder.Services.AddResponseCompression(compression => compression.MimeTypes = ["text/event-stream"]);
            });
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()), Timeout = Patience.Limit };
        http.DefaultRequestHeaders.Add("Accept-Encoding", "gzip");
        using var answer = await http.GetAsync(new Uri("/sse?channel=a", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(isTuned ? [] : ["gzip"], answer.Content.Headers.ContentEncoding);
        var body = await answer.Content.ReadAsStreamAsync();
        using var stream = new StreamReader(isTuned ? body : new GZipStream(body, CompressionMode.Decompress));
        using var publisher = new HttpClient { BaseAddress = http.BaseAddress };
        for (var i = 0; i < 3; i++)
        {
            await publisher.PublishAsync("a", $"{i}");
            Assert.Contains($"\"msg\":\"{i}\"", await DataAsync(), StringComparison.Ordinal);
        }

        async Task<string> DataAsync()
        {
            while (await stream.ReadLineAsync() is { } line)
            {
                if (line.StartsWith("data: ", StringComparison.Ordinal)) return line;
            }

            throw new EndOfStreamException();
        }
    }

    [Fact]
    public void Mapping_without_the_services_says_what_is_missing()
    {
        using var app = (IDisposable)WebApplication.CreateBuilder().Build();
        var failure = Assert.Throws<InvalidOperationException>(() => ((WebApplication)app).MapCComet());
        Assert.Contains("AddCComet()", failure.Message, StringComparison.Ordinal);
    }

    private static async Task<WebApplication> StartAsync(Action<WebApplication> configure, bool isReal = false, Action<WebApplicationBuilder>? add = null)
    {
        var builder = WebApplication.CreateBuilder([$"--urls=http://127.0.0.1:{(isReal ? Ports.Take() : 0)}"]);
        if (!isReal) builder.WebHost.UseTestServer();
        builder.Logging.ClearProviders();
        builder.Services.AddAuthentication("header").AddScheme<AuthenticationSchemeOptions, HeaderAuthentication>("header", null);
        builder.Services.AddAuthorization();
        builder.Services.AddCors(cors => cors.AddPolicy("partners", policy => policy.WithOrigins("https://partner.example").AllowCredentials()));
        builder.Services.AddCComet();
        add?.Invoke(builder);
        var app = builder.Build();
        configure(app);
        await app.StartAsync();
        return app;
    }

    /// <summary>The header Authorization is the user's name.</summary>
    private sealed class HeaderAuthentication(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            var name = Request.Headers.Authorization.ToString();
            return Task.FromResult(name.Length == 0
                ? AuthenticateResult.NoResult()
                : AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, name)], Scheme.Name)), Scheme.Name)));
        }
    }
}
