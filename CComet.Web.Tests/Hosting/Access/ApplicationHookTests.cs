using System.Net;
using CComet.Access;
using CComet.Diagnostics;
using CComet.Web.Hosting.Access;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Hosting.Access;

/// <summary>What the application is asked, what counts as its answer, and how much it is asked at most.</summary>
public sealed class ApplicationHookTests : IAsyncLifetime
{
    private static readonly CallerContext Ann = new(IPAddress.Parse("192.0.2.7")) { Grant = new Grant(new GrantRights([]), "ann", id: 1), Origin = "https://shop.example" };

    private readonly FakeTimeProvider _time = new();
    private readonly LogLines<ApplicationHook> _log = new();
    private HookApplication _application = null!;

    public async Task InitializeAsync() => _application = await HookApplication.StartAsync();

    public async Task DisposeAsync() => await _application.DisposeAsync();

    [Fact]
    public async Task Application_is_asked_for_the_right_the_channel_and_the_caller()
    {
        await using var hook = Create();
        Assert.True((await AskAsync(hook, Ann, "room.1")).IsAllowed);
        Assert.Equal("""{"verb":"subscribe","channel":"room.1","user":"ann","ip":"192.0.2.7","origin":"https://shop.example"}""", Assert.Single(_application.Asked).GetRawText());
        Assert.Equal("application/json; charset=utf-8", Assert.Single(_application.Headers).ContentType);
        Assert.DoesNotContain("Authorization", Assert.Single(_application.Headers).Keys);
    }

    [Fact]
    public async Task Caller_without_a_name_an_address_and_an_origin_is_asked_for_as_such()
    {
        await using var hook = Create();
        await AskAsync(hook, new CallerContext(null) { Grant = Anonymous() }, "c", ChannelRight.Publish);
        await AskAsync(hook, new CallerContext(IPAddress.Parse("::ffff:192.0.2.7")) { Grant = Anonymous() }, "c", ChannelRight.Publish);
        Assert.Equal(
            [
                """{"verb":"publish","channel":"c","user":null,"ip":null,"origin":null}""",
                """{"verb":"publish","channel":"c","user":null,"ip":"192.0.2.7","origin":null}""",
            ],
            _application.Asked.Select(asked => asked.GetRawText()));
    }

    [Fact]
    public async Task User_and_password_of_the_address_are_sent_as_basic_and_logged_nowhere()
    {
        _application.Answer = HookApplication.Saying("no", StatusCodes.Status500InternalServerError);
        await using var hook = Create($"CComet:Auth:Hook:Url={_application.Url.Replace("//", "//shop:s3%2Fcret@", StringComparison.Ordinal)}");
        var failure = await Assert.ThrowsAsync<AccessUnavailableException>(() => AskAsync(hook, Ann, "c"));
        Assert.Equal("Basic c2hvcDpzMy9jcmV0", Assert.Single(_application.Headers).Authorization);
        Assert.DoesNotContain(_log.Lines.Append(failure.ToString()), line => line.Contains("127.0.0.1", StringComparison.Ordinal) || line.Contains("cret", StringComparison.Ordinal) || line.Contains("/may", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"allow":false,"reason":"The room is full."}""", "The room is full.")]
    [InlineData("""{"allow":false,"reason":"a\u0000\nb"}""", "a  b")]
    [InlineData("""{"allow":false}""", null)]
    [InlineData("""{"allow":false,"reason":"","more":[1]}""", null)]
    public async Task Refusal_has_the_applications_reason(string answer, string? reason)
    {
        _application.Answer = HookApplication.Saying(answer, StatusCodes.Status202Accepted);
        await using var hook = Create();
        var decision = await AskAsync(hook, Ann, "c");
        Assert.False(decision.IsAllowed);
        Assert.Equal(reason, decision.Reason);
    }

    [Fact]
    public async Task Reason_is_bounded()
    {
        _application.Answer = HookApplication.Saying($$"""{"allow":false,"reason":"{{new string('x', 10_000)}}"}""");
        await using var hook = Create();
        Assert.Equal(300, (await AskAsync(hook, Ann, "c")).Reason!.Length);
    }

    [Theory]
    [InlineData("", 60)]
    [InlineData(""","cacheSeconds":5""", 5)]
    [InlineData(""","cacheSeconds":0.5""", 0.5)]
    [InlineData(""","cacheSeconds":1e300""", 3600)]
    public async Task Answer_holds_as_long_as_it_says_within_the_bounds(string member, double seconds)
    {
        _application.Answer = HookApplication.Saying($$"""{"allow":false{{member}}}""");
        await using var hook = Create();
        await AskAsync(hook, Ann, "c");
        _time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromTicks(1));
        Assert.False((await AskAsync(hook, Ann, "c")).IsAllowed);
        Assert.Single(_application.Asked);

        _application.Answer = HookApplication.Saying("""{"allow":true}""");
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.True((await AskAsync(hook, Ann, "c")).IsAllowed);
        Assert.Equal(2, _application.Asked.Count);
    }

    [Fact]
    public async Task Answer_that_is_remembered_is_there_at_once()
    {
        await using var hook = Create();
        await AskAsync(hook, Ann, "c");
        Assert.True(hook.Hook.AskAsync(Ann, ChannelRight.Subscribe, "c", default).AsTask().IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Answer_counts_for_one_grant_right_and_channel_and_for_one_address_and_origin_of_a_caller_without_a_name()
    {
        await using var hook = Create();
        var anonymous = new CallerContext(IPAddress.Parse("192.0.2.7")) { Grant = Anonymous(), Origin = "https://shop.example" };
        (CallerContext Caller, string Channel, ChannelRight Right)[] differing =
        [
            (Ann, "c", ChannelRight.Subscribe),
            (Ann, "c", ChannelRight.Publish),
            (Ann, "d", ChannelRight.Subscribe),
            (Ann with { Grant = new Grant(new GrantRights([]), "ann", id: 2) }, "c", ChannelRight.Subscribe),
            (Ann with { Grant = new Grant(new GrantRights([]), "bob", id: 1) }, "c", ChannelRight.Subscribe),
            (anonymous, "c", ChannelRight.Subscribe),
            (anonymous with { Address = IPAddress.Parse("192.0.2.8") }, "c", ChannelRight.Subscribe),
            (anonymous with { Origin = "https://other.example" }, "c", ChannelRight.Subscribe),
        ];
        for (var round = 0; round < 2; round++)
        {
            foreach (var (caller, channel, right) in differing) await AskAsync(hook, caller, channel, right);
            Assert.Equal(differing.Length, _application.Asked.Count);
        }

        await AskAsync(hook, Ann with { Address = IPAddress.Parse("192.0.2.8"), Origin = null, Grant = new Grant(new GrantRights([]), "ann", id: 1) }, "c");
        Assert.Equal(differing.Length, _application.Asked.Count);
    }

    [Theory]
    [InlineData(500, """{"allow":true}""", "it answered 500")]
    [InlineData(401, """{"allow":true}""", "it answered 401")]
    [InlineData(204, "", "not of the form")]
    [InlineData(200, "", "not of the form")]
    [InlineData(200, "true", "not of the form")]
    [InlineData(200, "null", "not of the form")]
    [InlineData(200, "<html>", "not of the form")]
    [InlineData(200, """{"allow":"true"}""", "not of the form")]
    [InlineData(200, """{"Allow":true}""", "not of the form")]
    [InlineData(200, """{"reason":"x"}""", "not of the form")]
    [InlineData(200, """{"allow":null}""", "not of the form")]
    [InlineData(200, """{"allow":true,"allow":false}""", "not of the form")]
    [InlineData(200, """{"allow":true,"cacheSeconds":-1}""", "not of the form")]
    [InlineData(200, """{"allow":true,"cacheSeconds":"60"}""", "not of the form")]
    [InlineData(200, """{"allow":false,"reason":7}""", "not of the form")]
    [InlineData(200, """{"allow":false,"reason":"\ud800"}""", "not of the form")]
    [InlineData(200, """{"allow":true}{"allow":true}""", "not of the form")]
    public async Task Anything_but_an_answer_is_unavailable_and_logged(int status, string answer, string reason)
    {
        _application.Answer = context => status == 204 ? Task.FromResult(context.Response.StatusCode = 204) : HookApplication.Saying(answer, status)(context);
        await using var hook = Create();
        var failure = await Assert.ThrowsAsync<AccessUnavailableException>(() => AskAsync(hook, Ann, "c"));
        Assert.Equal("Whether you may cannot be decided now: the application gives no answer.", failure.Message);
        Assert.Contains(reason, Assert.Single(_log.Lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(16 << 10, true)]
    [InlineData((16 << 10) + 1, false)]
    public async Task Answer_is_read_up_to_its_bound(int length, bool isRead)
    {
        _application.Answer = HookApplication.Saying("""{"allow":true}""".PadRight(length));
        await using var hook = Create();
        if (isRead) Assert.True((await AskAsync(hook, Ann, "c")).IsAllowed);
        else await Assert.ThrowsAsync<AccessUnavailableException>(() => AskAsync(hook, Ann, "c"));
        Assert.Equal(isRead ? 0 : 1, _log.Count("longer than 16384 bytes"));
    }

    [Fact]
    public async Task Redirect_is_not_followed()
    {
        await using var elsewhere = await HookApplication.StartAsync();
        _application.Answer = context =>
        {
            context.Response.Redirect(elsewhere.Url, permanent: false, preserveMethod: true);
            return Task.CompletedTask;
        };
        await using var hook = Create();
        await Assert.ThrowsAsync<AccessUnavailableException>(() => AskAsync(hook, Ann, "c"));
        Assert.Equal(1, _log.Count("it answered 307"));
        Assert.Empty(elsewhere.Asked);
    }

    [Fact]
    public async Task Application_that_is_away_is_unavailable()
    {
        await using var hook = Create($"CComet:Auth:Hook:Url=http://127.0.0.1:{Ports.Take()}/may");
        await Assert.ThrowsAsync<AccessUnavailableException>(() => AskAsync(hook, Ann, "c"));
        Assert.Equal(1, _log.Count("it cannot be reached (ConnectionError)"));
    }

    [Fact]
    public async Task Application_that_is_late_is_unavailable_for_everyone_who_waits_for_it()
    {
        _application.Answer = context => Task.Delay(Timeout.Infinite, context.RequestAborted);
        await using var hook = Create();
        var asking = Enumerable.Range(0, 3).Select(_ => AskAsync(hook, Ann, "c")).ToArray();
        await Eventually.TrueAsync(() => _application.Asked.Count == 1, "The question");
        _time.Advance(TimeSpan.FromSeconds(1) - TimeSpan.FromTicks(1));
        Assert.All(asking, asked => Assert.False(asked.IsCompleted));
        _time.Advance(TimeSpan.FromTicks(1));
        foreach (var asked in asking) await Assert.ThrowsAsync<AccessUnavailableException>(() => asked);
        Assert.Equal(1, _log.Count("in time"));
    }

    [Fact]
    public async Task Question_that_got_no_answer_is_not_asked_again_for_a_moment()
    {
        _application.Answer = HookApplication.Saying("", StatusCodes.Status503ServiceUnavailable);
        await using var hook = Create();
        for (var i = 0; i < 3; i++) await Assert.ThrowsAsync<AccessUnavailableException>(() => AskAsync(hook, Ann, "c"));
        Assert.Single(_application.Asked);

        _application.Answer = HookApplication.Saying("""{"allow":true}""");
        Assert.True((await AskAsync(hook, Ann, "other")).IsAllowed);
        _time.Advance(ApplicationHook.PauseAfterFailure);
        Assert.True((await AskAsync(hook, Ann, "c")).IsAllowed);
    }

    [Fact]
    public async Task Equal_questions_are_asked_once_and_a_client_that_goes_takes_the_answer_from_nobody()
    {
        var release = new TaskCompletionSource();
        _application.Answer = async context =>
        {
            await release.Task;
            await HookApplication.Saying("""{"allow":true}""")(context);
        };
        await using var hook = Create();
        using var gone = new CancellationTokenSource();
        var first = hook.Hook.AskAsync(Ann, ChannelRight.Subscribe, "c", gone.Token).AsTask();
        var others = Enumerable.Range(0, 20).Select(_ => AskAsync(hook, Ann, "c")).ToArray();
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        release.SetResult();
        Assert.All(await Task.WhenAll(others), decision => Assert.True(decision.IsAllowed));
        Assert.Single(_application.Asked);
    }

    [Fact]
    public async Task Questions_under_way_are_bounded_and_so_are_those_that_wait()
    {
        var release = new TaskCompletionSource();
        var (underWay, most) = (0, 0);
        _application.Answer = async context =>
        {
            var now = Interlocked.Increment(ref underWay);
            InterlockedMax(ref most, now);
            await release.Task;
            Interlocked.Decrement(ref underWay);
            await HookApplication.Saying("""{"allow":true}""")(context);
        };
        await using var hook = Create("CComet:Auth:Hook:MaxConcurrent=2", "CComet:Auth:Hook:MaxWaiting=3");
        var asking = Enumerable.Range(0, 5).Select(i => AskAsync(hook, Ann, $"{i}")).ToArray();
        var refused = await Assert.ThrowsAsync<AccessUnavailableException>(() => AskAsync(hook, Ann, "5"));
        Assert.Equal("Whether you may cannot be decided now: too much is asked of the application.", refused.Message);
        await Eventually.TrueAsync(() => _application.Asked.Count == 2, "The questions under way");
        release.SetResult();
        Assert.All(await Task.WhenAll(asking), decision => Assert.True(decision.IsAllowed));
        Assert.Equal(5, _application.Asked.Count);
        Assert.InRange(most, 1, 2);
    }

    [Fact]
    public void Answers_are_bounded_and_those_in_use_outlive_a_flood()
    {
        var answers = new HookAnswers<string>(10);
        var used = HookQuestion.Create(Ann, ChannelRight.Subscribe, "used");
        for (var i = 0; i < 1_000; i++)
        {
            answers.GetOrAdd(HookQuestion.Create(Ann, ChannelRight.Subscribe, $"{i}"), _ => true, () => "");
            var (entry, isNew) = answers.GetOrAdd(used, _ => true, () => "kept");
            Assert.Equal(("kept", i == 0), (entry, isNew));
            Assert.InRange(answers.Count, 1, 10);
        }

        Assert.True(answers.GetOrAdd(HookQuestion.Create(Ann, ChannelRight.Subscribe, "0"), _ => true, () => "").IsNew);
        Assert.True(answers.GetOrAdd(used, _ => false, () => "").IsNew);
    }

    [Fact]
    public async Task Server_has_a_hook_only_where_an_address_is_given()
    {
        await using (var without = new CCometFactory()) Assert.Null(without.Services.GetService<IAccessHook>());
        await using var with = new CCometFactory($"CComet:Auth:Hook:Url={_application.Url}");
        Assert.True((await with.Services.GetRequiredService<IAccessHook>().AskAsync(Ann, ChannelRight.Subscribe, "c", default)).IsAllowed);
    }

    private static Grant Anonymous() => new(new GrantRights([]));

    private static async Task<AccessDecision> AskAsync(Asking hook, CallerContext caller, string channel, ChannelRight right = ChannelRight.Subscribe) =>
        await hook.Hook.AskAsync(caller, right, channel, default);

    private static void InterlockedMax(ref int most, int value)
    {
        for (var seen = Volatile.Read(ref most); seen < value; seen = Volatile.Read(ref most)) Interlocked.CompareExchange(ref most, value, seen);
    }

    private Asking Create(params string[] settings)
    {
        var configuration = new ConfigurationManager { ["CComet:Auth:Hook:Url"] = _application.Url };
        foreach (var setting in settings.Select(s => s.Split('=', 2))) configuration[setting[0]] = setting[1];
        var services = new ServiceCollection().AddSingleton<TimeProvider>(_time).AddSingleton<ILogger<ApplicationHook>>(_log).AddMetrics().AddSingleton<HubMetrics>();
        services.AddOptions<HubOptions>().Bind(configuration.GetSection("CComet"));
        ApplicationHook.Register(services, configuration.GetSection("CComet"));
        return new Asking(services.BuildServiceProvider());
    }

    /// <summary>The hook in a container of its own.</summary>
    private sealed class Asking(ServiceProvider services) : IAsyncDisposable
    {
        public IAccessHook Hook { get; } = services.GetRequiredService<IAccessHook>();

        public ValueTask DisposeAsync() => services.DisposeAsync();
    }
}
