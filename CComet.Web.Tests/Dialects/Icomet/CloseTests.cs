using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary><c>/close</c>: the subscribers of a channel are sent away.</summary>
public sealed class CloseTests(IcometStores stores) : IClassFixture<IcometStores>
{
    public static TheoryData<string> Stores => IcometServer.Stores;

    [Theory, MemberData(nameof(Stores))]
    public async Task Close_tells_every_subscriber_and_ends_it(string store)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        await server.PushAsync(channel, "m");
        using var stream = await server.StreamAsync(channel, ("seq", "2"));
        using var events = await OpenAnswer.GetAsync($"{server.FrontUrl}/sse?cname={channel}&seq=2");
        using var frame = await OpenAnswer.GetAsync($"{server.FrontUrl}/iframe?cname={channel}&seq=2");
        await server.UntilWaitingAsync(channel, 3);
        var poll = await server.ParkAsync(channel, ("seq", "2"));
        using var other = await server.StreamAsync(channel + "x");

        var answer = await server.Admin.AskAsync($"/close?cname={channel}");
        Assert.Equal((200, "ok 2\n", "text/plain; charset=utf-8"), (answer.Status, answer.Text, answer.Header("Content-Type")));
        Assert.Equal(("close 2", channel), ((await poll).Told(), (await poll).GetProperty("cname").GetString()));
        Assert.Equal("close 2", (await stream.JsonAsync()).Told());
        Assert.Null(await stream.LineAsync());
        Assert.Equal("close 2", (await events.DataAsync()).Data.Told());
        Assert.Null(await events.EventAsync());
        await frame.LineAsync();
        Assert.Equal("close 2", IcometReading.ArgumentOf((await frame.LineAsync())!, "<script>parent.icomet_cb(", ");</script>").Told());
        Assert.Null(await frame.LineAsync());

        await server.PushAsync(channel + "x", "stays");
        Assert.Equal("data 1", (await other.JsonAsync()).Told());
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Channel_that_was_closed_keeps_its_messages_and_takes_subscribers(string store)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        await server.PushAsync(channel, "m");
        Assert.Equal("ok 2\n", (await server.Admin.AskAsync("/close", new FormUrlEncodedContent([new("cname", channel)]))).Text);
        Assert.Equal(["m"], (await server.PollAsync(("cname", channel), ("seq", "1"))).Contents());
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Close_and_clear_of_an_unknown_channel_are_404(string store)
    {
        foreach (var path in (string[])["/close", "/clear"])
            Assert.Equal(404, (await stores[store].Admin.AskAsync(Asking.Path(path, ("cname", Asking.NewChannel())))).Status);
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Channel_with_subscribers_and_no_message_can_be_closed(string store)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        var poll = await server.ParkAsync(channel);
        Assert.Equal("ok 1\n", (await server.Admin.AskAsync($"/close?cname={channel}")).Text);
        Assert.Equal("close 1", (await poll).Told());
    }

    [Fact]
    public async Task Close_ends_the_subscribers_of_both_nodes()
    {
        await using var nodes = await IcometNodes.StartAsync();
        using var stream = await nodes.A.StreamAsync("c");
        var poll = await nodes.B.ParkAsync("c");
        Assert.Equal("ok 1\n", (await nodes.B.Admin.AskAsync("/close?cname=c")).Text);
        Assert.Equal("close 1", (await poll).Told());
        Assert.Equal("close 1", (await stream.JsonAsync()).Told());
        Assert.Null(await stream.LineAsync());
    }
}
