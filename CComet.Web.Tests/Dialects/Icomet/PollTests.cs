using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary><c>/sub</c> and <c>/poll</c>: one question, one answer.</summary>
public sealed class PollTests(IcometStores stores) : IClassFixture<IcometStores>
{
    public static TheoryData<string> Stores => IcometServer.Stores;

    public static TheoryData<string, string> Paths => IcometReading.Pairs(["Memory", "Sqlite"], "/sub", "/poll");

    [Theory, MemberData(nameof(Paths))]
    public async Task Message_that_comes_while_a_poll_waits_is_one_object(string store, string path)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        var polling = server.Front.AskAsync($"{path}?cname={channel}");
        await server.UntilWaitingAsync(channel, 1);
        await server.PushAsync(channel, "live");
        var answer = await polling;
        Assert.Equal("application/json; charset=utf-8", answer.Header("Content-Type"));
        Assert.Equal($$"""{"type":"data","cname":"{{channel}}","seq":1,"content":"live"}""" + "\n", answer.Text);
    }

    [Theory, MemberData(nameof(Paths))]
    public async Task Backlog_is_an_array_even_of_one(string store, string path)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        await server.PushAsync(channel, "one");
        await server.PushAsync(channel, "two");
        var all = (await server.Front.AskAsync($"{path}?cname={channel}&seq=1")).Json;
        Assert.Equal(["data 1", "data 2"], all.EnumerateArray().Select(IcometReading.Told));
        Assert.Equal(["two"], (await server.Front.AskAsync($"{path}?cname={channel}&seq=2")).Json.Contents());
    }

    [Theory, MemberData(nameof(Paths))]
    public async Task Poll_with_cb_is_a_call_whose_argument_is_the_object_or_the_array(string store, string path)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        var polling = server.Front.AskAsync($"{path}?cname={channel}&seq=1&cb=$.ic_1");
        await server.UntilWaitingAsync(channel, 1);
        await server.PushAsync(channel, "it's");
        Assert.Equal("it's", (await polling).ArgumentOf("$.ic_1").Content());
        Assert.Equal(["it's"], (await server.Front.AskAsync($"{path}?cname={channel}&seq=1&cb=cb&_=1790000000000")).ArgumentOf("cb").Contents());
    }

    [Theory]
    [InlineData("&noop=7", "noop 7")]
    [InlineData("&noop=-1", "noop -1")]
    [InlineData("", "noop 0")]
    public async Task Poll_to_which_nothing_comes_is_answered_noop_with_the_number_that_it_gave(string noop, string told)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        await using var server = await IcometServer.StartAsync(time, "Memory");
        var polling = server.Front.AskAsync($"/sub?cname=c{noop}&cb=cb");
        await server.UntilWaitingAsync("c", 1);
        var begun = time.GetUtcNow();
        var answer = (await time.UntilAsync(polling)).ArgumentOf("cb");
        Assert.Equal((told, ""), (answer.Told(), answer.Content()));
        Assert.True(time.GetUtcNow() - begun >= TimeSpan.FromSeconds(28), "Nothing was told before the time of a poll.");
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Poll_from_now_on_is_told_next_seq_at_once_where_there_are_messages(string store)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        await server.PushAsync(channel, "one");
        await server.PushAsync(channel, "two");
        foreach (var seq in (string[])["", "&seq=", "&seq=0", "&seq=-3"])
            Assert.Equal("next_seq 3", (await server.Front.AskAsync($"/sub?cname={channel}{seq}")).Json.Told());
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Seq_beyond_the_end_is_told_next_seq_at_once(string store)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        Assert.Equal("next_seq 1", (await server.PollAsync(("cname", channel), ("seq", "2"))).Told());
        await server.PushAsync(channel, "one");
        Assert.Equal("next_seq 2", (await server.PollAsync(("cname", channel), ("seq", "3"))).Told());
        Assert.Equal("next_seq 2", (await server.PollAsync(("cname", channel), ("seq", $"{long.MaxValue}"))).Told());
    }

    [Fact]
    public async Task Seq_of_messages_that_are_no_longer_kept_is_answered_with_those_that_are()
    {
        await using var server = await IcometServer.StartAsync("Memory", "CComet:History:MaxMessages=2");
        foreach (var text in (string[])["one", "two", "three"]) await server.PushAsync("c", text);
        Assert.Equal(["data 2", "data 3"], (await server.PollAsync(("cname", "c"), ("seq", "1"))).EnumerateArray().Select(IcometReading.Told));
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Client_that_asks_again_and_again_gets_each_message_once_and_in_order(string store)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        var pushing = Task.Run(async () =>
        {
            for (var i = 1; i <= 100; i++) await server.PushAsync(channel, $"{i}");
        });
        var (seq, got) = (1L, new List<string>());
        while (got.Count < 100)
        {
            var answer = await server.PollAsync(("cname", channel), ("seq", $"{seq}"));
            foreach (var element in answer.ValueKind == System.Text.Json.JsonValueKind.Array ? [.. answer.EnumerateArray()] : new[] { answer })
            {
                Assert.Equal($"data {seq++}", element.Told());
                got.Add(element.Content());
            }
        }

        await pushing;
        Assert.Equal(Enumerable.Range(1, 100).Select(i => $"{i}"), got);
    }

    [Fact]
    public async Task Message_pushed_at_one_node_ends_a_poll_at_the_other()
    {
        await using var nodes = await IcometNodes.StartAsync();
        var polling = await nodes.B.ParkAsync("c", ("seq", "1"));
        await nodes.A.PushAsync("c", "across");
        var told = await polling;
        Assert.Equal(("data 1", "across"), (told.ValueKind == System.Text.Json.JsonValueKind.Array ? told[0].Told() : told.Told(), told.ValueKind == System.Text.Json.JsonValueKind.Array ? told[0].Content() : told.Content()));
    }

    [Fact]
    public async Task Pages_of_other_origins_may_read_the_answer()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/ping") { Headers = { { "Origin", "https://app.example" } } };
        using var answer = await stores["Memory"].Front.SendAsync(request);
        Assert.Equal("*", answer.Headers.GetValues("Access-Control-Allow-Origin").Single());
    }
}
