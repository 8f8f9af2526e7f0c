using System.Text.Json;
using CComet.Presence;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Presence;

/// <summary>Who is in a channel, as clients ask for it and follow it.</summary>
public sealed class PresenceTests
{
    private const string Hall = "hall";
    private const string Log = "$presence:hall";

    [Theory]
    [MemberData(nameof(Follower.Paths), MemberType = typeof(Follower))]
    public async Task Users_of_streams_are_told_with_the_cursor_from_which_to_follow(string path)
    {
        await using var server = await StartAsync();
        using var ann = await Follower.OpenAsync(path, server.Port, $"channel={Hall}&sname=ann");
        using var again = await Follower.OpenAsync(path, server.Port, $"channel={Hall}&channel=other&sname=ann2");
        using var nameless = await Follower.OpenAsync(path, server.Port, $"channel={Hall}");
        var told = await UntilAsync(server, Hall, "ann", "ann2");
        Assert.Equal((Hall, 2), (told.GetProperty("channel").GetString(), told.GetProperty("count").GetInt32()));
        Assert.All(told.GetProperty("users").EnumerateArray(), user => Assert.True(user.GetProperty("since").GetInt64() > 0));

        using var follower = await Follower.OpenAsync(path, server.Port, $"channel={Uri.EscapeDataString(Log)}&epoch={told.GetProperty("epoch")}&seqid={told.GetProperty("seqid")}");
        using var bob = await Follower.OpenAsync(path, server.Port, $"channel={Hall}&sname=bob");
        var join = await follower.ElementAsync();
        Assert.Equal(("JOIN", Log, "bob", told.GetProperty("seqid").GetInt64()), (Text(join, "type"), Text(join, "channel"), Text(join, "user"), join.GetProperty("seqid").GetInt64()));
        Assert.False(join.TryGetProperty("msg", out _));
        Assert.Equal("""{"channel":"hall","count":3}""", await CountsAsync(server));
    }

    [Fact]
    public async Task User_leaves_after_its_last_connection_and_not_within_the_hole_between_two()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await LiveServer.StartAsync(0, new CCometFactory(time, "CComet:Presence:Channels=hall"));
        for (var i = 0; i < 5; i++)
        {
            _ = await server.Http.AskAsync(HttpMethod.Get, $"/sub?channel={Hall}&sname=ann&wait=0");
            time.Advance(TimeSpan.FromSeconds(9));
        }

        await UntilAsync(server, Hall, "ann");
        await time.UntilAsync(async () => (await AskAsync(server, Hall)).GetProperty("count").GetInt32() == 0, TimeSpan.FromSeconds(1), "The leave");
        Assert.Equal(["JOIN ann", "LEAVE ann"], await LogAsync(server));
    }

    [Fact]
    public async Task Reload_change_of_transport_and_second_tab_are_no_leave()
    {
        await using var server = await StartAsync("CComet:Presence:LeaveAfter=00:00:00.5");
        using (await Follower.OpenAsync("/sse", server.Port, $"channel={Hall}&sname=ann"))
        using (await Follower.OpenAsync("/ws", server.Port, $"channel={Hall}&sname=ann"))
        {
        }

        using (await Follower.OpenAsync("/ws", server.Port, $"channel={Hall}&sname=ann")) await UntilAsync(server, Hall, "ann");
        await UntilAsync(server, Hall);
        Assert.Equal(["JOIN ann", "LEAVE ann"], await LogAsync(server));
    }

    [Fact]
    public async Task Poll_and_jsonp_follow_the_log_of_presence()
    {
        await using var server = await StartAsync();
        var cursor = $"{(await AskAsync(server, Hall)).GetProperty("epoch")}:0";
        var polling = server.Http.GetStringAsync($"/sub?channel={Uri.EscapeDataString(Log)}&cursor={cursor}");
        var calling = server.Http.GetStringAsync($"/sub?channel={Uri.EscapeDataString(Log)}&cursor={cursor}&callback=f");
        using var ann = await Follower.OpenAsync("/sse", server.Port, $"channel={Hall}&sname=ann");
        Assert.Contains("\"type\":\"JOIN\",\"channel\":\"$presence:hall\",\"user\":\"ann\",\"seqid\":0", await polling, StringComparison.Ordinal);
        Assert.Contains("/**/f('[{\"type\":\"JOIN\"", await calling, StringComparison.Ordinal);
        Assert.StartsWith("/**/f('[{\"channel\":\"hall\"", await server.Http.GetStringAsync($"/presence?channel={Hall}&callback=f"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pages_of_2014_are_users_and_are_told_of_messages_alone()
    {
        await using var server = await StartAsync();
        var polling = server.Http.GetStringAsync($"/subscribe?channel={Hall}&sname=ann&seqid=0&callback=f");
        await UntilAsync(server, Hall, "ann");
        await server.PublishAsync(Hall, "m");
        await polling;
        var answer = await server.Http.AskAsync(HttpMethod.Get, $"/subscribe?channel={Uri.EscapeDataString(Log)}&sname=x&seqid=0&callback=f&wait=0.05");
        Assert.DoesNotContain("JOIN", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_that_begin_with_a_dollar_are_the_servers_for_every_publisher()
    {
        await using var server = await StartAsync();
        foreach (var channel in new[] { Log, "$anything", "$", "$ccomet.nodes" })
        {
            foreach (var verb in new[] { "pub", "sign", "publish" })
            {
                var refused = await server.Http.AskAsync(HttpMethod.Get, $"/{verb}?channel={Uri.EscapeDataString(channel)}&msg=m&sname=a");
                Assert.Equal(403, refused.Status);
                Assert.Contains("channel: ", refused.Text, StringComparison.Ordinal);
            }
        }

        foreach (var channel in new[] { "$anything", "$presence:lobby", "$presence:", "$ccomet.nodes" })
        {
            var refused = await server.Http.AskAsync(HttpMethod.Get, $"/sub?channel={Uri.EscapeDataString(channel)}&wait=0");
            Assert.Equal(403, refused.Status);
        }
    }

    [Theory]
    [InlineData("channel=lobby", "channel: who is in 'lobby' is not kept; CComet:Presence:Channels says of which channels it is.")]
    [InlineData("channel=hall&counts=2", "counts: must be 1 for the number alone, or 0.")]
    [InlineData("channel=hall&optional=yes", "optional: must be 1 for no refusal where there is nothing to tell, or 0.")]
    [InlineData("counts=1", "channel: is missing.")]
    [InlineData("channel=hall&channel=hall", "channel: is given more than once.")]
    public async Task What_cannot_be_asked_is_refused_by_the_parameters_name(string query, string detail)
    {
        await using var server = await StartAsync();
        Assert.Equal(204, (await server.Http.AskAsync(HttpMethod.Get, "/presence?channel=lobby&optional=1")).Status);
        var answer = await server.Http.AskAsync(HttpMethod.Get, $"/presence?{query}");
        Assert.Equal((400, detail), (answer.Status, answer.Json.GetProperty("detail").GetString()));
    }

    [Fact]
    public async Task Channel_that_has_its_users_serves_others_uncounted_until_one_leaves()
    {
        await using var server = await StartAsync("CComet:Presence:MaxUsers=1", "CComet:Presence:LeaveAfter=00:00:00.1");
        var first = await Follower.OpenAsync("/sse", server.Port, $"channel={Hall}&sname=a");
        await UntilAsync(server, Hall, "a");
        using var second = await Follower.OpenAsync("/sse", server.Port, $"channel={Hall}&sname=b");
        await server.PublishAsync(Hall, "m");
        Assert.Equal("m", Text(await second.ElementAsync(), "msg"));
        Assert.Equal(1, (await AskAsync(server, Hall)).GetProperty("count").GetInt32());
        first.Dispose();
        await UntilAsync(server, Hall, "b");
    }

    [Fact]
    public async Task Tracker_keeps_nothing_of_users_that_have_left_nor_of_channels_without_presence()
    {
        await using var server = await StartAsync("CComet:Presence:LeaveAfter=00:00:00.1");
        var tracker = server.Services.GetRequiredService<PresenceTracker>();
        using (await Follower.OpenAsync("/sse", server.Port, $"channel={Hall}&sname=ann"))
        using (await Follower.OpenAsync("/ws", server.Port, "channel=other&sname=bob"))
        {
            await UntilAsync(server, Hall, "ann");
            Assert.Equal(1, tracker.Count);
        }

        await UntilAsync(server, Hall);
        await Eventually.TrueAsync(() => tracker.Count == 0, "An empty tracker");
    }

    [Fact]
    public async Task Start_with_a_pattern_that_is_none_fails_by_the_settings_name()
    {
        var failure = await Assert.ThrowsAnyAsync<Exception>(() => LiveServer.StartAsync("CComet:Presence:Channels=inbox.{sub}"));
        Assert.Contains("CComet:Presence:Channels: 'inbox.{sub}' has {sub}", failure.ToString(), StringComparison.Ordinal);
    }

    internal static async Task<JsonElement> UntilAsync(LiveServer server, string channel, params string[] users)
    {
        JsonElement told = default;
        await Eventually.TrueAsync(
            async () =>
            {
                told = await AskAsync(server, channel);
                return told.GetProperty("users").EnumerateArray().Select(user => user.GetProperty("user").GetString()!).Order().SequenceEqual(users.Order());
            },
            $"{string.Join(", ", users)} in {channel}");
        return told;
    }

    private static Task<LiveServer> StartAsync(params string[] settings) => LiveServer.StartAsync(["CComet:Presence:Channels=hall", .. settings]);

    private static async Task<JsonElement> AskAsync(LiveServer server, string channel) => JsonDocument.Parse(await server.Http.GetStringAsync($"/presence?channel={channel}")).RootElement;

    private static async Task<string> CountsAsync(LiveServer server)
    {
        string? counts = null;
        await Eventually.TrueAsync(
            async () =>
            {
                var told = JsonDocument.Parse(await server.Http.GetStringAsync($"/presence?channel={Hall}&counts=1")).RootElement;
                counts = JsonSerializer.Serialize(new { channel = Text(told, "channel"), count = told.GetProperty("count").GetInt32() });
                return !told.TryGetProperty("users", out _) && told.GetProperty("count").GetInt32() == 3;
            },
            "Three users");
        return counts!;
    }

    private static async Task<List<string>> LogAsync(LiveServer server)
    {
        var told = JsonDocument.Parse(await server.Http.GetStringAsync($"/sub?channel={Uri.EscapeDataString(Log)}&seqid=0&wait=0")).RootElement;
        return [.. told.EnumerateArray().Select(element => $"{Text(element, "type")} {Text(element, "user")}")];
    }

    private static string? Text(JsonElement element, string member) => element.GetProperty(member).GetString();
}
