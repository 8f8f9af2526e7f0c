using System.Collections.Concurrent;
using CComet.Access;
using CComet.Channels;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CComet.Web.Tests.Embedding;

/// <summary>An application that has its waiting connections parked: what its middleware sees, and what it may not ask of it.</summary>
public sealed class ParkingTests
{
    [Theory]
    [InlineData("")]
    [InlineData("/push")]
    [InlineData("/a/b.c")]
    public async Task Application_parks_what_waits_and_its_middleware_sees_the_rest(string path)
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var app = await EmbeddingApp.StartAsync(path);
        using var raw = await RawHttp.ConnectAsync(app.Port);
        using var stream = await RawHttp.ConnectAsync(app.Port);
        await raw.SendAsync($"GET {path}/sub?channel=a HTTP/1.1\r\nHost: localhost\r\nCookie: a=b\r\n\r\n");
        await stream.SendAsync($"GET {path}/sse?channel=a HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic YTpi\r\n\r\n");
        await Eventually.TrueAsync(() => app.Waiting("a") == 2, "Both wait");
        Assert.Empty(app.Seen);
        using var other = await RawHttp.ConnectAsync(app.Port);
        Assert.Single((await other.GetAsync($"{path}/pub?channel=a&msg=m")).Elements);
        Assert.Equal("m", Assert.Single((await raw.ReadAsync())!.Elements).GetProperty("msg").GetString());
        await Eventually.TrueAsync(() => app.Waiting("a") == 1, "The stream goes on");
        foreach (var line in (string[])["Origin: http://localhost", "X-Forwarded-For: 1.2.3.4", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "X-Api-Key: 1"])
        {
            using var left = await RawHttp.ConnectAsync(app.Port);
            await left.SendAsync($"GET {path}/sub?channel=a&wait=0 HTTP/1.1\r\nHost: localhost\r\n{line}\r\n\r\n");
            Assert.Equal(200, (await left.ReadAsync())!.Status);
        }

        Assert.Equal([$"{path}/pub", .. Enumerable.Repeat($"{path}/sub", 4)], app.Seen);
    }

    [Fact]
    public async Task Answer_is_that_of_the_endpoint()
    {
        if (!OperatingSystem.IsLinux()) return;
        var answers = new List<string>();
        foreach (var parks in (bool[])[false, true])
        {
            await using var app = await EmbeddingApp.StartAsync("/push", parks: parks);
            using var raw = await RawHttp.ConnectAsync(app.Port);
            var answer = await raw.GetAsync("/push/sub?channel=a&wait=0");
            Assert.Equal(parks ? 0 : 1, app.Seen.Count);
            answers.Add(string.Join('\n', answer.Headers.Where(header => header.Key is not ("Date" or "CComet-Cursor")).OrderBy(header => header.Key).Select(header => $"{header.Key}: {header.Value}")) + answer.Text);
        }

        Assert.Equal(answers[0], answers[1]);
    }

    /// <summary>Its authentication, or its own authorizer, may find a user where CComet sees none.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Request_that_may_have_a_user_is_the_middlewares(bool authenticates)
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var app = await EmbeddingApp.StartAsync("/push", services =>
        {
            if (authenticates) services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie();
            else services.AddSingleton<IChannelAuthorizer, Everybody>();
        });
        foreach (var (line, seen) in ((string, int)[])[("DNT: 1", 0), ("Cookie: a=b", 1), ("Authorization: Basic YTpi", 2), ("Authorization: Bearer a.b.c", 3)])
        {
            using var raw = await RawHttp.ConnectAsync(app.Port);
            await raw.SendAsync($"GET /push/sub?channel=a&wait=0 HTTP/1.1\r\nHost: localhost\r\n{line}\r\n\r\n");
            Assert.Equal((200, seen), ((await raw.ReadAsync())!.Status, app.Seen.Count));
        }
    }

    [Theory]
    [InlineData("authorization", "AuthorizeAttribute")]
    [InlineData("policy", "Authoriz")]
    [InlineData("host", "HostAttribute")]
    [InlineData("rate", "EnableRateLimitingAttribute")]
    [InlineData("own", "ParkingTests")]
    [InlineData("fallback", "fallback policy")]
    public async Task Application_does_not_start_whose_endpoints_ask_for_what_middleware_holds(string what, string named)
    {
        if (!OperatingSystem.IsLinux()) return;
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => EmbeddingApp.StartAsync(
            "/push",
            services =>
            {
                services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie();
                services.AddAuthorization(options => options.FallbackPolicy = what == "fallback" ? options.DefaultPolicy : null);
            },
            mapped => _ = what switch
            {
                "authorization" => mapped.RequireAuthorization(),
                "policy" => mapped.RequireAuthorization(policy => policy.RequireClaim("a")),
                "host" => mapped.RequireHost("push.example"),
                "rate" => mapped.RequireRateLimiting("a"),
                "own" => mapped.WithMetadata(this),
                _ => mapped,
            }));
        Assert.Contains("UseCCometParking(\"/push\"): ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("/push/sub", failure.Message, StringComparison.Ordinal);
        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Application_starts_whose_endpoints_have_what_decides_nothing()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var app = await EmbeddingApp.StartAsync(
            "/push",
            services =>
            {
                services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie();
                services.AddAuthorization(options => options.FallbackPolicy = options.DefaultPolicy);
                services.AddCors();
            },
            mapped => mapped.AllowAnonymous().RequireCors(policy => policy.AllowAnyOrigin()).WithTags("push"));
        using var raw = await RawHttp.ConnectAsync(app.Port);
        Assert.Equal(200, (await raw.GetAsync("/push/sub?channel=a&wait=0")).Status);
        Assert.Empty(app.Seen);
    }

    [Fact]
    public async Task Path_at_which_nothing_is_mapped_is_told()
    {
        if (!OperatingSystem.IsLinux()) return;
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => EmbeddingApp.StartAsync("/push", parkAt: "/other"));
        Assert.Contains("MapCComet() maps no /other/sub", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("push")]
    [InlineData("/push/")]
    [InlineData("/")]
    [InlineData("/a//b")]
    [InlineData("/../a")]
    [InlineData("/{x}")]
    [InlineData("/\u00fc")]
    public void Path_that_is_none_is_refused(string path) =>
        Assert.Equal("path", Assert.Throws<ArgumentException>(() => WebApplication.CreateBuilder().WebHost.UseCCometParking(path)).ParamName);

    private sealed class Everybody : IChannelAuthorizer
    {
        public ValueTask<AccessDecision> AuthorizeAsync(CallerContext caller, ChannelRight right, string channel, CancellationToken cancellation = default) => ValueTask.FromResult(AccessDecision.Allowed);
    }

    /// <summary>An application with a middleware of its own.</summary>
    private sealed class EmbeddingApp : IAsyncDisposable
    {
        private readonly WebApplication _app;

        private EmbeddingApp(string path, Action<IServiceCollection>? add, Action<IEndpointConventionBuilder>? convene, string? parkAt)
        {
            Port = Ports.Take();
            var builder = WebApplication.CreateBuilder([$"--urls=http://127.0.0.1:{Port}"]);
            builder.Logging.ClearProviders();
            if (parkAt is null) builder.WebHost.UseCCometKestrel();
            else builder.WebHost.UseCCometKestrel().UseCCometParking(parkAt);
            add?.Invoke(builder.Services);
            builder.Services.AddCComet();
            _app = builder.Build();
            _app.Use((context, next) =>
            {
                Seen.Enqueue(context.Request.Path);
                return next(context);
            });
            var mapped = path.Length == 0 ? _app.MapCComet() : _app.MapGroup(path).MapCComet();
            convene?.Invoke(mapped);
        }

        public int Port { get; }

        /// <summary>The requests that its middleware has seen.</summary>
        public ConcurrentQueue<string> Seen { get; } = new();

        public static async Task<EmbeddingApp> StartAsync(string path, Action<IServiceCollection>? add = null, Action<IEndpointConventionBuilder>? convene = null, string? parkAt = null, bool parks = true)
        {
            var app = new EmbeddingApp(path, add, convene, parks ? parkAt ?? path : null);
            try
            {
                await app._app.StartAsync();
            }
            catch
            {
                await app.DisposeAsync();
                throw;
            }

            return app;
        }

        public int Waiting(string channel) => _app.Services.GetRequiredService<ChannelHub>().Find(channel)?.Waiting ?? 0;

        public ValueTask DisposeAsync() => _app.DisposeAsync();
    }
}
