using System.Text.Json;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Http;

public sealed class PublishTests(WireFixture wire) : IClassFixture<WireFixture>
{
    private readonly string _channel = Asking.NewChannel();

    private HttpClient Http => wire.Http;

    [Fact]
    public async Task Receipt_has_exactly_the_members_of_the_contract()
    {
        var epoch = "";
        for (var seqid = 0; seqid < 3; seqid++)
        {
            var answer = await Http.AskAsync($"/pub?channel={_channel}&msg=m");
            if (seqid == 0) epoch = answer.Elements[0].GetProperty("epoch").GetString();
            Assert.Equal($$"""[{"type":"pub","channel":"{{_channel}}","epoch":"{{epoch}}","seqid":{{seqid}}}]""" + "\n", answer.Text);
            Assert.Equal("no-store", answer.Header("Cache-Control"));
        }

        Assert.Equal(epoch, (await Http.PeekAsync(_channel)).Header("CComet-Cursor")!.Split(':')[0]);
    }

    [Fact]
    public async Task Raw_body_is_the_message_and_the_query_has_the_rest()
    {
        foreach (var type in (string?[])["text/plain", "text/html; charset=utf-8", "application/octet-stream", "application/xml", "image/svg+xml", null])
            Assert.Single((await Http.AskAsync($"/pub?channel={_channel}&sname=s", Asking.Body("a=b&c=%41 {}", type))).Elements);
        var kept = (await Http.PeekAsync(_channel, ("seqid", "0"))).Elements;
        Assert.Equal(6, kept.Length);
        Assert.All(kept, m => Assert.Equal(("a=b&c=%41 {}", "s"), (m.GetProperty("msg").GetString(), m.GetProperty("sname").GetString())));
    }

    [Fact]
    public async Task Message_in_body_and_query_is_one_too_many()
    {
        (await Http.AskAsync($"/pub?channel={_channel}&msg=m", Asking.Body("raw", "text/plain"))).AssertProblem(400, "msg");
        (await Http.AskAsync($"/pub?channel={_channel}", Asking.Body("channel=d&msg=m", "application/x-www-form-urlencoded"))).AssertProblem(400, "channel");
        (await Http.AskAsync($"/pub?channel={_channel}", Asking.Body("""{"channel":"d","msg":1}"""))).AssertProblem(400, "channel");
    }

    [Fact]
    public async Task POST_without_a_body_takes_everything_from_the_query() =>
        Assert.Single((await Http.AskAsync(HttpMethod.Post, $"/pub?channel={_channel}&msg=m")).Elements);

    [Fact]
    public async Task Array_is_stored_in_order_with_one_receipt_each_and_no_hole()
    {
        await Http.PublishAsync(_channel, "first");
        var answer = await Http.AskAsync("/pub", Asking.Body(JsonSerializer.Serialize(Enumerable.Range(1, 50).Select(i => new { channel = _channel, msg = i }))));
        Assert.Equal(Enumerable.Range(1, 50), answer.Elements.Select(r => r.GetProperty("seqid").GetInt32()));
        var kept = (await Http.PeekAsync(_channel, ("seqid", "1"))).Elements;
        Assert.Equal(Enumerable.Range(1, 50).Select(i => (i, i)), kept.Select(m => (m.GetProperty("seqid").GetInt32(), m.GetProperty("msg").GetInt32())));
    }

    [Fact]
    public async Task Array_may_go_to_several_channels()
    {
        var other = Asking.NewChannel();
        string[] targets = [_channel, other, _channel, _channel, other];
        var answer = await Http.AskAsync("/pub", Asking.Body(JsonSerializer.Serialize(targets.Select((channel, i) => new { channel, msg = $"{i}" }))));
        Assert.Equal(targets, answer.Elements.Select(r => r.GetProperty("channel").GetString()));
        Assert.Equal([0, 0, 1, 2, 1], answer.Elements.Select(r => r.GetProperty("seqid").GetInt32()));
        Assert.Equal(["0", "2", "3"], await Http.KeptAsync(_channel));
        Assert.Equal(["1", "4"], await Http.KeptAsync(other));
    }

    [Fact]
    public async Task Values_of_the_query_hold_for_every_element_that_does_not_say_otherwise()
    {
        var other = Asking.NewChannel();
        await Http.AskAsync($"/pub?channel={_channel}&sname=s", Asking.Body($$"""[{"msg":"a"},{"msg":"b","sname":"t","channel":"{{other}}"}]"""));
        Assert.Equal("s", Assert.Single((await Http.PeekAsync(_channel, ("seqid", "0"))).Elements).GetProperty("sname").GetString());
        Assert.Equal("t", Assert.Single((await Http.PeekAsync(other, ("seqid", "0"))).Elements).GetProperty("sname").GetString());
    }

    [Fact]
    public async Task Same_id_again_stores_nothing_and_answers_the_first_receipt()
    {
        var first = await Http.PublishAsync(_channel, "m", ("id", "i"));
        await Http.PublishAsync(_channel, "between");
        foreach (var msg in (string[])["m", "another"])
        {
            var again = await Http.PublishAsync(_channel, msg, ("id", "i"));
            Assert.Equal(first.GetRawText()[..^1] + ""","duplicate":true}""", again.GetRawText());
        }

        Assert.False((await Http.PublishAsync(Asking.NewChannel(), "m", ("id", "i"))).TryGetProperty("duplicate", out _));
        Assert.False((await Http.PublishAsync(_channel, "m", ("id", "I"))).TryGetProperty("duplicate", out _));
        Assert.Equal(["m", "between", "m"], await Http.KeptAsync(_channel));
    }

    [Fact]
    public async Task Same_id_twice_in_one_array_is_stored_once()
    {
        var body = $$"""[{"channel":"{{_channel}}","msg":"a","id":"i"},{"channel":"{{_channel}}","msg":"b"},{"channel":"{{_channel}}","msg":"c","id":"i"}]""";
        var receipts = (await Http.AskAsync("/pub", Asking.Body(body))).Elements;
        Assert.Equal([(0, false), (1, false), (0, true)], receipts.Select(r => (r.GetProperty("seqid").GetInt32(), r.TryGetProperty("duplicate", out _))));
        Assert.Equal(["a", "b"], await Http.KeptAsync(_channel));
    }

    [Fact]
    public async Task Id_is_remembered_for_five_minutes_and_then_forgotten()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var factory = new CCometFactory(time);
        using var http = factory.CreateClient();
        await http.PublishAsync("c", "m", ("id", "i"));
        time.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromMilliseconds(1));
        Assert.True((await http.PublishAsync("c", "m", ("id", "i"))).GetProperty("duplicate").GetBoolean());
        time.Advance(TimeSpan.FromMilliseconds(2));
        var repeated = await http.PublishAsync("c", "m", ("id", "i"));
        Assert.False(repeated.TryGetProperty("duplicate", out _));
        Assert.Equal(1, repeated.GetProperty("seqid").GetInt32());
    }

    [Fact]
    public async Task Publishers_at_the_same_time_get_every_number_once()
    {
        var receipts = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Http.PublishAsync(_channel, $"{i}")));
        Assert.Equal(Enumerable.Range(0, 200), receipts.Select(r => r.GetProperty("seqid").GetInt32()).Order());
        Assert.Single(receipts.Select(r => r.GetProperty("epoch").GetString()).Distinct());
    }

    [Fact]
    public async Task Same_id_from_many_at_the_same_time_is_stored_once()
    {
        var receipts = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Http.PublishAsync(_channel, $"{i}", ("id", "i"))));
        Assert.Single(receipts, r => !r.TryGetProperty("duplicate", out _));
        Assert.All(receipts, r => Assert.Equal(0, r.GetProperty("seqid").GetInt32()));
        Assert.Single(await Http.KeptAsync(_channel));
    }

    [Fact]
    public async Task Sign_in_is_answered_with_the_history_and_itself_at_the_end()
    {
        await Http.PublishAsync(_channel, "a", ("sname", "bob"));
        foreach (var (body, count) in (IEnumerable<(HttpContent?, int)>)
            [(null, 2), (Asking.Body($"channel={_channel}&sname=alice", "application/x-www-form-urlencoded"), 3), (Asking.Body($$"""{"channel":"{{_channel}}","sname":"alice"}"""), 4)])
        {
            var answer = await Http.AskAsync(body is null ? $"/sign?channel={_channel}&sname=alice&time=1" : "/sign", body);
            Assert.Equal(["MSG", .. Enumerable.Repeat("SIGN", count - 1)], answer.Types());
            Assert.Equal(Enumerable.Range(0, count), answer.Elements.Select(e => e.GetProperty("seqid").GetInt32()));
            Assert.Equal("alice", answer.Elements[^1].GetProperty("sname").GetString());
            Assert.EndsWith($":{count}", answer.Header("CComet-Cursor"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Sign_in_needs_no_name() =>
        Assert.False(Assert.Single((await Http.AskAsync($"/sign?channel={_channel}")).Elements).TryGetProperty("sname", out _));

    [Fact]
    public async Task Sign_in_to_a_history_larger_than_one_read_has_all_of_it()
    {
        await using var factory = new CCometFactory("CComet:History:MaxBytes=20000000");
        using var http = factory.CreateClient();
        for (var i = 0; i < 120; i++) await http.AskAsync("/pub?channel=c", Asking.Body(new string('x', 60_000), "text/plain"));
        Assert.Equal(Enumerable.Range(0, 121), (await http.AskAsync("/sign?channel=c")).Elements.Select(e => e.GetProperty("seqid").GetInt32()));
    }
}
