using CComet.Http;
using CComet.Limits;
using CComet.Messages;
using CComet.Storage;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Http;

/// <summary><c>/health/live</c> and <c>/health/ready</c>: what a probe is told.</summary>
public sealed class HealthTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly Store _store = new();

    private CCometFactory Factory => new(_time, "CComet:Limits:Subscribers=1") { OnServices = services => services.AddSingleton<IMessageStore>(_store) };

    [Fact]
    public async Task Store_that_is_away_is_named_and_live_does_not_ask_it()
    {
        await using var factory = Factory;
        using var http = factory.CreateClient();
        Assert.Equal(200, (await http.AskAsync("/health/ready")).Status);
        _store.Check = () => throw new StoreUnavailableException("The disk is full.");
        var ready = await http.AskAsync("/health/ready");
        ready.AssertProblem(503);
        Assert.Equal(("1", "Store unavailable", "The disk is full."), (ready.Header("Retry-After"), ready.Json.GetProperty("title").GetString(), ready.Json.GetProperty("detail").GetString()));
        Assert.Equal(["store"], Names(ready, "failing"));
        Assert.False(ready.Json.TryGetProperty("limits", out _));

        var asked = _store.Checks;
        Assert.Equal("""{"status":"ok"}""" + "\n", (await http.AskAsync("/health/live")).Text);
        Assert.Equal(asked, _store.Checks);
        _store.Check = () => ValueTask.CompletedTask;
        Assert.Equal(200, (await http.AskAsync("/health/ready")).Status);
    }

    [Fact]
    public async Task Store_that_hangs_is_failing_once_its_time_is_over()
    {
        await using var factory = Factory;
        using var http = factory.CreateClient();
        var hangs = new TaskCompletionSource();
        _store.Check = () => new ValueTask(hangs.Task);
        var answer = await _time.UntilAsync(http.AskAsync("/health/ready"), HealthEndpoints.StoreTimeout);
        Assert.Equal(["store"], Names(answer, "failing"));
        Assert.Contains("5 s", answer.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(200, (await http.AskAsync("/health/live")).Status);
        hangs.SetResult();
    }

    [Fact]
    public async Task All_that_is_wrong_is_named_at_once()
    {
        await using var factory = Factory;
        using var http = factory.CreateClient();
        using (await factory.Operations.SubscribeAsync(default, [new ChannelStart("c", Cursor.None)], null))
            (await http.PeekAsync("c")).AssertProblem(429, "channel");
        Assert.Equal(["Limits:Subscribers"], Names(await http.AskAsync("/health/ready"), "limits"));

        factory.Hub.BeginDrain();
        var drains = await http.AskAsync("/health/ready");
        drains.AssertProblem(503);
        Assert.Equal(["drain"], Names(drains, "failing"));
        Assert.Equal(["Limits:Subscribers"], Names(drains, "limits"));

        _store.Check = () => throw new StoreUnavailableException("The disk is full.");
        var both = await http.AskAsync("/health/ready");
        both.AssertProblem(503);
        Assert.Equal(["drain", "store"], Names(both, "failing"));
        Assert.Equal("Draining", both.Json.GetProperty("title").GetString());
        Assert.EndsWith(" The disk is full.", both.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        _time.Advance(LimitMonitor.Interval);
        Assert.False((await http.AskAsync("/health/ready")).Json.TryGetProperty("limits", out _));
        Assert.Equal(200, (await http.AskAsync("/health/live")).Status);
    }

    private static string[] Names(Answer answer, string member) => [.. answer.Json.GetProperty(member).EnumerateArray().Select(name => name.GetString()!)];

    /// <summary>The memory store, whose check is the test's.</summary>
    private sealed class Store : IMessageStore
    {
        private readonly MemoryStore _inner = HubFixture.NewStore(new HubOptions(), TimeProvider.System);
        private int _checks;

        public Func<ValueTask> Check { get; set; } = () => ValueTask.CompletedTask;

        public int Checks => Volatile.Read(ref _checks);

        public ValueTask<IReadOnlyList<Receipt>> AppendAsync(IReadOnlyList<NewMessage> messages, CancellationToken cancellation = default) => _inner.AppendAsync(messages, cancellation);

        public ValueTask<LogSlice> ReadAsync(string channel, long from, long maxBytes, CancellationToken cancellation = default) => _inner.ReadAsync(channel, from, maxBytes, cancellation);

        public ValueTask FollowAsync(string channel, ILogListener listener, CancellationToken cancellation = default) => _inner.FollowAsync(channel, listener, cancellation);

        public void Unfollow(string channel, ILogListener listener) => _inner.Unfollow(channel, listener);

        public ValueTask SweepAsync(CancellationToken cancellation = default) => _inner.SweepAsync(cancellation);

        public ValueTask CheckAsync(CancellationToken cancellation = default)
        {
            Interlocked.Increment(ref _checks);
            return Check();
        }
    }
}
