using CComet.Diagnostics;
using CComet.Storage;
using CComet.Web.Tests.Support;
using CComet.Webhooks;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Webhooks;

/// <summary>Two nodes and one store: one of them posts at a time, also when the other was paused at the worst moment.</summary>
public sealed class WebhookLeaseTests : IDisposable
{
    private static readonly WebhookOptions Hook = new() { Name = "app", Url = "https://app.example", Channels = ["*"], Secret = [WebhookReceiver.Secret] };

    private readonly CancellationTokenSource _stop = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(50));
    private readonly MemoryStore _store;
    private readonly List<string> _posted = [];

    public WebhookLeaseTests() => _store = HubFixture.NewStore(new HubOptions(), _time);

    public void Dispose() => _stop.Dispose();

    [Fact]
    public async Task Node_paused_before_it_posts_posts_nothing_once_another_has_the_lease()
    {
        var pause = new TaskCompletionSource();
        var isPaused = new TaskCompletionSource();
        var first = Create("A", beforeBody: () =>
        {
            isPaused.SetResult();
            return pause.Task;
        });
        var second = Create("B");
        Assert.True(await first.BeginAsync(default));
        Append("one");
        var running = first.RunAsync(_stop.Token);
        await isPaused.Task;

        // It stands still; the other one waits for the lease to run out.
        Assert.False(await second.BeginAsync(default));
        _time.Advance(WebhookLease.Life);
        var other = second.RunAsync(_stop.Token);
        await Eventually.TrueAsync(() => Posted.Count == 1, "The post of the second node");

        pause.SetResult();
        Append("two");
        await TurnAsync(() => Posted.Count == 2);
        Assert.Equal(["B 2: one", "B 2: two"], Posted);
        await StopAsync(running, other);
    }

    [Fact]
    public async Task Cursor_of_a_node_paused_while_it_posts_does_not_overwrite_that_of_the_next()
    {
        var pause = new TaskCompletionSource();
        var first = Create("A", afterBody: () => pause.Task);
        var second = Create("B");
        Assert.True(await first.BeginAsync(default));
        Append("one");
        var running = first.RunAsync(_stop.Token);
        await Eventually.TrueAsync(() => Posted.Count == 1, "The post of the first node");
        _time.Advance(WebhookLease.Life);
        var other = second.RunAsync(_stop.Token);
        await Eventually.TrueAsync(() => Posted.Count == 2, "The post of the second node");
        Append("two");
        Assert.True(second.TryWake("c"));
        await TurnAsync(() => Posted.Count == 3);

        // The answer to its own post arrives now.
        pause.SetResult();
        await Eventually.TrueAsync(() => !first.IsHeld, "Giving up of the first node");
        Append("three");
        Assert.True(second.TryWake("c"));
        await TurnAsync(() => Posted.Count == 4);
        Assert.Equal(["A 1: one", "B 2: one", "B 2: two", "B 2: three"], Posted);
        Assert.Equal(3, (await _store.ReadCursorsAsync("app")).Single(cursor => cursor.Log == "c").Seqid);
        await StopAsync(running, other);
    }

    [Fact]
    public async Task Node_that_stops_hands_over_at_once()
    {
        var first = Create("A");
        var second = Create("B");
        using var stop = new CancellationTokenSource();
        Assert.True(await first.BeginAsync(default));
        var running = first.RunAsync(stop.Token);
        await stop.CancelAsync();
        await running;
        Assert.True(await second.BeginAsync(default));
    }

    private IReadOnlyList<string> Posted
    {
        get
        {
            lock (_posted) return [.. _posted];
        }
    }

    private WebhookRunner Create(string node, Func<Task>? beforeBody = null, Func<Task>? afterBody = null) =>
        new(Hook, _store, new Sender(this, node, beforeBody, afterBody), node, new WebhookCounts("app"), _time, NullLogger.Instance);

    private void Append(string text) => _store.Append([HubFixture.NewMessage("c", text)]);

    /// <summary>Turns the clock on until something has happened.</summary>
    private Task TurnAsync(Func<bool> condition) => _time.UntilAsync(condition, TimeSpan.FromSeconds(1), "What the clock brings");

    private async Task StopAsync(params Task[] running)
    {
        await _stop.CancelAsync();
        await Task.WhenAll(running);
    }

    /// <summary>A sender that can be paused as a process can: just before the first byte, and before it sees the answer.</summary>
    private sealed class Sender(WebhookLeaseTests test, string node, Func<Task>? beforeBody, Func<Task>? afterBody) : IWebhookSender
    {
        public async Task<WebhookAnswer> SendAsync(WebhookOptions hook, WebhookPost post, CancellationToken cancellation)
        {
            if (beforeBody is not null) await beforeBody();
            if (!post.MayStart()) return new WebhookAnswer("the lease was over");
            var json = System.Text.Json.JsonDocument.Parse(post.Body).RootElement;
            lock (test._posted) test._posted.Add($"{node} {json.GetProperty("generation")}: {string.Join(", ", json.GetProperty("events").EnumerateArray().Select(one => one.GetProperty("msg").GetString()))}");
            if (afterBody is not null) await afterBody();
            return default;
        }
    }
}
