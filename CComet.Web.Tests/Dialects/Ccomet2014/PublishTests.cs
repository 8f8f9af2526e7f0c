using System.Text;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Dialects.Ccomet2014;

/// <summary>What <c>/publish</c> and <c>/sign</c> make of an address that the page of 2014 put together.</summary>
public sealed class PublishTests(WireFixture wire) : IClassFixture<WireFixture>
{
    private readonly string _channel = Asking.NewChannel();

    [Theory]
    [InlineData("a &amp; &lt;b&gt; &quot;c&quot;", "a & <b> \"c\"")]
    [InlineData("&amp;lt;", "&lt;")]
    [InlineData("&amp;amp;amp;", "&amp;amp;")]
    [InlineData("a%20%26amp%3B%20b", "a & b")]
    [InlineData("&amp;", "&")]
    [InlineData("&apos;&nbsp;", null)]
    [InlineData("1&lt;2&seqid=3", "1<2")]
    [InlineData("100%", "100%")]
    [InlineData("'\\/", "'\\/")]
    [InlineData("é ☄️ \u2028", "é ☄️ \u2028")]
    public async Task Entities_of_a_message_are_their_characters_once_and_do_not_split_the_query(string raw, string? text)
    {
        var answer = await wire.Http.AskAsync($"/publish?channel={_channel}&sname=ann&msg={raw}&time=1&callback=f&_=2");
        if (text is null) answer.AssertJsonpProblem("f", "400", "msg");
        else Assert.Equal([text], await wire.Http.KeptAsync(_channel));
    }

    [Theory]
    [InlineData("hello+world", "", "hello world")]
    [InlineData("hello+world%21", "", "hello world!")]
    [InlineData("hello+world", "User-Agent: python-requests/2.32", "hello world")]
    [InlineData("1+1=2", "", "1+1=2")]
    [InlineData("a%20+%20b", "", "a + b")]
    [InlineData("c++", "Sec-Fetch-Site: cross-site", "c++")]
    [InlineData("c++", "User-Agent: Mozilla/5.0 (X11; Linux x86_64)", "c++")]
    [InlineData("c%2B%2B", "", "c++")]
    public async Task Plus_is_a_space_only_where_the_whole_value_is_encoded_as_a_form_and_no_browser_sends_it(string raw, string header, string text)
    {
        var answer = await wire.Http.AskAsync(HttpMethod.Get, $"/publish?channel={_channel}&msg={raw}", headers: headers =>
        {
            if (header.Split(": ") is [var name, var value]) headers.Add(name, value);
        });
        Assert.Single(answer.Elements);
        Assert.Equal([text], await wire.Http.KeptAsync(_channel));
    }

    [Fact]
    public async Task Form_is_decoded_as_a_form_and_its_entities_too()
    {
        var form = Asking.Body($"channel={_channel}&msg=a+%26amp%3B+b", "application/x-www-form-urlencoded");
        Assert.Single((await wire.Http.AskAsync("/publish", form)).Elements);
        Assert.Equal(["a & b"], await wire.Http.KeptAsync(_channel));
    }

    [Fact]
    public async Task Receipt_is_that_of_a_publish()
    {
        var receipt = Assert.Single((await wire.Http.AskAsync($"/publish?channel={_channel}&sname=ann&msg=x&callback=f")).JsonpElements("f"));
        Assert.Equal(("pub", _channel, 0), (receipt.GetProperty("type").GetString(), receipt.GetProperty("channel").GetString(), receipt.GetProperty("seqid").GetInt32()));
    }

    [Fact]
    public async Task Entities_of_a_name_do_not_split_the_query_of_a_sign_in()
    {
        var raw = (await wire.Http.AskAsync($"/sign?channel={_channel}&sname=&lt;b&gt;&time=1&callback=f")).JsonpElements("f");
        Assert.Equal("<b>", raw[^1].GetProperty("sname").GetString());

        // Encoded, they are the name's own.
        var encoded = (await wire.Http.AskAsync($"/sign?channel={_channel}&sname=%26lt%3B")).Elements;
        Assert.Equal("&lt;", encoded[^1].GetProperty("sname").GetString());
    }

    [Fact]
    public async Task Native_publish_takes_entities_as_they_are()
    {
        await wire.Http.PublishAsync(_channel, "a &amp; b");
        Assert.Equal(["a &amp; b"], await wire.Http.KeptAsync(_channel));
    }

    [Theory]
    [InlineData("sname=ann&msg=x", "400", "channel")]
    [InlineData("channel=c&sname=ann", "400", "msg")]
    [InlineData("channel=c&msg=", "400", "msg")]
    public async Task Bad_parameter_is_told_in_band(string query, string type, string parameter) =>
        (await wire.Http.AskAsync($"/publish?{query}&callback=f")).AssertJsonpProblem("f", type, parameter);

    [Theory]
    [InlineData("/publish?msg=x&")]
    [InlineData("/sign?")]
    public async Task Callback_with_markup_is_refused_as_text_and_nothing_is_stored(string path)
    {
        var answer = await wire.Http.AskAsync($"{path}channel={_channel}&sname=ann&callback=<img%20src=x%20onerror=alert(1)>");
        Assert.Equal((400, "text/plain; charset=utf-8"), (answer.Status, answer.Header("Content-Type")));
        Assert.DoesNotContain("img", answer.Text, StringComparison.Ordinal);
        Assert.Empty(await wire.Http.KeptAsync(_channel));
    }

    [Theory]
    [InlineData("&channel=other")]
    [InlineData("&channel=")]
    public async Task Second_channel_is_refused(string more) =>
        (await wire.Http.AskAsync($"/publish?channel={_channel}&msg=x{more}&callback=f")).AssertJsonpProblem("f", "400", "channel");

    [Fact]
    public async Task Message_over_the_limit_is_told_in_band_to_a_page()
    {
        using var factory = new CCometFactory("CComet:Limits:MessageBytes=100");
        using var http = factory.CreateClient();
        Assert.Single((await http.AskAsync($"/publish?channel=c&msg={string.Concat(Enumerable.Repeat("&lt;", 100))}&callback=f")).JsonpElements("f"));
        (await http.AskAsync($"/publish?channel=c&msg={string.Concat(Enumerable.Repeat("&lt;", 101))}&callback=f")).AssertJsonpProblem("f", "413", "msg");
        Assert.Single(await http.KeptAsync("c"));
    }

    [Fact]
    public async Task Message_is_measured_as_it_is_stored()
    {
        var entities = new StringBuilder().Insert(0, "&amp;", 64 << 10).ToString();
        Assert.Single((await wire.Http.AskAsync("/publish", Asking.Body($"channel={_channel}&msg={entities}", "application/x-www-form-urlencoded"))).Elements);
        (await wire.Http.AskAsync("/publish", Asking.Body($"channel={_channel}&msg={entities}x", "application/x-www-form-urlencoded"))).AssertProblem(413, "msg");
    }

    [Fact]
    public async Task Work_on_many_entities_is_in_proportion_to_the_query()
    {
        // Each begins an entity that is none.
        var msg = new StringBuilder().Insert(0, "&am", 20_000).ToString();
        (await wire.Http.AskAsync("/publish", Asking.Body($"channel={_channel}&msg=x{msg}", "application/x-www-form-urlencoded"))).AssertProblem(400, "parameters");
    }
}
