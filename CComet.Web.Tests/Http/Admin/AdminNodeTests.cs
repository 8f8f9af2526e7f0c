using System.Text.Json;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Http.Admin;

/// <summary>What an administrator sees of nodes, and does to them.</summary>
public sealed class AdminNodeTests
{
    private const string Quiet = "CComet:Stream:Heartbeat=00:05:00";

    [Fact]
    public async Task Nodes_know_each_other_and_do_what_is_asked_at_one_of_them()
    {
        await using var redis = await RedisServer.StartAsync();
        string[] settings = [Quiet, "CComet:Store:Kind=Redis", $"CComet:Store:Redis={redis.Address}"];
        await using var one = await LiveServer.StartAsync(settings);
        await using var two = await LiveServer.StartAsync(settings);
        using var follower = await Follower.OpenAsync("/stream", two.Port, "channel=a&sname=ann");
        await Eventually.TrueAsync(async () => (await NodesAsync(one)).Count == 2 && (await NodesAsync(two)).Count == 2, "Both know both");
        var (own, other) = ((await NodesAsync(one))[0], (await NodesAsync(one))[1]);
        Assert.True(own.GetProperty("self").GetBoolean());
        Assert.False(other.TryGetProperty("self", out _));
        Assert.Equal((await NodesAsync(two))[0].Text("node"), other.Text("node"));
        Assert.NotEqual(own.Text("node"), other.Text("node"));

        // A channel of the other node is known here, and its subscribers are counted there.
        var told = (await one.Http.AskAsync("/admin/channels/a")).Json;
        Assert.Equal((1L, 0L), (told.GetProperty("subscribers").Number("stream"), told.GetProperty("here").Number("total")));
        (await one.Http.AskAsync("/admin/channels/none")).AssertProblem(404, "channel");

        Assert.Equal(0, (await one.Http.PostAsync("/admin/kick", """{"user":"ann"}""")).Json.Number("connections"));
        Assert.Equal("kicked", (await follower.ElementAsync()).Text("reason"));
        using var again = await Follower.OpenAsync("/sse", two.Port, "channel=a");
        Assert.Equal(200, (await one.Http.PostAsync("/admin/channels/a/close")).Status);
        Assert.Equal("CLOSE", (await again.ElementAsync()).Text("type"));
        using var third = await Follower.OpenAsync("/ws", two.Port, "channel=b");
        Assert.Equal(0, (await one.Http.PostAsync("/admin/broadcast", """{"msg":"all"}""")).Json.Number("channels"));
        Assert.Equal("all", (await third.ElementAsync()).Text("msg"));
        await one.Http.PostAsync("/admin/kick", """{"channel":"b"}""");
        Assert.Equal("kicked", (await third.ElementAsync()).Text("reason"));

        // The other is drained from here, and says so.
        using var last = await Follower.OpenAsync("/stream", two.Port, "channel=c");
        Assert.Equal(200, (await one.Http.PostAsync("/admin/drain", $$"""{"node":"{{other.Text("node")}}"}""")).Status);
        Assert.Equal("BYE", (await last.ElementAsync()).Text("type"));
        await Eventually.TrueAsync(async () => (await NodesAsync(one))[1].GetProperty("draining").GetBoolean(), "It is told");
        Assert.Equal((200, 503), ((await one.Http.AskAsync("/health/ready")).Status, (await two.Http.AskAsync("/health/ready")).Status));
        Assert.Equal(2, (await NodesAsync(two)).Count);
    }

    [Fact]
    public async Task Drain_sends_subscribers_away_and_the_process_stays()
    {
        await using var server = await LiveServer.StartAsync(Quiet);
        using var stream = await Follower.OpenAsync("/stream", server.Port, "channel=a");
        var poll = server.Http.AskAsync("/sub?channel=a");
        await server.WaitingAsync("a", 2);
        Assert.True((await server.Http.PostAsync("/admin/drain")).Json.GetProperty("draining").GetBoolean());
        var bye = await stream.ElementAsync();
        Assert.Equal("BYE", bye.Text("type"));
        Assert.False(bye.TryGetProperty("reason", out _));
        Assert.Empty((await poll).Elements);
        (await server.Http.AskAsync("/health/ready")).AssertProblem(503);
        (await server.Http.AskAsync("/sub?channel=a&wait=0")).AssertProblem(503);
        Assert.Equal(200, (await server.Http.AskAsync("/health/live")).Status);
        await Eventually.TrueAsync(async () => (await server.Http.AskAsync("/admin/stats")).Json.GetProperty("drain").Number("left") == 0, "All have left");
        Assert.Equal(2, (await server.Http.AskAsync("/admin/stats")).Json.GetProperty("drain").Number("of"));
        Assert.Equal(200, (await server.Http.PostAsync("/admin/drain")).Status);
        Assert.Equal(200, (await server.Http.AskAsync("/pub?channel=a&msg=m")).Status);
    }

    /// <summary>No word of five seconds is waited for: a drain is followed from afar while it goes on.</summary>
    [Fact]
    public async Task Other_nodes_are_told_how_many_are_left_within_a_second_of_a_drain()
    {
        await using var redis = await RedisServer.StartAsync();
        var (time, grace) = (new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50)), TimeSpan.FromMinutes(10));
        string[] settings = [Quiet, "CComet:Store:Kind=Redis", $"CComet:Store:Redis={redis.Address}"];
        await using var one = await LiveServer.StartAsync(0, new CCometFactory(time, settings));
        await using var two = await LiveServer.StartAsync(0, new CCometFactory(time, [.. settings, $"CComet:Drain:Grace={grace}"]));
        Follower[] followers = [await Follower.OpenAsync("/stream", two.Port, "channel=a"), await Follower.OpenAsync("/sse", two.Port, "channel=a")];
        await Eventually.TrueAsync(async () => (await NodesAsync(one)).Count == 2 && (await NodesAsync(two)).Count == 2, "Both know both");
        Assert.False((await NodesAsync(one))[1].TryGetProperty("drain", out _));
        await one.Http.PostAsync("/admin/drain", $$"""{"node":"{{(await NodesAsync(one))[1].Text("node")}}"}""");
        await ToldAsync(2);
        for (var left = 1; left >= 0; left--)
        {
            followers[left].Dispose();
            await Eventually.TrueAsync(() => two.Hub.SubscriberCount == left, "It has left");
            time.Advance(TimeSpan.FromSeconds(1));
            await ToldAsync(left);
        }

        time.Advance(grace);

        Task ToldAsync(int left) => Eventually.TrueAsync(
            async () => (await NodesAsync(one))[1].TryGetProperty("drain", out var drain) && (drain.Number("left"), drain.Number("of")) == (left, 2), $"{left} of 2 are left");
    }

    [Fact]
    public async Task Figures_are_those_of_the_node_and_come_each_second()
    {
        await using var server = await LiveServer.StartAsync(Quiet);
        using var figures = await OpenAnswer.GetAsync($"{server.Url}/admin/stats/stream");
        Assert.Equal(0, (await figures.DataAsync()).Data.Number("published"));
        using var follower = await Follower.OpenAsync("/stream", server.Port, "channel=a");
        await server.PublishAsync("a", "m");
        await follower.ElementAsync();
        using var reset = await Follower.OpenAsync("/stream", server.Port, "channel=a&seqid=5&epoch=another");
        await reset.ElementAsync();
        JsonElement told;
        do told = (await figures.DataAsync()).Data;
        while (told.Number("resets") == 0);
        Assert.Equal((1L, 2L, 1L, 0L), (told.Number("published"), told.GetProperty("subscribers").Number("stream"), told.Number("channels"), told.Number("gaps")));
        Assert.InRange(told.Number("delivered"), 1, 2);
        Assert.False(told.GetProperty("draining").GetBoolean());
        foreach (var memory in (string[])["process", "heap"]) Assert.InRange(told.GetProperty("memory").Number(memory), 1, long.MaxValue);
    }

    [Fact]
    public async Task Stream_of_figures_ends_when_its_right_is_revoked()
    {
        await using var server = await TokenServer.StartAsync(TimeProvider.System);
        using var figures = await OpenAnswer.GetAsync($"{server.Live.Url}/admin/stats/stream", ("Authorization", $"Bearer {server.TokenOf("op", "admin=*")}"));
        await figures.DataAsync();
        Assert.Equal(200, (await server.AskAsync(server.TokenOf("root", "admin=*"), "/admin/revoke", Asking.Body("""{"sub":"op"}"""))).Status);
        await figures.RestAsync();
    }

    [Theory]
    [InlineData("subscribe=room.*", "subscribe", "room.1", true, "claim ccomet:subscribe")]
    [InlineData("subscribe=room.*", "publish", "room.1", false, null)]
    [InlineData(null, "publish", "room.1", false, null)]
    public async Task Explanation_names_the_claim_or_what_is_missing(string? right, string verb, string channel, bool isAllowed, string? by)
    {
        await using var server = await TokenServer.StartAsync();
        var token = right is null ? "" : $",\"token\":\"{server.TokenOf("ann", right)}\"";
        var told = (await server.AskAsync(server.TokenOf("op", "admin=*"), "/admin/explain", Asking.Body($$"""{"verb":"{{verb}}","channel":"{{channel}}"{{token}}}"""))).Json;
        Assert.Equal((isAllowed, by), (told.GetProperty("allowed").GetBoolean(), told.Text("by")));
        if (!isAllowed) Assert.Contains("ccomet:publish", told.Text("reason"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explanation_says_of_a_revoked_token_that_it_is()
    {
        await using var server = await TokenServer.StartAsync();
        var (op, ann) = (server.TokenOf("op", "admin=*"), server.TokenOf("ann", "subscribe=*"));
        await server.AskAsync(op, "/admin/revoke", Asking.Body("""{"sub":"ann"}"""));
        var told = (await server.AskAsync(op, "/admin/explain", Asking.Body($$"""{"verb":"subscribe","channel":"a","token":"{{ann}}"}"""))).Json;
        Assert.False(told.GetProperty("allowed").GetBoolean());
        Assert.Contains("revoked", told.Text("reason"), StringComparison.Ordinal);
        told = (await server.AskAsync(op, "/admin/explain", Asking.Body("""{"verb":"subscribe","channel":"a","token":"no.such.token"}"""))).Json;
        Assert.Contains("does not hold", told.Text("reason"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_changes_something_is_written_to_the_audit_log_without_tokens_and_texts()
    {
        var log = new AuditLines();
        await using var server = await LiveServer.StartAsync(0, new CCometFactory([.. TokenServer.Settings, "Serilog:MinimumLevel:Default=Information"])
        {
            OnServices = services => services.AddSingleton(new CComet.Access.AccessAudit(log)),
        });
        var now = DateTimeOffset.UtcNow;
        var token = new TestToken(now).With("sub", "op").With("ccomet:admin", "*").With("ccomet:subscribe", null).Sign(TokenServer.Key);
        foreach (var (path, body) in ((string, string)[])[
            ("/admin/channels/a/publish", """{"msg":"secret"}"""), ("/admin/channels/a/close", "{}"), ("/admin/channels/a/clear", "{}"), ("/admin/broadcast", """{"msg":"secret"}"""),
            ("/admin/kick", """{"user":"ann"}"""), ("/admin/kick", """{"channel":"a"}"""), ("/admin/revoke", """{"sub":"ann"}"""), ("/admin/explain", $$"""{"verb":"publish","channel":"a","token":"{{token}}"}"""), ("/admin/drain", "{}")])
        {
            var answer = await server.Http.AskAsync(HttpMethod.Post, path, Asking.Body(body), headers => headers.Authorization = new("Bearer", token));
            Assert.True(answer.Status == 200, $"{path}: {answer.Text}");
        }

        string[] done = ["publish a", "close a", "clear a", "broadcast", "kick user ann", "kick channel a", "revoke sub ann", "explain publish a", "drain "];
        Assert.Equal(done.Length, log.Lines.Count);
        foreach (var (line, action) in log.Lines.Zip(done)) Assert.StartsWith($"Admin op at 127.0.0.1: {action}", line, StringComparison.Ordinal);
        Assert.DoesNotContain(log.Lines, line => line.Contains("secret", StringComparison.Ordinal) || line.Contains(token, StringComparison.Ordinal));
    }

    private static async Task<IReadOnlyList<JsonElement>> NodesAsync(LiveServer server) => [.. (await server.Http.AskAsync("/admin/nodes")).Json.GetProperty("nodes").EnumerateArray()];

    private sealed class AuditLines : ILoggerFactory
    {
        private readonly LogLines<CComet.Access.AccessAudit> _lines = new();

        public IReadOnlyList<string> Lines => [.. _lines.Lines];

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public ILogger CreateLogger(string categoryName) => _lines;

        public void Dispose()
        {
        }
    }
}
