using System.Net;
using System.Text.RegularExpressions;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Transports;

/// <summary>Server-sent events as they lie on the wire.</summary>
public sealed class EventStreamTests
{
    [Fact]
    public async Task Stream_is_retry_then_an_id_alone_then_messages_without_an_event_name_to_the_byte()
    {
        await using var server = await LiveServer.StartAsync();
        using var stream = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a");
        var retry = await stream.EventAsync();
        Assert.Matches(new Regex(@"\Aretry: [12]\d{3}\n\n\z"), retry!.Text);

        var epoch = (await server.PublishAsync("a", "Hi, \"☄\"\n</script>", "alice")).GetProperty("epoch").GetString();
        await server.PublishAsync("a", new { x = 1 });
        Assert.Equal($"id: {epoch}:0\n\n", (await stream.EventAsync())!.Text);
        Assert.Equal($"id: {epoch}:1\ndata: {await JsonOfAsync(server, 0)}\n\n", (await stream.EventAsync())!.Text);
        Assert.Equal($"id: {epoch}:2\ndata: {await JsonOfAsync(server, 1)}\n\n", (await stream.EventAsync())!.Text);
    }

    [Fact]
    public async Task Headers_keep_proxies_and_compressors_away()
    {
        await using var server = await LiveServer.StartAsync();
        using var stream = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a", ("Accept-Encoding", "gzip, br"));
        Assert.Equal(HttpStatusCode.OK, stream.Head.StatusCode);
        Assert.Equal("text/event-stream", stream.Head.Content.Headers.ContentType?.MediaType);
        Assert.Equal("utf-8", stream.Head.Content.Headers.ContentType?.CharSet);
        Assert.True(stream.Head.Headers.NonValidated.TryGetValues("Cache-Control", out var cache));
        Assert.Equal("no-cache, no-transform", cache.ToString());
        Assert.Equal("no", stream.Head.Headers.GetValues("X-Accel-Buffering").Single());
        Assert.Empty(stream.Head.Content.Headers.ContentEncoding);
        Assert.Null(stream.Head.Content.Headers.ContentLength);
    }

    [Fact]
    public async Task Client_that_knows_no_chunks_is_sent_none()
    {
        await using var server = await LiveServer.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{server.Url}/sse?channel=a") { Version = HttpVersion.Version10, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var answer = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.NotEqual(true, answer.Headers.TransferEncodingChunked);
        await Eventually.TrueAsync(() => server.Hub.Find("a")?.Waiting == 1, "Following");
        var epoch = (await server.PublishAsync("a", "m")).GetProperty("epoch").GetString();
        using var body = new StreamReader(await answer.Content.ReadAsStreamAsync());
        var lines = new List<string?>();
        while (lines.Count < 6) lines.Add(await body.ReadLineAsync());
        Assert.Equal(["", $"id: {epoch}:0", "", $"id: {epoch}:1", $"data: {await JsonOfAsync(server, 0)}"], lines[1..]);
    }

    [Fact]
    public async Task Poll_that_accepts_an_event_stream_gets_one()
    {
        await using var server = await LiveServer.StartAsync();
        using var stream = await OpenAnswer.GetAsync($"{server.Url}/sub?channel=a", ("Accept", "text/event-stream"));
        Assert.Equal("text/event-stream", stream.Head.Content.Headers.ContentType?.MediaType);
        await stream.BeginAsync();
        await server.PublishAsync("a", "one");
        Assert.Equal("one", (await stream.DataAsync()).Data.GetProperty("msg").GetString());
    }

    [Fact]
    public async Task Gap_is_an_event_of_its_own_with_the_cursor_behind_it()
    {
        await using var server = await LiveServer.StartAsync("CComet:History:MaxMessages=3");
        var epoch = "";
        for (var i = 0; i < 10; i++) epoch = (await server.PublishAsync("a", i)).GetProperty("epoch").GetString()!;
        using var stream = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a&seqid=2");
        Assert.Equal($"{epoch}:2", await stream.BeginAsync());
        Assert.Equal(
            $"event: gap\nid: {epoch}:7\ndata: {{\"type\":\"GAP\",\"channel\":\"a\",\"epoch\":\"{epoch}\",\"from\":2,\"to\":6,\"seqid\":6}}\n\n",
            (await stream.EventAsync())!.Text);
        for (var i = 7; i < 10; i++) Assert.Equal(i, (await stream.EventAsync())!.Seqid);
    }

    [Fact]
    public async Task Reset_is_an_event_of_its_own_and_everything_kept_follows()
    {
        await using var server = await LiveServer.StartAsync();
        var epoch = (await server.PublishAsync("a", "one")).GetProperty("epoch").GetString();
        using var stream = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a&cursor=elsewhere:7");
        await stream.BeginAsync();
        Assert.Equal(
            $"event: reset\nid: {epoch}:0\ndata: {{\"type\":\"RESET\",\"channel\":\"a\",\"epoch\":\"{epoch}\",\"seqid\":0}}\n\n",
            (await stream.EventAsync())!.Text);
        Assert.Equal($"{epoch}:1", (await stream.EventAsync())!.Id);
    }

    [Fact]
    public async Task First_id_of_a_foreign_epoch_is_the_clients_own_so_that_a_cut_behind_it_hides_no_reset()
    {
        await using var server = await LiveServer.StartAsync();
        await server.PublishAsync("a", "one");
        using var cut = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a&seqid=7&epoch=elsewhere");
        var id = await cut.BeginAsync();
        Assert.Equal("elsewhere:7", id);
        cut.Dispose();

        using var stream = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a", ("Last-Event-ID", id));
        Assert.Equal(id, await stream.BeginAsync());
        Assert.Equal("reset", (await stream.EventAsync())!.Event);
        Assert.Equal(0, (await stream.EventAsync())!.Seqid);
    }

    [Fact]
    public async Task Silent_stream_carries_comments()
    {
        await using var server = await LiveServer.StartAsync("CComet:Stream:Heartbeat=00:00:00.1");
        using var stream = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a");
        await stream.BeginAsync();
        for (var i = 0; i < 3; i++) Assert.Equal(":\n\n", (await stream.EventAsync())!.Text);
        await server.PublishAsync("a", "one");
        Assert.Equal(0, (await stream.DataAsync()).Seqid);
    }

    [Fact]
    public async Task Header_that_a_browser_reconnects_with_goes_before_the_address()
    {
        await using var server = await LiveServer.StartAsync();
        var epoch = "";
        for (var i = 0; i < 5; i++) epoch = (await server.PublishAsync("a", i)).GetProperty("epoch").GetString();

        using var byHeader = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a&seqid=0&epoch={epoch}&lastEventId={epoch}:1", ("Last-Event-ID", $"{epoch}:3"));
        Assert.Equal($"{epoch}:3", await byHeader.BeginAsync());
        Assert.Equal(3, (await byHeader.EventAsync())!.Seqid);

        using var byQuery = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a&seqid=0&lastEventId={epoch}:1");
        Assert.Equal(1, (await byQuery.DataAsync()).Seqid);

        // A browser that has seen no id sends no header, or an empty one.
        using var byEmpty = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a&cursor={epoch}:4", ("Last-Event-ID", ""));
        Assert.Equal(4, (await byEmpty.DataAsync()).Seqid);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("undefined")]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("seven")]
    [InlineData(":")]
    [InlineData("e:")]
    [InlineData("e:-1")]
    [InlineData("e:1:2")]
    [InlineData("e:99999999999999999999")]
    [InlineData("=")]
    [InlineData("a=")]
    [InlineData("a=e:1,a=e:2")]
    [InlineData("a=e:1,b")]
    [InlineData("%")]
    public async Task Id_that_is_no_cursor_counts_as_none(string id)
    {
        // An EventSource that is refused closes for good.
        await using var server = await LiveServer.StartAsync();
        var epoch = (await server.PublishAsync("a", "one")).GetProperty("epoch").GetString();
        foreach (var path in (string[])["/sse", "/stream"])
        {
            foreach (var channels in (string[])["channel=a", "channel=a&channel=b"])
            {
                using var byHeader = await OpenAnswer.GetAsync($"{server.Url}{path}?{channels}", ("Last-Event-ID", id));
                using var byQuery = await OpenAnswer.GetAsync($"{server.Url}{path}?{channels}&lastEventId={Uri.EscapeDataString(id)}");
                Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (byHeader.Head.StatusCode, byQuery.Head.StatusCode));
            }
        }

        using var fromNowOn = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a&lastEventId={Uri.EscapeDataString(id)}");
        Assert.Equal($"{epoch}:1", await fromNowOn.BeginAsync());

        // As if it had not been given: what else names a place does.
        using var fromAddress = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a&seqid=0&lastEventId={Uri.EscapeDataString(id)}");
        Assert.Equal(0, (await fromAddress.DataAsync()).Seqid);
    }

    [Fact]
    public async Task Ids_that_cannot_be_names_or_text_count_as_none()
    {
        await using var server = await LiveServer.StartAsync();
        foreach (var id in (string[])[$"{new string('e', 201)}:1", "e%00:1", "%C3%A9:1,%F0%9F%92%A5", "%FF:1", "a%FF", $"{new string('9', 5_000)}"])
        {
            using var stream = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a&lastEventId={id}");
            Assert.Equal(HttpStatusCode.OK, stream.Head.StatusCode);
        }
    }

    [Theory]
    [InlineData("/sse")]
    [InlineData("/stream")]
    public async Task Seqid_beyond_the_end_is_answered_before_the_stream_begins(string path)
    {
        await using var server = await LiveServer.StartAsync();
        await server.PublishAsync("a", "one");
        using var answer = await OpenAnswer.GetAsync($"{server.Url}{path}?channel=a&seqid=2");
        Assert.Equal(HttpStatusCode.Conflict, answer.Head.StatusCode);
        Assert.Equal("application/problem+json", answer.Head.Content.Headers.ContentType?.MediaType);
        Assert.Equal("402", (await answer.JsonAsync()).GetProperty("code").GetString());
    }

    [Fact]
    public async Task Newest_of_a_name_ends_the_older_and_asks_it_to_stay_away_for_long()
    {
        await using var server = await LiveServer.StartAsync();
        using var old = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a&sname=alice");
        await old.BeginAsync();
        await Eventually.TrueAsync(() => server.Hub.Find("a")?.Waiting == 1, "The first waits");
        using var young = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a&sname=alice");
        await young.BeginAsync();

        var close = await old.DataAsync();
        Assert.Equal("close", close.Event);
        Assert.Equal("30000", close.Retry);
        Assert.Null(close.Id);
        Assert.Equal("409", close.Data.GetProperty("type").GetString());
        Assert.Null(await old.EventAsync());
        await server.PublishAsync("a", "one");
        Assert.Equal(0, (await young.DataAsync()).Seqid);
    }

    /// <summary>A message as the log has it.</summary>
    private static async Task<string> JsonOfAsync(LiveServer server, int seqid)
    {
        var array = await server.Http.GetStringAsync(new Uri($"/sub?channel=a&seqid={seqid}", UriKind.Relative));
        var next = array.IndexOf(",{\"type\"", StringComparison.Ordinal);
        return next < 0 ? array[1..^2] : array[1..next];
    }
}
