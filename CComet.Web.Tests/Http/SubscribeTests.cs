using System.Globalization;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Http;

/// <summary>The cursor at which a poll begins, and the notices it gets for messages that it cannot have.</summary>
public sealed class SubscribeTests(WireFixture wire) : IClassFixture<WireFixture>
{
    private readonly string _channel = Asking.NewChannel();

    private HttpClient Http => wire.Http;

    [Fact]
    public async Task Poll_without_a_seqid_begins_now()
    {
        var epoch = await PublishAsync(Http, _channel, 2);
        var answer = await Http.PeekAsync(_channel);
        Assert.Empty(answer.Elements);
        Assert.Equal($"{epoch}:2", answer.Header("CComet-Cursor"));
    }

    [Fact]
    public async Task Poll_with_a_seqid_has_everything_from_there_on_at_once()
    {
        var epoch = await PublishAsync(Http, _channel, 3);
        var answer = await Http.AskAsync($"/sub?channel={_channel}&seqid=1");
        Assert.Equal(["m1", "m2"], answer.Elements.Select(e => e.GetProperty("msg").GetString()));
        Assert.Equal($"{epoch}:3", answer.Header("CComet-Cursor"));
        Assert.Equal(("no-store", "nosniff"), (answer.Header("Cache-Control"), answer.Header("X-Content-Type-Options")));
    }

    [Fact]
    public async Task Message_has_exactly_the_members_of_the_contract()
    {
        var before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        await Http.PublishAsync(_channel, "hello", ("sname", "alice"));
        await Http.PublishAsync(_channel, "bye");
        var messages = (await Http.PeekAsync(_channel, ("seqid", "0"))).Elements;
        var times = messages.Select(m => m.GetProperty("time").GetInt64()).ToArray();
        Assert.All(times, t => Assert.InRange(t, before, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()));
        Assert.Equal($$"""{"type":"MSG","channel":"{{_channel}}","sname":"alice","msg":"hello","seqid":0,"time":{{times[0]}}}""", messages[0].GetRawText());
        Assert.Equal($$"""{"type":"MSG","channel":"{{_channel}}","msg":"bye","seqid":1,"time":{{times[1]}}}""", messages[1].GetRawText());
    }

    [Fact]
    public async Task Cursor_of_one_answer_is_where_the_next_begins()
    {
        await PublishAsync(Http, _channel, 1);
        var cursor = (await Http.PeekAsync(_channel, ("seqid", "0"))).Header("CComet-Cursor")!;
        await Http.PublishAsync(_channel, "next");
        var (epoch, seqid) = (cursor.Split(':')[0], cursor.Split(':')[1]);
        foreach (var place in (string[])[$"cursor={cursor}", $"epoch={epoch}&seqid={seqid}", $"seqid={seqid}"])
            Assert.Equal("next", Assert.Single((await Http.AskAsync($"/sub?channel={_channel}&{place}")).Elements).GetProperty("msg").GetString());
    }

    [Fact]
    public async Task Seqid_at_the_end_waits_and_one_beyond_it_is_error_402()
    {
        await PublishAsync(Http, _channel, 1);
        Assert.Empty((await Http.PeekAsync(_channel, ("seqid", "1"))).Elements);
        foreach (var seqid in (string[])["2", "9223372036854775807"]) (await Http.PeekAsync(_channel, ("seqid", seqid))).AssertProblem(409, "seqid", "402");
        Assert.Empty((await Http.PeekAsync(Asking.NewChannel(), ("seqid", "0"))).Elements);
        (await Http.PeekAsync(Asking.NewChannel(), ("seqid", "1"))).AssertProblem(409, "seqid", "402");
    }

    [Theory]
    [InlineData("epoch=other&seqid=0")]
    [InlineData("epoch=other&seqid=1")]
    [InlineData("epoch=other&seqid=9223372036854775807")]
    [InlineData("epoch=other")]
    [InlineData("cursor=other:1")]
    [InlineData("cursor=%F0%9F%98%80:1")]
    public async Task Foreign_epoch_is_told_as_a_reset_and_then_everything_kept(string place)
    {
        var epoch = await PublishAsync(Http, _channel, 2);
        var answer = await Http.AskAsync($"/sub?channel={_channel}&{place}");
        Assert.Equal(["RESET", "MSG", "MSG"], answer.Types());
        Assert.Equal($$"""{"type":"RESET","channel":"{{_channel}}","epoch":"{{epoch}}","seqid":0}""", answer.Elements[0].GetRawText());
        Assert.Equal($"{epoch}:2", answer.Header("CComet-Cursor"));
    }

    [Fact]
    public async Task Seqid_that_the_epoch_has_not_reached_is_told_as_a_reset_too()
    {
        var epoch = await PublishAsync(Http, _channel, 1);
        var answer = await Http.AskAsync(Asking.Path("/sub", ("channel", _channel), ("cursor", $"{epoch}:5")));
        Assert.Equal(["RESET", "MSG"], answer.Types());
        Assert.Equal($"{epoch}:1", answer.Header("CComet-Cursor"));
    }

    [Theory]
    [InlineData("CComet:History:MaxMessages=3")]
    [InlineData("CComet:History:MaxBytes=250")]
    public async Task Gap_is_told_first_for_what_the_history_no_longer_holds(string bound)
    {
        await using var factory = new CCometFactory(bound);
        using var http = factory.CreateClient();
        var epoch = await PublishAsync(http, "c", 10);
        foreach (var place in (string[])["seqid=2", $"cursor={epoch}:2"])
        {
            var answer = await http.AskAsync($"/sub?channel=c&{place}");
            Assert.Equal($$"""{"type":"GAP","channel":"c","epoch":"{{epoch}}","from":2,"to":6,"seqid":6}""", answer.Elements[0].GetRawText());
            Assert.Equal(["m7", "m8", "m9"], answer.Elements[1..].Select(e => e.GetProperty("msg").GetString()));
            Assert.Equal($"{epoch}:10", answer.Header("CComet-Cursor"));
        }
    }

    [Fact]
    public async Task Message_past_its_age_is_a_gap_even_when_nothing_follows_it()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var factory = new CCometFactory(time, "CComet:History:MaxAge=00:10:00");
        using var http = factory.CreateClient();
        var epoch = await PublishAsync(http, "c", 2);
        time.Advance(TimeSpan.FromMinutes(9));
        await http.PublishAsync("c", "young");
        time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(["GAP", "MSG"], (await http.AskAsync("/sub?channel=c&seqid=0")).Types());
        time.Advance(TimeSpan.FromMinutes(10));
        var answer = await http.AskAsync($"/sub?channel=c&cursor={epoch}:0");
        Assert.Equal($$"""{"type":"GAP","channel":"c","epoch":"{{epoch}}","from":0,"to":2,"seqid":2}""", Assert.Single(answer.Elements).GetRawText());
        Assert.Equal($"{epoch}:3", answer.Header("CComet-Cursor"));
    }

    [Fact]
    public async Task Several_channels_are_paired_with_their_places_by_position()
    {
        string[] channels = [Asking.NewChannel(), Asking.NewChannel(), Asking.NewChannel()];
        var epochs = new List<string>();
        foreach (var channel in channels) epochs.Add(await PublishAsync(Http, channel, 3));
        var all = string.Join('&', channels.Select(c => $"channel={c}"));

        Assert.Equal(["0:m1", "0:m2", "2:m2"], Brief(channels, await Http.AskAsync($"/sub?{all}&seqid=1&seqid=&seqid=2")));
        Assert.Equal(["0:RESET", "0:m0", "0:m1", "0:m2", "1:m2"], Brief(channels, await Http.AskAsync($"/sub?{all}&epoch=other&epoch=&epoch={epochs[2]}&seqid=&seqid=2&seqid=3")));
        Assert.Equal(["1:m2", "2:m1", "2:m2"], Brief(channels, await Http.AskAsync($"/sub?{all}&cursor=&cursor={epochs[1]}:2&cursor={epochs[2]}:1")));
        (await Http.AskAsync($"/sub?{all}&seqid=0&seqid=9&seqid=0")).AssertProblem(409, "seqid", "402");
    }

    [Fact]
    public async Task Combined_cursor_goes_round_whatever_the_channels_are_called()
    {
        string[] channels = ["a,b=c", "50%", "%2C", "😀", "a:1", "ü ö+", "?&#/\\\"'<>", "\u2028", "="];
        (string, string)[] query = [.. channels.Select(c => ("channel", c)), ("wait", "0")];
        await using var factory = new CCometFactory();
        using var http = factory.CreateClient();
        var cursor = (await http.AskAsync(Asking.Path("/sub", query))).Header("CComet-Cursor")!;
        for (var round = 1; round <= 2; round++)
        {
            foreach (var channel in channels) await http.PublishAsync(channel, $"{round}");
            var answer = await http.AskAsync(Asking.Path("/sub", [.. query, ("cursor", cursor)]));
            Assert.Equal(channels.Select((_, i) => $"{i}:{round}"), Brief(channels, answer));
            cursor = answer.Header("CComet-Cursor")!;
            Assert.All(cursor, c => Assert.True(char.IsAscii(c) && !char.IsControl(c) && c != ' '));
        }
    }

    [Fact]
    public async Task Combined_cursor_is_of_use_to_fewer_channels_and_to_more()
    {
        var epoch = await PublishAsync(Http, _channel, 2);
        var cursor = $"{_channel}={epoch}:1,gone=x:7";
        Assert.Equal(["0:m1"], Brief([_channel], await Http.AskAsync(Asking.Path("/sub", ("channel", _channel), ("cursor", cursor)))));
        Assert.Equal(["1:m1"], Brief(["new", _channel], await Http.AskAsync(Asking.Path("/sub", ("channel", "new"), ("channel", _channel), ("cursor", cursor)))));
    }

    [Fact]
    public async Task Up_to_64_channels_are_one_poll()
    {
        var channels = Enumerable.Range(0, 64).Select(_ => Asking.NewChannel()).ToArray();
        var poll = Http.AskAsync(Asking.Path("/sub", [.. channels.Select(c => ("channel", c))]));
        await Eventually.TrueAsync(() => channels.All(c => wire.Factory.Hub.Find(c)?.Waiting == 1), "Parking in every channel");
        await Http.PublishAsync(channels[63], "m");
        Assert.Equal(["63:m"], Brief(channels, await poll));
        await Eventually.TrueAsync(() => channels.All(c => wire.Factory.Hub.Find(c) is { Waiting: 0, Subscribers: 0 }), "Leaving of every channel");
    }

    [Fact]
    public async Task History_larger_than_one_answer_comes_in_several_without_loss()
    {
        await using var factory = new CCometFactory("CComet:History:MaxBytes=20000000", "CComet:History:MaxMessages=1000");
        using var http = factory.CreateClient();
        for (var i = 0; i < 150; i++) await http.AskAsync("/pub?channel=c", Asking.Body($"{i}:{new string('x', 60_000)}", "text/plain"));
        var seen = 0;
        for (var cursor = "seqid=0"; seen < 150;)
        {
            var answer = await http.AskAsync($"/sub?channel=c&wait=0&{cursor}");
            foreach (var message in answer.Elements) Assert.StartsWith(string.Create(CultureInfo.InvariantCulture, $"{seen++}:"), message.GetProperty("msg").GetString(), StringComparison.Ordinal);
            cursor = $"cursor={answer.Header("CComet-Cursor")}";
        }
    }

    /// <summary>Publishes m0, m1, … and gives the epoch.</summary>
    private static async Task<string> PublishAsync(HttpClient http, string channel, int messages)
    {
        var epoch = "";
        for (var i = 0; i < messages; i++) epoch = (await http.PublishAsync(channel, $"m{i}")).GetProperty("epoch").GetString()!;
        return epoch;
    }

    /// <summary>Each element as the number of its channel and its msg, or its type when it has none.</summary>
    private static string[] Brief(string[] channels, Answer answer) =>
        [.. answer.Elements.Select(e => $"{Array.IndexOf(channels, e.GetProperty("channel").GetString()!)}:{(e.TryGetProperty("msg", out var msg) ? msg : e.GetProperty("type")).GetString()}")];
}
