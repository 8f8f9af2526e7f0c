using System.Text.Json;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Http.Admin;

/// <summary>What an administrator sees of channels, and does to one.</summary>
public sealed class AdminChannelTests : IAsyncLifetime
{
    private LiveServer _server = null!;

    public static readonly TheoryData<string> Names = ["a", "a/b", "../..", "100%", "?x=1#y", "é 😀", "%2F", "+ &"];

    public async Task InitializeAsync() => _server = await LiveServer.StartAsync("CComet:Stream:Heartbeat=00:05:00");

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Channels_are_listed_by_name_page_after_page()
    {
        for (var i = 0; i < 5; i++) await _server.PublishAsync($"c{i}", "m");
        await _server.PublishAsync("d", "m");
        using var follower = await Follower.OpenAsync("/stream", _server.Port, "channel=c11");
        var first = (await _server.Http.AskAsync("/admin/channels?prefix=c&limit=3")).Json;
        Assert.Equal(["c0", "c1", "c11"], NamesOf(first));
        Assert.Equal("c11", first.Text("next"));
        var open = first.GetProperty("channels")[2];
        Assert.Equal((0L, 0L, 1L), (open.Number("next"), open.Number("bytes"), open.Number("subscribers")));
        var second = (await _server.Http.AskAsync("/admin/channels?prefix=c&limit=3&after=c11")).Json;
        Assert.Equal(["c2", "c3", "c4"], NamesOf(second));
        Assert.Null(second.Text("next"));
        Assert.Equal(["c0", "c1", "c11", "c2", "c3", "c4", "d"], NamesOf((await _server.Http.AskAsync("/admin/channels")).Json));
        Assert.Empty(NamesOf((await _server.Http.AskAsync("/admin/channels?prefix=%24ccomet")).Json));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Channel_is_told_of_by_any_name(string channel)
    {
        var receipt = await _server.PublishAsync(channel, "m");
        var told = (await _server.Http.AskAsync(AdminServer.PathOf(channel))).Json;
        Assert.Equal((channel, receipt.Text("epoch"), 0L, 1L), (told.Text("channel"), told.Text("epoch"), told.Number("first"), told.Number("next")));
        Assert.InRange(told.Number("bytes"), 1, 1_000);
        var message = Assert.Single((await _server.Http.AskAsync(AdminServer.PathOf(channel, "/messages"))).Json.GetProperty("messages").EnumerateArray());
        Assert.Equal((channel, "m", message.Number("time")), (message.Text("channel"), message.Text("msg"), told.Number("time")));
    }

    [Fact]
    public async Task Subscribers_are_counted_by_their_transport()
    {
        var channel = Asking.NewChannel();
        using var events = await Follower.OpenAsync("/sse", _server.Port, $"channel={channel}");
        using var lines = await Follower.OpenAsync("/stream", _server.Port, $"channel={channel}&channel=other");
        using var socket = await Follower.OpenAsync("/ws", _server.Port, $"channel={channel}");
        var poll = _server.Http.AskAsync($"/sub?channel={channel}");
        var named = _server.Http.AskAsync($"/sub?channel={channel}&sname=ann");
        var script = _server.Http.AskAsync($"/sub?channel={channel}&seqid=0&callback=f");
        await _server.WaitingAsync(channel, 6);
        int[] expected = [6, 2, 1, 1, 1, 1];
        var told = (await _server.Http.AskAsync(AdminServer.PathOf(channel))).Json;
        Assert.Equal(expected, Counts(told, "subscribers"));
        Assert.Equal(expected, Counts(told, "here"));
        Assert.Equal(expected, Counts((await _server.Http.AskAsync("/admin/stats")).Json, "subscribers"));
        await _server.PublishAsync(channel, "m");
        await Task.WhenAll(poll, named, script);
        await Eventually.TrueAsync(async () => Counts((await _server.Http.AskAsync(AdminServer.PathOf(channel))).Json, "subscribers") is [3, 0, 0, 1, 1, 1], "Polls are over");
    }

    [Fact]
    public async Task Newest_messages_are_shown_in_their_order()
    {
        var channel = Asking.NewChannel();
        for (var i = 0; i < 5; i++) await _server.PublishAsync(channel, $"{i}");
        var told = (await _server.Http.AskAsync(AdminServer.PathOf(channel, "/messages?limit=2"))).Json;
        Assert.Equal((0L, 5L), (told.Number("first"), told.Number("next")));
        Assert.Equal(["3", "4"], told.GetProperty("messages").EnumerateArray().Select(m => m.Text("msg")));
    }

    [Fact]
    public async Task Unknown_channel_is_404()
    {
        foreach (var action in (string[])["", "/messages"]) (await _server.Http.AskAsync(AdminServer.PathOf("none", action))).AssertProblem(404, "channel");
        foreach (var action in (string[])["/clear", "/close"]) (await _server.Http.PostAsync(AdminServer.PathOf("none", action))).AssertProblem(404, "channel");
        Assert.Equal(0, _server.Hub.ChannelCount);
    }

    [Theory]
    [MemberData(nameof(Follower.Paths), MemberType = typeof(Follower))]
    public async Task Clear_begins_a_new_epoch_and_subscribers_are_told(string path)
    {
        var channel = Asking.NewChannel();
        var before = await _server.PublishAsync(channel, "old");
        using var follower = await Follower.OpenAsync(path, _server.Port, $"channel={channel}");
        var cleared = (await _server.Http.PostAsync(AdminServer.PathOf(channel, "/clear"))).Json;
        Assert.Equal((1L, 0L), (cleared.Number("cleared"), cleared.Number("next")));
        Assert.NotEqual(before.Text("epoch"), cleared.Text("epoch"));
        var reset = await follower.ElementAsync();
        Assert.Equal(("RESET", cleared.Text("epoch")), (reset.Text("type"), reset.Text("epoch")));
        await _server.PublishAsync(channel, "new");
        Assert.Equal("new", (await follower.ElementAsync()).Text("msg"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("&sname=ann")]
    [InlineData("&channel=second")]
    public async Task Close_is_told_to_streams_behind_what_was_published_and_ends_them(string more)
    {
        var channel = Asking.NewChannel();
        using var events = await OpenAnswer.GetAsync($"{_server.Url}/sse?channel={channel}{more}");
        using var lines = await OpenAnswer.GetAsync($"{_server.Url}/stream?channel={channel}{more.Replace("=ann", "=bob", StringComparison.Ordinal)}");
        using var socket = await RawSocket.OpenAsync(_server.Port, $"channel={channel}{more.Replace("=ann", "=eve", StringComparison.Ordinal)}");
        await _server.WaitingAsync(channel, 3);
        await _server.PublishAsync(channel, "last");
        Assert.Equal(3, (await _server.Http.PostAsync(AdminServer.PathOf(channel, "/close"))).Json.Number("subscribers"));
        var isOver = !more.Contains("channel", StringComparison.Ordinal);
        if (!isOver)
        {
            // Another channel of the same subscribers goes on, and ends them when it is the last.
            await Eventually.TrueAsync(() => _server.Hub.Find(channel) is null, "The channel has gone");
            await _server.PublishAsync("second", "on");
            Assert.Equal(200, (await _server.Http.PostAsync(AdminServer.PathOf("second", "/close"))).Status);
        }

        string[] expected = isOver ? ["last", $"CLOSE {channel}"] : ["last", $"CLOSE {channel}", "on", "CLOSE second"];
        Assert.Equal(expected, Told(await EventsAsync(events)));
        Assert.Equal(expected, Told((await lines.RestAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)));
        var told = new List<JsonElement>();
        RawFrame? frame;
        for (frame = await socket.FrameAsync(); frame is { Opcode: not RawSocket.Close }; frame = await socket.FrameAsync()) told.AddRange(frame.Elements);
        Assert.Equal(expected, Told(told));
        Assert.Equal(1000, frame!.CloseCode);
        await Eventually.TrueAsync(() => _server.Hub.SubscriberCount == 0, "All have left");
    }

    [Fact]
    public async Task Close_answers_polls_of_every_kind()
    {
        var channel = Asking.NewChannel();
        var poll = _server.Http.AskAsync($"/sub?channel={channel}");
        var named = _server.Http.AskAsync($"/sub?channel={channel}&sname=ann");
        var several = _server.Http.AskAsync($"/sub?channel=other&channel={channel}");
        var script = _server.Http.AskAsync($"/sub?channel={channel}&seqid=0&callback=f");
        await _server.WaitingAsync(channel, 4);
        Assert.Equal(4, (await _server.Http.PostAsync(AdminServer.PathOf(channel, "/close"))).Json.Number("subscribers"));
        foreach (var answer in (Answer[])[await poll, await named, await several]) Assert.Equal([$"CLOSE {channel}"], Told(answer.Elements));
        Assert.Equal([$"CLOSE {channel}"], Told((await script).JsonpElements("f")));
        Assert.NotNull((await poll).Header("CComet-Cursor"));
    }

    [Fact]
    public async Task Close_lets_the_page_of_2014_ask_again()
    {
        var channel = Asking.NewChannel();
        var poll = _server.Http.AskAsync($"/subscribe?channel={channel}&sname=ann&seqid=0&callback=f");
        await _server.WaitingAsync(channel, 1);
        await _server.Http.PostAsync(AdminServer.PathOf(channel, "/close"));
        var answer = await poll;
        Assert.Equal((200, "/**/"), (answer.Status, answer.Text));
    }

    [Fact]
    public async Task Closed_channel_keeps_its_messages_and_takes_subscribers()
    {
        var channel = Asking.NewChannel();
        using (var first = await Follower.OpenAsync("/stream", _server.Port, $"channel={channel}"))
        {
            await _server.PublishAsync(channel, "0");
            await _server.Http.PostAsync(AdminServer.PathOf(channel, "/close"));
            Assert.Equal("0", (await first.ElementAsync()).Text("msg"));
        }

        using var second = await Follower.OpenAsync("/stream", _server.Port, $"channel={channel}&seqid=0");
        Assert.Equal("0", (await second.ElementAsync()).Text("msg"));
        await _server.PublishAsync(channel, "1");
        Assert.Equal("1", (await second.ElementAsync()).Text("msg"));
    }

    [Fact]
    public async Task Publish_stores_and_answers_as_pub_does()
    {
        using var follower = await Follower.OpenAsync("/stream", _server.Port, "channel=a%2Fb");
        var receipt = Assert.Single((await _server.Http.PostAsync(AdminServer.PathOf("a/b", "/publish"), """{"msg":{"n":1},"sname":"op","id":"x","channel":"elsewhere"}""")).Elements);
        Assert.Equal(("a/b", 0L), (receipt.Text("channel"), receipt.Number("seqid")));
        var message = await follower.ElementAsync();
        Assert.Equal((1L, "op"), (message.GetProperty("msg").Number("n"), message.Text("sname")));
        Assert.True(Assert.Single((await _server.Http.PostAsync(AdminServer.PathOf("a/b", "/publish"), """{"msg":"again","id":"x"}""")).Elements).GetProperty("duplicate").GetBoolean());
        Assert.Equal([1L, 2L], (await _server.Http.PostAsync(AdminServer.PathOf("a/b", "/publish"), """[{"msg":"1"},{"msg":"2"}]""")).Elements.Select(r => r.Number("seqid")));
    }

    [Fact]
    public async Task Broadcast_reaches_every_open_channel()
    {
        using var one = await Follower.OpenAsync("/stream", _server.Port, "channel=one");
        using var two = await Follower.OpenAsync("/sse", _server.Port, "channel=two");
        Assert.Equal(2, (await _server.Http.PostAsync("/admin/broadcast", """{"msg":{"down":true}}""")).Json.Number("channels"));
        foreach (var follower in (Follower[])[one, two]) Assert.True((await follower.ElementAsync()).GetProperty("msg").GetProperty("down").GetBoolean());
    }

    [Theory]
    [InlineData("GET", "/admin/channels?limit=0", null, 400, "limit")]
    [InlineData("GET", "/admin/channels?limit=1001", null, 400, "limit")]
    [InlineData("GET", "/admin/channels?limit=x", null, 400, "limit")]
    [InlineData("GET", "/admin/channels?limit=1&limit=2", null, 400, "limit")]
    [InlineData("GET", "/admin/channels?prefix=%00", null, 400, "prefix")]
    [InlineData("GET", "/admin/channels?after=%FF", null, 400, "after")]
    [InlineData("GET", "/admin/channels/%FF", null, 400, "channel")]
    [InlineData("GET", "/admin/channels/%0A", null, 400, "channel")]
    [InlineData("GET", "/admin/channels/a/messages?limit=101", null, 400, "limit")]
    [InlineData("GET", "/admin/channels/%24ccomet.nodes", null, 403, "channel")]
    [InlineData("POST", "/admin/channels/%24ccomet.nodes/close", "{}", 403, "channel")]
    [InlineData("POST", "/admin/kick", "{}", 400, "user")]
    [InlineData("POST", "/admin/kick", """{"user":"a","channel":"b"}""", 400, "channel")]
    [InlineData("POST", "/admin/kick", """{"user":["a"]}""", 400, "user")]
    [InlineData("POST", "/admin/broadcast", "{}", 400, "msg")]
    [InlineData("POST", "/admin/broadcast", "nope", 400, "body")]
    [InlineData("POST", "/admin/channels/a/publish", "{}", 400, "msg")]
    [InlineData("POST", "/admin/explain", """{"channel":"a"}""", 400, "verb")]
    [InlineData("POST", "/admin/explain", """{"verb":"write","channel":"a"}""", 400, "verb")]
    [InlineData("POST", "/admin/explain", """{"verb":"publish"}""", 400, "channel")]
    [InlineData("POST", "/admin/drain", """{"node":"none"}""", 404, "node")]
    public async Task Bad_input_is_refused_by_name(string method, string path, string? body, int status, string parameter) =>
        (await _server.Http.AskAsync(new HttpMethod(method), path, body is null ? null : Asking.Body(body))).AssertProblem(status, parameter);

    private static IEnumerable<string?> NamesOf(JsonElement page) => page.GetProperty("channels").EnumerateArray().Select(channel => channel.Text("channel"));

    private static int[] Counts(JsonElement told, string member) => [.. ((string[])["total", "poll", "jsonp", "sse", "stream", "websocket"]).Select(name => (int)told.GetProperty(member).Number(name))];

    private static IEnumerable<string> Told(IEnumerable<JsonElement> elements) => elements
        .Where(element => element.Text("type") != "CURSOR")

        // Nothing is promised about the order of two channels.
        .OrderBy(element => element.Text("channel") == "second")
        .Select(element => element.Text("type") == "MSG" ? element.Text("msg")! : $"{element.Text("type")} {element.Text("channel")}");

    private static async Task<List<JsonElement>> EventsAsync(OpenAnswer events)
    {
        var found = new List<JsonElement>();
        ServerEvent? last = null;
        while (await events.EventAsync() is { } next)
        {
            last = next;
            if (!next.Fields.ContainsKey("data")) continue;
            Assert.Equal(next.Data.Text("type") == "CLOSE" ? "close" : null, next.Event);
            found.Add(next.Data);
        }

        Assert.Equal("30000", last?.Retry);
        return found;
    }
}
