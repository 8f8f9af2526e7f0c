using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary><c>/clear</c>: the log begins anew.</summary>
public sealed class ClearTests(IcometStores stores) : IClassFixture<IcometStores>
{
    public static TheoryData<string> Stores => IcometServer.Stores;

    [Theory, MemberData(nameof(Stores))]
    public async Task Clear_empties_the_log_and_tells_the_seq_of_the_next_message(string store)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        await server.PushAsync(channel, "one");
        await server.PushAsync(channel, "two");
        var answer = await server.Admin.AskAsync($"/clear?cname={channel}");
        Assert.Equal((200, "ok 1\n", "text/plain; charset=utf-8"), (answer.Status, answer.Text, answer.Header("Content-Type")));
        Assert.Empty((await server.Server.Http.PeekAsync(channel, ("seqid", "0"))).Elements);
        await server.PushAsync(channel, "new");
        var kept = Assert.Single((await server.PollAsync(("cname", channel), ("seq", "1"))).EnumerateArray());
        Assert.Equal(("data 1", "new"), (kept.Told(), kept.Content()));
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Poll_that_waits_is_told_next_seq_when_the_log_is_cleared(string store)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        await server.PushAsync(channel, "m");
        var poll = await server.ParkAsync(channel, ("seq", "2"));
        await server.Admin.AskAsync("/clear", new FormUrlEncodedContent([new("cname", channel)]));
        Assert.Equal("next_seq 1", (await poll).Told());
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Stream_is_told_next_seq_when_the_log_is_cleared_and_goes_on(string store)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        await server.PushAsync(channel, "m");
        using var stream = await server.StreamAsync(channel, ("seq", "2"));
        await server.Admin.AskAsync($"/clear?cname={channel}");
        Assert.Equal("next_seq 1", (await stream.JsonAsync()).Told());
        await server.PushAsync(channel, "new");
        Assert.Equal("data 1", (await stream.JsonAsync()).Told());
    }

    [Fact]
    public async Task Clear_at_one_node_is_told_at_the_other()
    {
        await using var nodes = await IcometNodes.StartAsync();
        await nodes.A.PushAsync("c", "m");
        var poll = await nodes.B.ParkAsync("c", ("seq", "2"));
        using var stream = await nodes.B.StreamAsync("c", ("seq", "2"));
        Assert.Equal("ok 1\n", (await nodes.A.Admin.AskAsync("/clear?cname=c")).Text);
        Assert.Equal("next_seq 1", (await poll).Told());
        Assert.Equal("next_seq 1", (await stream.JsonAsync()).Told());
        await nodes.A.PushAsync("c", "new");
        Assert.Equal("data 1", (await stream.JsonAsync()).Told());
    }
}
