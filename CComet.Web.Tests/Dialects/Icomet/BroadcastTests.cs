using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary><c>/broadcast</c>: a message for everybody.</summary>
public sealed class BroadcastTests
{
    public static TheoryData<string> Stores => IcometServer.Stores;

    [Theory, MemberData(nameof(Stores))]
    public async Task Broadcast_reaches_every_open_channel_followed_by_next_seq(string store)
    {
        await using var server = await IcometServer.StartAsync(store);
        await server.PushAsync("a", "before");
        using var a = await server.StreamAsync("a", ("seq", "2"));
        using var b = await server.StreamAsync("b");
        var poll = await server.ParkAsync("c");
        var answer = await server.Admin.AskAsync(Asking.Path("/broadcast", ("content", "to all <☄️>")));
        Assert.Equal((200, "ok\n"), (answer.Status, answer.Text));

        var (told, next) = (await a.JsonAsync(), await a.JsonAsync());
        Assert.Equal(("broadcast 2", "to all <☄️>", "next_seq 3"), (told.Told(), told.Content(), next.Told()));
        Assert.Equal(("broadcast 1", "next_seq 2"), ((await b.JsonAsync()).Told(), (await b.JsonAsync()).Told()));
        Assert.Equal(["broadcast 1", "next_seq 2"], (await poll).EnumerateArray().Select(IcometReading.Told));
        await server.PushAsync("b", "after");
        Assert.Equal("data 2", (await b.JsonAsync()).Told());
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Broadcast_by_form_stores_every_character(string store)
    {
        await using var server = await IcometServer.StartAsync(store);
        using var stream = await server.StreamAsync("a");
        foreach (var text in IcometReading.Tricky)
        {
            Assert.Equal(200, (await server.Admin.AskAsync("/broadcast", new FormUrlEncodedContent([new("content", text)]))).Status);
            Assert.Equal(text, (await stream.JsonAsync()).Content());
            Assert.Equal("next_seq", (await stream.JsonAsync()).Type());
        }
    }

    [Fact]
    public async Task Broadcast_reaches_the_channels_of_both_nodes_each_once()
    {
        await using var nodes = await IcometNodes.StartAsync();
        using var bothA = await nodes.A.StreamAsync("both");
        using var bothB = await nodes.B.StreamAsync("both");
        using var onlyA = await nodes.A.StreamAsync("only a");
        using var onlyB = await nodes.B.StreamAsync("only b");
        for (var round = 1; round <= 5; round++)
        {
            Assert.Equal(200, (await (round % 2 == 0 ? nodes.A : nodes.B).Admin.AskAsync($"/broadcast?content=round{round}")).Status);
            foreach (var stream in (OpenAnswer[])[bothA, bothB, onlyA, onlyB])
            {
                var told = await stream.JsonAsync();
                Assert.Equal(($"broadcast {round}", $"round{round}"), (told.Told(), told.Content()));
                Assert.Equal($"next_seq {round + 1}", (await stream.JsonAsync()).Told());
            }
        }
    }

    [Fact]
    public async Task Broadcast_without_content_is_refused()
    {
        await using var server = await IcometServer.StartAsync("Memory");
        Assert.Equal(400, (await server.Admin.AskAsync("/broadcast")).Status);
    }

    [Fact]
    public async Task Broadcast_leaves_the_notes_of_the_nodes_alone()
    {
        await using var server = await IcometServer.StartAsync("Memory");
        using var stream = await server.StreamAsync("a");
        Assert.Equal(200, (await server.Admin.AskAsync("/broadcast?content=m")).Status);
        await stream.LineAsync();
        await stream.LineAsync();
        Assert.Equal("ok 2\n", (await server.Admin.AskAsync("/close?cname=a")).Text);
        Assert.Equal("close", (await stream.JsonAsync()).Type());
    }
}
