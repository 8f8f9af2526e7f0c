using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary>One hub and one log: icomet's clients and native ones are in the same channels.</summary>
public sealed class SharedLogTests(IcometStores stores) : IClassFixture<IcometStores>
{
    public static TheoryData<string> Stores => IcometServer.Stores;

    [Theory, MemberData(nameof(Stores))]
    public async Task Native_subscribers_get_what_is_pushed_with_a_seqid_one_less_than_the_seq(string store)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        using var events = await Follower.OpenAsync("/sse", server.Server.Port, $"channel={channel}");
        using var lines = await Follower.OpenAsync("/stream", server.Server.Port, $"channel={channel}");
        using var socket = await Follower.OpenAsync("/ws", server.Server.Port, $"channel={channel}");
        using var icomet = await server.StreamAsync(channel);
        foreach (var text in IcometReading.Tricky)
        {
            await server.PushAsync(channel, text);
            var seq = (await icomet.NextAsync()).Seq();
            foreach (var follower in (Follower[])[events, lines, socket])
            {
                var message = await follower.ElementAsync();
                Assert.Equal(("MSG", text, seq - 1), (message.GetProperty("type").GetString(), message.GetProperty("msg").GetString(), message.GetProperty("seqid").GetInt64()));
                Assert.False(message.TryGetProperty("sname", out _));
            }
        }

        Assert.Equal(IcometReading.Tricky, await server.Server.Http.KeptAsync(channel));
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Subscribers_of_icomet_get_what_is_published_natively(string store)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        using var stream = await server.StreamAsync(channel);
        var poll = await server.ParkAsync(channel);
        foreach (var text in IcometReading.Tricky)
        {
            var seqid = (await server.Server.PublishAsync(channel, text, "bob")).GetProperty("seqid").GetInt64();
            var told = await stream.NextAsync();
            Assert.Equal(("data", seqid + 1, text), (told.Type(), told.Seq(), told.Content()));

            // Before the next is published: a poll that is answered late has it too.
            if (seqid == 0) Assert.Equal(text, (await poll).Content());
        }

        Assert.Equal(IcometReading.Tricky, (await server.PollAsync(("cname", channel), ("seq", "1"))).Contents());
    }

    [Theory]
    [InlineData("""{"a":[1,"<b>",null]}""")]
    [InlineData("[]")]
    [InlineData("12.5")]
    [InlineData("true")]
    [InlineData("null")]
    public async Task Native_json_value_is_a_text_to_icomet(string json)
    {
        var (server, channel) = (stores["Memory"], Asking.NewChannel());
        Assert.Equal(200, (await server.Server.Http.AskAsync("/pub", Asking.Body($$"""{"channel":"{{channel}}","msg":{{json}}}"""))).Status);
        Assert.Equal([json], (await server.PollAsync(("cname", channel), ("seq", "1"))).Contents());
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Native_sign_in_is_passed_over(string store)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        using var stream = await server.StreamAsync(channel);
        var poll = await server.ParkAsync(channel, ("seq", "1"));
        Assert.Equal(200, (await server.Server.Http.AskAsync($"/sign?channel={channel}&sname=alice")).Status);
        await server.PushAsync(channel, "m");
        Assert.Equal("data 2", (await stream.NextAsync()).Told());
        var told = await poll;
        Assert.Equal("data 2", (told.ValueKind == System.Text.Json.JsonValueKind.Array ? told[0] : told).Told());
        Assert.Equal(["data 2"], (await server.PollAsync(("cname", channel), ("seq", "1"))).EnumerateArray().Select(IcometReading.Told));
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Broadcast_is_a_message_of_the_log_to_native_subscribers(string store)
    {
        await using var server = await IcometServer.StartAsync(store);
        using var native = await Follower.OpenAsync("/sse", server.Server.Port, "channel=c");
        Assert.Equal(200, (await server.Admin.AskAsync("/broadcast?content=all")).Status);
        var message = await native.ElementAsync();
        Assert.Equal(("MSG", "all", 0), (message.GetProperty("type").GetString(), message.GetProperty("msg").GetString(), message.GetProperty("seqid").GetInt32()));
    }

    [Fact]
    public async Task Log_survives_a_restart_and_goes_on_with_the_next_seq()
    {
        await using var server = await IcometServer.StartAsync("Sqlite");
        await server.PushAsync("c", "before");
        await server.RestartAsync();
        await server.PushAsync("c", "after");
        Assert.Equal(["data 1", "data 2"], (await server.PollAsync(("cname", "c"), ("seq", "1"))).EnumerateArray().Select(IcometReading.Told));
    }
}
