using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary><c>/info</c>, <c>/check</c> and <c>/ping</c>.</summary>
public sealed class InfoTests
{
    public static TheoryData<string> Stores => IcometServer.Stores;

    [Theory, MemberData(nameof(Stores))]
    public async Task Info_counts_channels_and_subscribers_without_the_servers_own(string store)
    {
        await using var server = await IcometServer.StartAsync(store);
        var info = await server.AskAsync("/info");
        Assert.Equal(["version", "channels", "subscribers"], info.EnumerateObject().Select(member => member.Name));
        Assert.Matches(@"\A\d+\.\d+\.\d+\z", info.GetProperty("version").GetString());
        Assert.Equal((0, 0), Counts(info));
        using var one = await server.StreamAsync("a");
        using var two = await server.StreamAsync("a");
        var three = await server.ParkAsync("b");
        Assert.Equal((2, 3), Counts(await server.AskAsync("/info")));
        Assert.False(three.IsCompleted);
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Info_of_a_channel_counts_its_subscribers_on_every_transport(string store)
    {
        await using var server = await IcometServer.StartAsync(store);
        Assert.Equal("""{"cname":"a","subscribers":0}""", (await server.AskAsync("/info", ("cname", "a"))).GetRawText());
        using var one = await server.StreamAsync("a");
        using var native = await OpenAnswer.GetAsync($"{server.Server.Url}/sse?channel=a");
        await native.BeginAsync();
        Assert.Equal("""{"cname":"a","subscribers":2}""", (await server.AskAsync("/info", ("cname", "a"))).GetRawText());
        Assert.Equal(2, (await server.Admin.AskAsync("/info?cname=a&cb=cb")).ArgumentOf("cb").GetProperty("subscribers").GetInt32());
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Check_says_whether_a_channel_has_subscribers(string store)
    {
        await using var server = await IcometServer.StartAsync(store);
        Assert.Equal("{}", (await server.AskAsync("/check", ("cname", "a"))).GetRawText());
        await server.PushAsync("a", "m");
        Assert.Equal("{}", (await server.AskAsync("/check", ("cname", "a"))).GetRawText());
        using var stream = await server.StreamAsync("a", ("seq", "2"));
        Assert.Equal("""{"a":1}""", (await server.AskAsync("/check", ("cname", "a"))).GetRawText());
        Assert.Equal(1, (await server.Admin.AskAsync("/check?cname=a&cb=cb")).ArgumentOf("cb").GetProperty("a").GetInt32());
    }

    [Fact]
    public async Task Check_knows_the_subscribers_of_the_other_node()
    {
        await using var nodes = await IcometNodes.StartAsync();
        using var stream = await nodes.A.StreamAsync("a");
        await Eventually.TrueAsync(async () => (await nodes.B.AskAsync("/check", ("cname", "a"))).TryGetProperty("a", out _), "The note of the other node");
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Ping_calls_icomet_cb_or_cb_with_how_long_a_poll_waits(string store)
    {
        await using var server = await IcometServer.StartAsync(store, "CComet:Poll:Timeout=00:00:17");
        Assert.Equal("""icomet_cb({"type":"ping","sub_timeout":17});""" + "\n", (await server.Front.AskAsync("/ping")).Text);
        var ping = (await server.Front.AskAsync("/ping?cb=my.cb")).ArgumentOf("my.cb");
        Assert.Equal("""{"type":"ping","sub_timeout":17}""", ping.GetRawText());
    }

    private static (int Channels, int Subscribers) Counts(System.Text.Json.JsonElement info) => (info.GetProperty("channels").GetInt32(), info.GetProperty("subscribers").GetInt32());
}
