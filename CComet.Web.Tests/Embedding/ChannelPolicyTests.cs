using System.Collections.Concurrent;
using System.Security.Claims;
using System.Text.Encodings.Web;
using CComet.Access;
using CComet.Http;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CComet.Web.Tests.Embedding;

/// <summary>An application's own authorization handler decides who has which right on which channel, at every door.</summary>
public sealed class ChannelPolicyTests
{
    [Theory]
    [InlineData("/sub?channel=a&wait=0", "Subscribe a")]
    [InlineData("/sub?channel=a&channel=b&wait=0", "Subscribe a", "Subscribe b")]
    [InlineData("/sub?channel=a&wait=0&callback=f", "Subscribe a")]
    [InlineData("/pub?channel=a&msg=m", "Publish a")]
    [InlineData("/publish?channel=a&msg=m&callback=f", "Publish a")]
    [InlineData("/sign?channel=a", "Subscribe a", "Publish a")]
    [InlineData("/sse?channel=a", "Subscribe a")]
    [InlineData("/stream?channel=a", "Subscribe a")]
    public async Task Handler_is_asked_for_each_right_on_each_channel(string path, params string[] asked)
    {
        var questions = new Questions();
        await using var app = await StartAsync(builder => Add(builder, questions));
        using var http = ClientOf(app, "ann");
        using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        Assert.True(answer.IsSuccessStatusCode);
        Assert.Equal(asked.Select(a => $"ann: {a}"), questions.Asked);
    }

    [Fact]
    public async Task Handler_is_asked_for_a_WebSocket_and_for_each_publish_on_it()
    {
        var questions = new Questions { MayNot = "Publish a" };
        await using var app = await StartAsync(builder => Add(builder, questions));
        using var socket = await RawSocket.OpenAsync(new Uri(app.Urls.First()).Port, "channel=a", "X-User: ann");
        await socket.ElementsAsync();
        await socket.SendJsonAsync(new { channel = "a", msg = "m" });
        Assert.Equal("403", (await socket.ElementsAsync())[0].GetProperty("type").GetString());
        await socket.SendJsonAsync(new { channel = "b", msg = "m" });
        Assert.Equal("pub", (await socket.ElementsAsync())[0].GetProperty("type").GetString());
        Assert.Equal(["ann: Subscribe a", "ann: Publish a", "ann: Publish b"], questions.Asked);
    }

    [Theory]
    [InlineData("/sub?channel=a&wait=0", "Subscribe a")]
    [InlineData("/sse?channel=a", "Subscribe a")]
    [InlineData("/stream?channel=a", "Subscribe a")]
    [InlineData("/pub?channel=a&msg=m", "Publish a")]
    [InlineData("/sign?channel=a", "Publish a")]
    public async Task Reason_of_the_handler_is_told_to_a_caller_that_it_refuses(string path, string right)
    {
        await using var app = await StartAsync(builder => Add(builder, new Questions { MayNot = right }));
        using var http = ClientOf(app, "ann");
        var answer = await http.AskAsync(path);
        answer.AssertProblem(403, "channel");
        Assert.Equal("channel: the room is closed.", answer.Json.GetProperty("detail").GetString());
    }

    [Fact]
    public async Task Handshake_of_a_WebSocket_that_the_handler_refuses_is_a_403()
    {
        await using var app = await StartAsync(builder => Add(builder, new Questions { MayNot = "Subscribe a" }));
        var (socket, head) = await RawSocket.ShakeHandsAsync(new Uri(app.Urls.First()).Port, "channel=a", [.. RawSocket.Upgrade, "X-User: ann"]);
        using (socket) Assert.StartsWith("HTTP/1.1 403 ", head, StringComparison.Ordinal);
    }

    /// <summary>Handlers of other requirements are none.</summary>
    [Fact]
    public async Task Without_a_handler_of_channels_nothing_is_asked()
    {
        await using var app = await StartAsync(builder => builder.Services.AddSingleton<IAuthorizationHandler, OtherHandler>());
        using var http = ClientOf(app, null);
        Assert.Single((await http.AskAsync("/pub?channel=a&msg=m")).Elements);
    }

    [Fact]
    public async Task Handler_sees_a_caller_without_a_user_as_one()
    {
        var questions = new Questions();
        await using var app = await StartAsync(builder => Add(builder, questions));
        using var http = ClientOf(app, null);
        Assert.Single((await http.AskAsync("/pub?channel=a&msg=m")).Elements);
        Assert.Equal([": Publish a"], questions.Asked);
    }

    [Fact]
    public async Task RequireAuthorization_holds_before_the_handler_is_asked()
    {
        var questions = new Questions();
        await using var app = await StartAsync(builder => Add(builder, questions), requireUser: true);
        using var http = ClientOf(app, null);
        Assert.Equal(401, (await http.AskAsync("/pub?channel=a&msg=m")).Status);
        Assert.Empty(questions.Asked);
        using var ann = ClientOf(app, "ann");
        Assert.Single((await ann.AskAsync("/pub?channel=a&msg=m")).Elements);
        Assert.Single(questions.Asked);
    }

    /// <summary>Such as one that reads a database: each question has a scope of its own, which ends with it.</summary>
    [Fact]
    public async Task Scoped_handler_is_made_and_disposed_of_for_each_question()
    {
        var questions = new Questions();
        await using var app = await StartAsync(builder =>
        {
            builder.Host.UseServiceProviderFactory(new DefaultServiceProviderFactory(new ServiceProviderOptions { ValidateScopes = true }));
            builder.Services.AddSingleton(questions);
            builder.Services.AddScoped<Unit>();
            builder.Services.AddScoped<IAuthorizationHandler, ScopedHandler>();
        });
        using var http = ClientOf(app, "ann");

        // One was made at the start, to see whether there is a handler.
        var before = questions.Disposed;
        for (var i = 0; i < 3; i++) Assert.Single((await http.AskAsync("/pub?channel=a&msg=m")).Elements);
        Assert.Equal(3, questions.Asked.Distinct().Count());
        Assert.Equal(3, questions.Disposed - before);
    }

    [Theory]
    [InlineData("room.1", "Publish room.1", 200)]
    [InlineData("room.1", "", 200)]
    [InlineData("hall", "", 200)]
    [InlineData("hall", "Publish hall", 403)]
    public async Task In_mode_Token_the_grant_or_the_handler_suffices(string channel, string mayNot, int status)
    {
        var questions = new Questions { MayNot = mayNot };
        await using var app = await StartAsync(builder =>
        {
            Add(builder, questions);
            builder.Services.Configure<HubOptions>(hub => hub.Auth.Mode = AuthMode.Token);
        });

        // The user's own claims are its grant.
        using var http = ClientOf(app, "ann");
        http.DefaultRequestHeaders.Add("X-Publish", "room.*");
        var answer = await http.AskAsync("/pub", Asking.Body($$"""{"channel":"{{channel}}","msg":"m"}"""));
        Assert.True(answer.Status == status, $"{answer.Status}: {answer.Text}");
        Assert.Equal(channel == "hall" ? ["ann: Publish hall"] : [], questions.Asked);
        if (status == 403) Assert.Equal("channel: the room is closed.", answer.Json.GetProperty("detail").GetString());
    }

    private static void Add(WebApplicationBuilder builder, Questions questions)
    {
        builder.Services.AddSingleton(questions);
        builder.Services.AddSingleton<IAuthorizationHandler, ChannelHandler>();
    }

    private static HttpClient ClientOf(WebApplication app, string? user)
    {
        var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()), Timeout = Patience.Limit };
        http.DefaultRequestHeaders.Add("Sec-Fetch-Site", "same-origin");
        if (user is not null) http.DefaultRequestHeaders.Add("X-User", user);
        return http;
    }

    private static async Task<WebApplication> StartAsync(Action<WebApplicationBuilder> add, bool requireUser = false)
    {
        var builder = WebApplication.CreateBuilder([$"--urls=http://127.0.0.1:{Ports.Take()}"]);
        builder.Logging.ClearProviders();
        builder.Services.AddAuthentication("header").AddScheme<AuthenticationSchemeOptions, HeaderAuthentication>("header", null);
        builder.Services.AddAuthorization();
        builder.Services.AddCComet();
        add(builder);
        var app = builder.Build();
        app.UseAuthentication();
        app.UseAuthorization();
        if (requireUser) app.MapCComet().RequireAuthorization();
        else app.MapCComet();
        await app.StartAsync();
        return app;
    }

    /// <summary>What was asked, and what is refused.</summary>
    private sealed class Questions
    {
        private int _disposed;

        public ConcurrentQueue<string> Asked { get; } = [];

        public string? MayNot { get; init; }

        public int Disposed => Volatile.Read(ref _disposed);

        public void CountDisposed() => Interlocked.Increment(ref _disposed);
    }

    private sealed class ChannelHandler(Questions questions) : AuthorizationHandler<ChannelRequirement, string>
    {
        protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, ChannelRequirement requirement, string resource)
        {
            var question = $"{requirement.Right} {resource}";
            questions.Asked.Enqueue($"{context.User.Identity?.Name}: {question}");
            if (question == questions.MayNot) context.Fail(new AuthorizationFailureReason(this, "the room is closed."));
            else context.Succeed(requirement);
            return Task.CompletedTask;
        }
    }

    /// <summary>What a request to a database would have.</summary>
    private sealed class Unit(Questions questions) : IDisposable
    {
        public Guid Id { get; } = Guid.NewGuid();

        public void Dispose() => questions.CountDisposed();
    }

    private sealed class ScopedHandler(Questions questions, Unit unit) : AuthorizationHandler<ChannelRequirement, string>
    {
        protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, ChannelRequirement requirement, string resource)
        {
            questions.Asked.Enqueue($"{unit.Id}");
            context.Succeed(requirement);
            return Task.CompletedTask;
        }
    }

    private sealed class OtherRequirement : IAuthorizationRequirement;

    private sealed class OtherHandler : AuthorizationHandler<OtherRequirement, string>
    {
        protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, OtherRequirement requirement, string resource) =>
            throw new InvalidOperationException("It is not asked.");
    }

    /// <summary>The header X-User is the user's name, and X-Publish a right of it.</summary>
    private sealed class HeaderAuthentication(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            var name = Request.Headers["X-User"].ToString();
            if (name.Length == 0) return Task.FromResult(AuthenticateResult.NoResult());
            var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, name), new Claim(ClaimTypes.NameIdentifier, name)], Scheme.Name);
            if (Request.Headers["X-Publish"] is { Count: > 0 } right) identity.AddClaim(new Claim("ccomet:publish", right.ToString()));
            return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name)));
        }
    }
}
