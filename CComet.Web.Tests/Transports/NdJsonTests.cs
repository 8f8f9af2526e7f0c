using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Transports;

/// <summary>The stream of one JSON object a line, as it lies on the wire.</summary>
public sealed class NdJsonTests
{
    [Fact]
    public async Task Stream_is_the_cursor_and_then_one_message_a_line()
    {
        await using var server = await LiveServer.StartAsync();
        using var stream = await OpenAnswer.GetAsync($"{server.Url}/stream?channel=a", ("Accept-Encoding", "gzip, br"));
        Assert.Equal("application/x-ndjson", stream.Head.Content.Headers.ContentType?.MediaType);
        Assert.Equal("no", stream.Head.Headers.GetValues("X-Accel-Buffering").Single());
        Assert.Empty(stream.Head.Content.Headers.ContentEncoding);

        var cursor = await stream.LineAsync();
        var epoch = (await server.PublishAsync("a", "line\nbreak")).GetProperty("epoch").GetString();
        await server.PublishAsync("a", "two", "bob");
        Assert.Equal($$"""{"type":"CURSOR","channel":"a","epoch":"{{epoch}}","seqid":0}""", cursor);
        Assert.Equal("line\nbreak", (await stream.JsonAsync()).GetProperty("msg").GetString());
        var second = await stream.JsonAsync();
        Assert.Equal((1, "bob"), (second.GetProperty("seqid").GetInt64(), second.GetProperty("sname").GetString()));
    }

    [Fact]
    public async Task Silent_stream_repeats_its_cursor()
    {
        await using var server = await LiveServer.StartAsync("CComet:Stream:Heartbeat=00:00:00.1");
        using var stream = await OpenAnswer.GetAsync($"{server.Url}/stream?channel=a&channel=b");
        var (first, second) = (await stream.LineAsync(), await stream.LineAsync());
        Assert.Equal((first, second), (await stream.LineAsync(), await stream.LineAsync()));

        await server.PublishAsync("b", "one");
        var line = await stream.JsonAsync();
        while (line.GetProperty("type").GetString() == "CURSOR") line = await stream.JsonAsync();
        Assert.Equal("one", line.GetProperty("msg").GetString());

        // From here on the heartbeat tells the new place.
        Assert.Equal(("a", 0), Place(await stream.JsonAsync()));
        Assert.Equal(("b", 1), Place(await stream.JsonAsync()));

        static (string?, long) Place(System.Text.Json.JsonElement cursor) => (cursor.GetProperty("channel").GetString(), cursor.GetProperty("seqid").GetInt64());
    }

    [Fact]
    public async Task Gap_and_reset_are_lines_before_anything_newer()
    {
        await using var server = await LiveServer.StartAsync("CComet:History:MaxMessages=2");
        var epoch = "";
        for (var i = 0; i < 5; i++) epoch = (await server.PublishAsync("a", i)).GetProperty("epoch").GetString();

        using var behind = await OpenAnswer.GetAsync($"{server.Url}/stream?channel=a&seqid=1");
        Assert.Equal($$"""{"type":"CURSOR","channel":"a","epoch":"{{epoch}}","seqid":1}""", await behind.LineAsync());
        Assert.Equal($$"""{"type":"GAP","channel":"a","epoch":"{{epoch}}","from":1,"to":2,"seqid":2}""", await behind.LineAsync());
        Assert.Equal(3, (await behind.JsonAsync()).GetProperty("seqid").GetInt64());

        using var elsewhere = await OpenAnswer.GetAsync($"{server.Url}/stream?channel=a&cursor=elsewhere:9");
        Assert.Equal("""{"type":"CURSOR","channel":"a","epoch":"elsewhere","seqid":9}""", await elsewhere.LineAsync());
        Assert.Equal($$"""{"type":"RESET","channel":"a","epoch":"{{epoch}}","seqid":0}""", await elsewhere.LineAsync());
        Assert.Equal($$"""{"type":"GAP","channel":"a","epoch":"{{epoch}}","from":0,"to":2,"seqid":2}""", await elsewhere.LineAsync());
        Assert.Equal(3, (await elsewhere.JsonAsync()).GetProperty("seqid").GetInt64());
    }

    [Fact]
    public async Task Newest_of_a_name_ends_the_older_with_a_line()
    {
        await using var server = await LiveServer.StartAsync();
        using var old = await OpenAnswer.GetAsync($"{server.Url}/stream?channel=a&sname=alice");
        await old.LineAsync();
        await Eventually.TrueAsync(() => server.Hub.Find("a")?.Waiting == 1, "The first waits");
        using var young = await OpenAnswer.GetAsync($"{server.Url}/stream?channel=a&sname=alice");
        Assert.Equal("409", (await old.JsonAsync()).GetProperty("type").GetString());
        Assert.Null(await old.LineAsync());
    }
}
