using System.Text;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary><c>/push</c> takes any text, <c>/pub</c> what stands between the quotes of a JSON string.</summary>
public sealed class PublishTests(IcometStores stores) : IClassFixture<IcometStores>
{
    public static TheoryData<string> Stores => IcometServer.Stores;

    [Theory, MemberData(nameof(Stores))]
    public async Task Push_by_get_stores_every_character_and_answers_ok(string store)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        foreach (var text in IcometReading.Tricky)
        {
            var answer = await server.Admin.AskAsync(Asking.Path("/push", ("cname", channel), ("content", text)));
            Assert.Equal((200, """{"type":"ok"}""" + "\n"), (answer.Status, answer.Text));
        }

        Assert.Equal(IcometReading.Tricky, (await server.PollAsync(("cname", channel), ("seq", "1"))).Contents());
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Push_by_form_stores_every_character(string store)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        foreach (var text in IcometReading.Tricky) await server.PushAsync(channel, text);
        Assert.Equal(IcometReading.Tricky, (await server.PollAsync(("cname", channel), ("seq", "1"))).Contents());
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Push_takes_the_channel_from_the_query_and_the_content_from_a_form(string store)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        Assert.Equal(200, (await server.Admin.AskAsync(Asking.Path("/push", ("cname", channel)), new FormUrlEncodedContent([new("content", "a+b & c")]))).Status);
        Assert.Equal(["a+b & c"], (await server.PollAsync(("cname", channel), ("seq", "1"))).Contents());
    }

    [Theory]
    [InlineData("/push")]
    [InlineData("/pub")]
    public async Task Publish_with_cb_answers_a_call(string path) =>
        Assert.Equal("ok", (await stores["Memory"].Admin.AskAsync(Asking.Path(path, ("cname", "c"), ("content", "m"), ("cb", "done")))).ArgumentOf("done").Type());

    [Theory, MemberData(nameof(Stores))]
    public async Task Pub_puts_the_content_between_quotes(string store)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        foreach (var content in (string[])["plain ☄️", "say \\\"hi\\\"", "\\u263a\\n\\\\", "\\u003cb>"])
        {
            var answer = await server.Admin.AskAsync(Asking.Path("/pub", ("cname", channel), ("content", content)));
            Assert.Equal((200, """{"type":"ok"}""" + "\n"), (answer.Status, answer.Text));
        }

        var form = new FormUrlEncodedContent([new("cname", channel), new("content", "by \\\"form\\\"")]);
        Assert.Equal(200, (await server.Admin.AskAsync("/pub", form)).Status);
        Assert.Equal(["plain ☄️", "say \"hi\"", "☺\n\\", "<b>", "by \"form\""], (await server.PollAsync(("cname", channel), ("seq", "1"))).Contents());
    }

    [Theory]
    [InlineData("\"")]
    [InlineData("say \"hi\"")]
    [InlineData("\\")]
    [InlineData("\\x")]
    [InlineData("a\nb")]
    [InlineData("\",\"seq\":7,\"x\":\"")]
    [InlineData("\\ud800")]
    [InlineData("\\u12")]
    public async Task Pub_refuses_what_is_no_json_string(string content)
    {
        var (server, channel) = (stores["Memory"], Asking.NewChannel());
        var answer = await server.Admin.AskAsync(Asking.Path("/pub", ("cname", channel), ("content", content)));
        Assert.Equal((400, "400"), (answer.Status, answer.Json.Type()));
        Assert.Contains("content", answer.Json.Content(), StringComparison.Ordinal);
        Assert.Empty((await server.Server.Http.PeekAsync(channel, ("seqid", "0"))).Elements);
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Script_holds_no_markup_and_no_line_break_of_a_content_or_a_channel(string store)
    {
        var (server, channel) = (stores[store], "</script>\u2028" + Asking.NewChannel());
        foreach (var text in IcometReading.Tricky) await server.PushAsync(channel, text);
        var backlog = (await server.Front.AskAsync(Asking.Path("/sub", ("cname", channel), ("seq", "1"), ("cb", "cb")))).ArgumentOf("cb");
        Assert.Equal(IcometReading.Tricky, backlog.Contents());
        Assert.All(backlog.EnumerateArray(), element => Assert.Equal(channel, element.GetProperty("cname").GetString()));
        using var frame = await OpenAnswer.GetAsync(server.FrontUrl + Asking.Path("/iframe", ("cname", channel), ("seq", "1")));
        await frame.LineAsync();
        foreach (var text in IcometReading.Tricky)
            Assert.Equal(text, IcometReading.ArgumentOf((await frame.LineAsync())!, "<script>parent.icomet_cb(", ");</script>").Content());
    }

    [Theory]
    [InlineData("/push")]
    [InlineData("/pub")]
    public async Task Content_over_the_limit_is_refused(string path)
    {
        await using var server = await IcometServer.StartAsync("Memory", "CComet:Limits:MessageBytes=8");
        Assert.Equal(200, (await server.Admin.AskAsync(path, new FormUrlEncodedContent([new("cname", "c"), new("content", "éééé")]))).Status);
        var answer = await server.Admin.AskAsync(path, new FormUrlEncodedContent([new("cname", "c"), new("content", "éééé.")]));
        Assert.Equal((413, "413"), (answer.Status, answer.Json.Type()));
    }

    [Fact]
    public async Task Content_that_is_no_utf8_is_refused()
    {
        var body = Asking.Body([.. "cname=c&content="u8, 0xFF], "application/x-www-form-urlencoded");
        Assert.Equal(400, (await stores["Memory"].Admin.AskAsync("/push", body)).Status);
        Assert.Equal(400, (await stores["Memory"].Admin.AskAsync("/push?cname=c&content=%ff")).Status);
        Assert.Equal(400, (await stores["Memory"].Admin.AskAsync("/pub", Asking.Body(Encoding.ASCII.GetBytes("cname=c&content=%C3%28"), "application/x-www-form-urlencoded"))).Status);
    }
}
