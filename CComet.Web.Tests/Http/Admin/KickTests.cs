using System.Text.Json;
using CComet.Channels;
using CComet.Messages;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Http.Admin;

/// <summary>Connections that an administrator ends, and that may come back.</summary>
public sealed class KickTests
{
    private const string Quiet = "CComet:Stream:Heartbeat=00:05:00";

    [Theory]
    [MemberData(nameof(Follower.Paths), MemberType = typeof(Follower))]
    public async Task Streams_of_a_user_end_with_BYE_and_come_back_from_their_cursor(string path)
    {
        await using var server = await TokenServer.StartAsync(Quiet);
        using var ann = await OpenAsync(server, path, "ann");
        using var bob = await OpenAsync(server, path, "bob");
        Assert.Equal(1, (await KickAsync(server, """{"user":"ann"}""")).Number("connections"));
        var bye = await ann.ElementButTicketAsync();
        Assert.Equal(("BYE", "kicked"), (bye.Text("type"), bye.Text("reason")));
        Assert.InRange(bye.Number("retry"), 1, long.MaxValue);
        Assert.Null(await ann.NextAsync());
        using var again = await OpenAsync(server, path, "ann", ann.Cursor);
        await server.PublishAsync(server.TokenOf("pub", "publish=*"), "room.1", "m");
        foreach (var follower in (Follower[])[bob, again]) Assert.Equal("m", (await follower.ElementButTicketAsync()).Text("msg"));
    }

    [Fact]
    public async Task Polls_of_a_user_are_answered_with_nothing_and_when_to_ask_again()
    {
        await using var server = await TokenServer.StartAsync(Quiet);
        var (ann, bob) = (server.TokenOf("ann", "subscribe=*"), server.TokenOf("bob", "subscribe=*"));
        Task<Answer>[] kicked = [server.AskAsync(ann, "/sub?channel=a"), server.AskAsync(ann, "/sub?channel=a&sname=ann"), server.AskAsync(ann, "/sub?channel=a&channel=b")];
        var stays = server.AskAsync(bob, "/sub?channel=a");
        await server.Live.WaitingAsync("a", 4);
        Assert.Equal(3, (await KickAsync(server, """{"user":"ann"}""")).Number("connections"));
        foreach (var poll in kicked)
        {
            Assert.Empty((await poll).Elements);
            Assert.NotNull((await poll).Header("CComet-Retry"));
        }

        await server.PublishAsync(server.TokenOf("pub", "publish=*"), "a", "m");
        Assert.Equal("m", Assert.Single((await stays).Elements).Text("msg"));
    }

    [Theory]
    [MemberData(nameof(Follower.Paths), MemberType = typeof(Follower))]
    public async Task Connections_to_a_channel_end_whole(string path)
    {
        await using var server = await LiveServer.StartAsync(Quiet);
        using var follower = await Follower.OpenAsync(path, server.Port, "channel=a&channel=b");
        using var single = await Follower.OpenAsync(path, server.Port, "channel=a");
        using var other = await Follower.OpenAsync(path, server.Port, "channel=b");
        await server.WaitingAsync("a", 2);
        Assert.Equal(2, (await server.Http.PostAsync("/admin/kick", """{"channel":"a"}""")).Json.Number("connections"));
        foreach (var kicked in (Follower[])[follower, single])
        {
            Assert.Equal("kicked", (await kicked.ElementAsync()).Text("reason"));
            Assert.Null(await kicked.NextAsync());
        }

        await server.PublishAsync("b", "m");
        Assert.Equal("m", (await other.ElementAsync()).Text("msg"));
    }

    [Fact]
    public async Task Polls_of_a_channel_are_answered_with_nothing()
    {
        await using var server = await LiveServer.StartAsync(Quiet);
        Task<Answer>[] polls = [server.Http.AskAsync("/sub?channel=a"), server.Http.AskAsync("/sub?channel=a&sname=ann")];
        await server.WaitingAsync("a", 2);
        await server.Http.PostAsync("/admin/kick", """{"channel":"a"}""");
        foreach (var poll in polls)
        {
            Assert.Empty((await poll).Elements);
            Assert.NotNull((await poll).Header("CComet-Retry"));
        }
    }

    [Fact]
    public async Task User_of_mode_Open_is_the_sname()
    {
        await using var server = await LiveServer.StartAsync(Quiet);
        using var ann = await Follower.OpenAsync("/stream", server.Port, "channel=a&sname=ann");
        using var nobody = await Follower.OpenAsync("/stream", server.Port, "channel=a");
        await server.WaitingAsync("a", 2);
        Assert.Equal(1, (await server.Http.PostAsync("/admin/kick", """{"user":"ann"}""")).Json.Number("connections"));
        Assert.Equal("kicked", (await ann.ElementAsync()).Text("reason"));
        await server.PublishAsync("a", "m");
        Assert.Equal("m", (await nobody.ElementAsync()).Text("msg"));
    }

    [Fact]
    public async Task Subscriber_that_does_not_wait_at_that_moment_is_meant_and_one_that_comes_later_is_not()
    {
        using var fixture = new HubFixture();
        using var before = await fixture.SubscribeAsync("c", sname: "ann");
        using var other = await fixture.SubscribeAsync("c", sname: "bob");
        Assert.Equal(0, fixture.Hub.EndUser("ann"));
        using var after = await fixture.SubscribeAsync("c", sname: "ann");
        Assert.Equal((true, false, false), (before.IsKicked, other.IsKicked, after.IsKicked));
        fixture.Time.Advance(TimeSpan.FromMinutes(3));
        await fixture.Hub.SweepAsync();
        Assert.False(before.IsKicked);
    }

    [Fact]
    public async Task Subscriber_that_was_reading_is_told_of_a_close_behind_what_was_there()
    {
        using var fixture = new HubFixture();
        using var reader = await fixture.SubscribeAsync("c", new Cursor(null, 0));
        await fixture.PublishAsync("c", "0");
        Assert.Equal(1, fixture.Hub.End("c", WakeReason.Closed));
        await fixture.PublishAsync("c", "after");
        using var later = await fixture.SubscribeAsync("c", new Cursor(null, 0));
        Assert.Equal(["0"], HubFixture.Texts(await reader.ReadAsync(park: true)));
        Assert.Equal(["CLOSE"], HubFixture.Texts(await reader.ReadAsync(park: true)));
        Assert.Equal(WakeReason.Closed, reader.Ended);
        Assert.Equal(["0", "after"], HubFixture.Texts(await later.ReadAsync(park: true)));
        Assert.Null(later.Ended);
        reader.Dispose();
        Assert.Equal((1, 1), (fixture.Hub.ChannelCount, fixture.Hub.Find("c")!.Subscribers));
    }

    [Fact]
    public async Task Close_of_a_channel_that_was_cleared_too_goes_back_to_no_epoch()
    {
        using var fixture = new HubFixture();
        var receipt = await fixture.PublishAsync("c", "0");
        using var reader = await fixture.SubscribeAsync("c", new Cursor("another", 5));
        using var behind = await fixture.SubscribeAsync("c", new Cursor(receipt.Epoch, 9));
        fixture.Hub.End("c", WakeReason.Closed);
        foreach (var ended in (CComet.Subscriptions.Subscriber[])[reader, behind]) Assert.Equal(["CLOSE"], HubFixture.Texts(await ended.ReadAsync(park: true)));
    }

    private static async Task<JsonElement> KickAsync(TokenServer server, string body) => (await server.AskAsync(server.TokenOf("op", "admin=*"), "/admin/kick", Asking.Body(body))).Json;

    private static async Task<Follower> OpenAsync(TokenServer server, string path, string user, string? cursor = null)
    {
        var ticket = await server.TicketAsync(server.TokenOf(user, "subscribe=room.1"), "subscribe", "room.1");
        return await Follower.OpenAsync(path, server.Port, $"channel=room.1&ticket={ticket}{(cursor is null ? "" : $"&cursor={cursor}")}");
    }
}
