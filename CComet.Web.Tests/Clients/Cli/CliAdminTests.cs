using System.Text.Json;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Clients.Cli;

/// <summary>The commands for operators, and a real server.</summary>
public sealed class CliAdminTests
{
    [Fact]
    public async Task Command_says_what_the_server_does_not_have()
    {
        await using var server = await LiveServer.StartAsync("environment=Production");
        await MissingAsync("administration of channels", "channels");
        await MissingAsync("administration of connections (kick)", "kick", "--user", "ann");
        await MissingAsync("drain", "drain");
        await MissingAsync("revocation", "revoke", "--sub", "ann");
        await MissingAsync("explanation of rights", "explain", "--verb", "publish", "--channel", "a");

        async Task MissingAsync(string what, params string[] args)
        {
            var run = await CliRun.RunAsync(server.Url, "", args);
            Assert.Equal(1, run.Code);
            Assert.StartsWith($"ccomet: this server has no {what}", run.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Channels_are_listed_page_after_page_and_told_of_by_name()
    {
        await using var server = await LiveServer.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, 502).Select(i => server.PublishAsync($"c/{i:000}", "m")));
        await server.PublishAsync("other", "m");
        var run = await CliRun.RunAsync(server.Url, "", "channels", "--prefix", "c/");
        Assert.Equal((0, ""), (run.Code, run.Errors));
        Assert.Equal(Enumerable.Range(0, 502).Select(i => $"c/{i:000}"), run.Output.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("channel").GetString()));
        Assert.Equal(501, (await CliRun.RunAsync(server.Url, "", "channels", "--limit", "501")).Output.Count);
        var one = JsonDocument.Parse(Assert.Single((await CliRun.RunAsync(server.Url, "", "channels", "c/007")).Output)).RootElement;
        Assert.Equal(("c/007", 1), (one.GetProperty("channel").GetString(), one.GetProperty("next").GetInt32()));
        run = await CliRun.RunAsync(server.Url, "", "channels", "none");
        Assert.Equal((1, "ccomet: the server refused (404): channel: 'none' has no messages, and no subscribers."), (run.Code, run.Errors));
    }

    [Fact]
    public async Task Presence_of_a_real_server_is_told_and_followed()
    {
        await using var server = await LiveServer.StartAsync("CComet:Presence:Channels=*");
        using var ann = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a%20b&sname=ann");
        await Eventually.TrueAsync(async () => (await CliRun.RunAsync(server.Url, "", "presence", "a b")).Output is ["ann"], "ann");
        Assert.Equal(["1"], (await CliRun.RunAsync(server.Url, "", "presence", "a b", "--counts")).Output);
    }

    [Fact]
    public async Task Kick_ends_connections_and_drain_sends_them_away()
    {
        await using var server = await LiveServer.StartAsync("CComet:Stream:Heartbeat=00:05:00");
        using var ann = await Follower.OpenAsync("/stream", server.Port, "channel=a&sname=ann");
        await Eventually.TrueAsync(() => server.Hub.Find("a")?.Waiting == 1, "It waits");
        Assert.Equal(["""{"user":"ann","connections":1}"""], (await CliRun.RunAsync(server.Url, "", "kick", "--user", "ann")).Output);
        Assert.Equal("kicked", (await ann.ElementAsync()).GetProperty("reason").GetString());
        using var bob = await Follower.OpenAsync("/stream", server.Port, "channel=b");
        var node = JsonDocument.Parse(Assert.Single((await CliRun.RunAsync(server.Url, "", "top", "--once")).Output)).RootElement;
        Assert.Equal((1, false), (node.GetProperty("subscribers").GetInt32(), node.GetProperty("draining").GetBoolean()));
        var run = await CliRun.RunAsync(server.Url, "", "drain", "--node", "none");
        Assert.Equal(1, run.Code);
        Assert.StartsWith("ccomet: the server refused (404): node: ", run.Errors, StringComparison.Ordinal);
        run = await CliRun.RunAsync(server.Url, "", "drain", "--node", node.GetProperty("node").GetString()!);
        Assert.Equal((0, ""), (run.Code, run.Errors));
        Assert.Equal("BYE", (await bob.ElementAsync()).GetProperty("type").GetString());
        Assert.Equal(0, (await CliRun.RunAsync(server.Url, "", "drain")).Code);
    }

    [Fact]
    public async Task Explain_and_revoke_ask_with_a_token()
    {
        await using var server = await TokenServer.StartAsync();
        var (op, ann) = (server.TokenOf("op", "admin=*"), server.TokenOf("ann", "subscribe=room.*"));
        Assert.Equal(0, (await RunAsync("explain", "--verb", "subscribe", "--channel", "room.1", "--subject", ann)).Code);
        var run = await RunAsync("explain", "--verb", "publish", "--channel", "room.1", "--subject", ann);
        Assert.Equal(3, run.Code);
        Assert.Contains("no claim ccomet:publish", Assert.Single(run.Output), StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync("revoke", "--sub", "ann")).Code);
        Assert.Equal(3, (await RunAsync("explain", "--verb", "subscribe", "--channel", "room.1", "--subject", ann)).Code);
        (await server.AskAsync(ann, "/sub?channel=room.1&wait=0")).AssertProblem(401);
        run = await CliRun.RunAsync(server.Live.Url, "", "channels");
        Assert.Equal(1, run.Code);
        Assert.StartsWith("ccomet: the server refused (401): channel: ", run.Errors, StringComparison.Ordinal);

        Task<CliRun> RunAsync(params string[] args) => CliRun.RunAsync(server.Live.Url, "", [.. args, "--token", op]);
    }
}
