using System.Text.Json;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary><c>/stream</c>, <c>/sse</c> and <c>/iframe</c>: what comes, framed, for as long as the client stays.</summary>
public sealed class StreamTests(IcometStores stores) : IClassFixture<IcometStores>
{
    public static TheoryData<string, string> Streams => IcometReading.Pairs(["Memory", "Sqlite"], "/stream", "/sse", "/iframe");

    [Theory]
    [InlineData("/stream", "application/json; charset=utf-8", "{0}\n")]
    [InlineData("/sse", "text/event-stream; charset=utf-8", "data: {0}\n\n")]
    [InlineData("/iframe", "text/html; charset=utf-8", "<!doctype html><html><head><meta charset=\"utf-8\"><title>icomet</title></head><body>\n<script>parent.icomet_cb({0});</script>\n")]
    public async Task Stream_frames_each_object_to_the_byte(string path, string type, string framing)
    {
        var (server, channel) = (stores["Memory"], Asking.NewChannel());
        using var stream = await OpenAnswer.GetAsync($"{server.FrontUrl}{path}?cname={channel}");
        Assert.Equal(type, stream.Head.Content.Headers.ContentType!.ToString());
        Assert.True(stream.Head.Headers.TransferEncodingChunked);
        Assert.Equal("no-cache, no-transform", string.Join(", ", stream.Head.Headers.CacheControl!.ToString().Split(", ").Order(StringComparer.Ordinal)));
        Assert.Equal("no", stream.Head.Headers.GetValues("X-Accel-Buffering").Single());
        Assert.Equal("nosniff", stream.Head.Headers.GetValues("X-Content-Type-Options").Single());
        await server.UntilWaitingAsync(channel, 1);
        await server.PushAsync(channel, "m");
        foreach (var line in framing.Replace("{0}", $$"""{"type":"data","cname":"{{channel}}","seq":1,"content":"m"}""", StringComparison.Ordinal).Split('\n')[..^1])
            Assert.Equal(line, await stream.LineAsync());
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_gives_the_backlog_and_then_what_comes_in_order(string store, string path)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        await server.PushAsync(channel, "1");
        await server.PushAsync(channel, "2");
        await server.PushAsync(channel, "3");
        using var stream = await OpenAnswer.GetAsync($"{server.FrontUrl}{path}?cname={channel}&seq=2");
        for (var i = 2; i <= 40; i++)
        {
            if (i > 3) await server.PushAsync(channel, $"{i}");
            var told = await NextAsync(stream, path);
            Assert.Equal(($"data {i}", $"{i}"), (told.Told(), told.Content()));
        }
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_from_now_on_begins_with_next_seq_where_there_are_messages(string store, string path)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        await server.PushAsync(channel, "old");
        foreach (var seq in (string[])["", "&seq=0"])
        {
            using var stream = await OpenAnswer.GetAsync($"{server.FrontUrl}{path}?cname={channel}{seq}");
            Assert.Equal("next_seq", (await NextAsync(stream, path)).Type());
        }

        using var beyond = await OpenAnswer.GetAsync($"{server.FrontUrl}{path}?cname={channel}&seq=9");
        Assert.Equal("next_seq 2", (await NextAsync(beyond, path)).Told());
        await server.PushAsync(channel, "new");
        Assert.Equal("data 2", (await NextAsync(beyond, path)).Told());
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task Client_that_stays_for_an_hour_is_told_noop_counted_from_its_number_and_then_what_comes(string store, string path)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        var begun = time.GetUtcNow();
        await using var server = await IcometServer.StartAsync(time, store);
        using var stream = await OpenAnswer.GetAsync($"{server.FrontUrl}{path}?cname=c&noop=5");
        await server.UntilWaitingAsync("c", 1);
        var noop = 5;
        while (time.GetUtcNow() - begun < TimeSpan.FromHours(1)) Assert.Equal($"noop {noop++}", (await time.UntilAsync(NextAsync(stream, path))).Told());
        await server.PushAsync("c", "late");

        // Some may have been on their way.
        while (await NextAsync(stream, path) is var told && told.Told() != "data 1") Assert.Equal($"noop {noop++}", told.Told());
    }

    [Fact]
    public async Task Stream_of_one_node_is_told_what_is_pushed_at_the_other()
    {
        await using var nodes = await IcometNodes.StartAsync();
        using var stream = await nodes.B.StreamAsync("c");
        foreach (var i in Enumerable.Range(1, 20))
        {
            await nodes.A.PushAsync("c", $"{i}");
            Assert.Equal($"data {i}", (await stream.JsonAsync()).Told());
        }
    }

    /// <summary>The next object, out of its framing.</summary>
    private static async Task<JsonElement> NextAsync(OpenAnswer stream, string path)
    {
        if (path == "/stream") return await stream.JsonAsync();
        if (path == "/sse") return (await stream.DataAsync()).Data;
        string? line;
        do line = await stream.LineAsync();
        while (line?.StartsWith("<!doctype", StringComparison.Ordinal) == true);
        return IcometReading.ArgumentOf(line!, "<script>parent.icomet_cb(", ");</script>");
    }
}
