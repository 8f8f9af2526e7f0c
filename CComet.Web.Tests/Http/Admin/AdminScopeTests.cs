using System.Text.Json;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Http.Admin;

/// <summary>What an administrator of some channels is told of its rights, and which channels it sees.</summary>
public sealed class AdminScopeTests
{
    [Theory]
    [InlineData("op", "*", true, "", "")]
    [InlineData("op", "room.* *", true, "", "")]
    [InlineData("op", "room.*", false, "room.", "")]
    [InlineData("op", "room.* room.vip.* room.1 hall room.*", false, "room.", "hall")]
    [InlineData("op", "room.* room. roo", false, "room.", "roo")]
    [InlineData("op", "inbox.{sub} {sub}.*", false, "op.", "inbox.op")]
    [InlineData("b*", "inbox.{sub}", false, "", "inbox.b*")]
    [InlineData(null, "inbox.{sub} hall", false, "", "hall")]
    public async Task Rights_are_told_as_what_names_begin_with_and_as_names(string? user, string patterns, bool isAll, string prefixes, string names)
    {
        await using var server = await TokenServer.StartAsync();
        var told = (await server.AskAsync(TokenOf(server, user, patterns), "/admin/me")).Json;
        Assert.Equal((user, isAll), (told.Text("user"), told.GetProperty("all").GetBoolean()));
        Assert.Equal(isAll ? [""] : Split(prefixes), TextsOf(told, "prefixes"));
        Assert.Equal(Split(names), TextsOf(told, "names"));
    }

    [Theory]
    [InlineData(null, 401)]
    [InlineData("subscribe=*", 403)]
    [InlineData("admin=inbox.{sub}", 403)]
    public async Task Caller_without_a_right_is_told_nothing(string? right, int status)
    {
        await using var server = await TokenServer.StartAsync();
        (await server.AskAsync(right is null ? null : server.TokenOf(null, right), "/admin/me")).AssertProblem(status, "channel");
    }

    [Fact]
    public async Task Everybody_who_reaches_administration_in_mode_Open_may_do_all()
    {
        await using var server = await LiveServer.StartAsync();
        Assert.Equal("""{"user":null,"all":true,"prefixes":[""],"names":[]}""", (await server.Http.AskAsync("/admin/me")).Text.TrimEnd());
    }

    [Fact]
    public async Task Rights_of_rules_are_told_with_those_of_claims()
    {
        await using var server = await TokenServer.StartAsync("CComet:Auth:Rules:0:Who=user", "CComet:Auth:Rules:0:Verbs=admin", "CComet:Auth:Rules:0:Channels=public.*");
        Assert.Equal(["public.", "room."], TextsOf((await server.AskAsync(TokenOf(server, "op", "room.*"), "/admin/me")).Json, "prefixes"));
    }

    [Theory]
    [InlineData("room.*", "room.", "room.1 room.2")]
    [InlineData("room.*", "room.2", "room.2")]
    [InlineData("room.* *", "room.", "room.1 room.2")]
    [InlineData("room.*", "", null)]
    [InlineData("room.*", "room", null)]
    [InlineData("room.*", "hall", null)]
    [InlineData("room.1", "room.1", null)]
    [InlineData("room.**", "room.", null)]
    public async Task Channels_are_listed_for_the_administrator_of_all_that_begin_so(string patterns, string prefix, string? expected)
    {
        await using var server = await TokenServer.StartAsync();
        foreach (var channel in (string[])["hall", "room", "room.1", "room.2"]) await server.PublishAsync(server.TokenOf("pub", "publish=*"), channel, "m");
        var answer = await server.AskAsync(TokenOf(server, "op", patterns), $"/admin/channels?prefix={prefix}");
        if (expected is null) answer.AssertProblem(403, "channel");
        else Assert.Equal(Split(expected), ChannelsOf(answer));
    }

    /// <summary>A user's name stands for itself in a pattern, whatever characters it has.</summary>
    [Fact]
    public async Task Name_of_a_user_that_looks_like_a_pattern_lists_nothing()
    {
        await using var server = await TokenServer.StartAsync();
        (await server.AskAsync(TokenOf(server, "*", "inbox.{sub}"), "/admin/channels?prefix=inbox.")).AssertProblem(403, "channel");
    }

    [Fact]
    public async Task Channel_on_which_the_right_was_revoked_is_not_listed()
    {
        await using var server = await TokenServer.StartAsync();
        var op = TokenOf(server, "op", "room.*");
        foreach (var channel in (string[])["room.1", "room.2"]) await server.PublishAsync(server.TokenOf("pub", "publish=*"), channel, "m");
        using var follower = await Follower.OpenAsync("/stream", server.Port, $"channel=room.3&ticket={await server.TicketAsync(server.TokenOf("ann", "subscribe=*"), "subscribe", "room.3")}");
        foreach (var channel in (string[])["room.1", "room.3"]) Assert.Equal(200, (await server.AskAsync(server.TokenOf("root", "admin=*"), "/admin/revoke", Asking.Body($$"""{"channel":"{{channel}}"}"""))).Status);
        Assert.Equal(["room.2"], ChannelsOf(await server.AskAsync(op, "/admin/channels?prefix=room.")));
        (await server.AskAsync(op, "/admin/channels/room.1")).AssertProblem(403, "channel");
    }

    private static string TokenOf(TokenServer server, string? user, string patterns) => server.TokenOf(user, [.. Split(patterns).Select(pattern => $"admin={pattern}")]);

    private static string[] Split(string texts) => texts.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static string[] TextsOf(JsonElement told, string member) => [.. told.GetProperty(member).EnumerateArray().Select(text => text.GetString()!)];

    private static string[] ChannelsOf(Answer answer) => [.. answer.Json.GetProperty("channels").EnumerateArray().Select(channel => channel.Text("channel")!)];
}
