using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Http.Requests;

/// <summary>Whatever is wrong with a parameter, the answer is a refusal that names it, in each form an answer can have.</summary>
public sealed class BadParameterTests(WireFixture wire) : IClassFixture<WireFixture>
{
    private const string Names = "/sign channel|/sign sname|/pub channel|/pub sname|/pub id|/sub channel|/sub sname|/sub epoch";

    private static readonly string LongEmoji = string.Concat(Enumerable.Repeat("%F0%9F%98%80", 201));

    /// <summary>Path, parameter at fault, query. Values stand percent-encoded, because some are no text.</summary>
    public static TheoryData<string, string, string> Table()
    {
        var table = new TheoryData<string, string, string>();
        foreach (var path in (string[])["/sign", "/pub", "/sub"]) Add(table, path, "channel", null);
        Add(table, "/pub", "msg", null);

        foreach (var name in Names.Split('|'))
        {
            var (path, parameter) = (name.Split(' ')[0], name.Split(' ')[1]);
            foreach (var value in (string[])["", new string('x', 201), LongEmoji, .. NoText, "%00", "a%0Ab", "%7F", "%C2%85"]) Add(table, path, parameter, value);
            if ((path, parameter) != ("/sub", "channel")) Add(table, path, parameter, $"a&{parameter}=a");
        }

        foreach (var value in (string[])["", "a&msg=b", .. NoText]) Add(table, "/pub", "msg", value);
        foreach (var value in (string[])["", "abc", "-1", "+1", "1.5", "1e3", "0x10", "%201", "1%20", "%EF%BC%91", "9223372036854775808", "99999999999999999999999", "1&seqid=1", .. NoText]) Add(table, "/sub", "seqid", value);
        foreach (var value in (string[])["", "abc", "-1", "-0.5", "1e3", "0x10", "1,5", "NaN", "Infinity", "-Infinity", "%E2%88%9E", "%2D%E2%88%9E", "%200", "1&wait=1", .. NoText]) Add(table, "/sub", "wait", value);
        foreach (var value in (string[])["", "abc", "12", ":", "e:", ":5", "e:-1", "e:abc", "e:9223372036854775808", "e:1:2", "a%3De", "%3De:1", "a%3De:1,a%3De:2", "e:1&cursor=e:1", "e:1&seqid=1", "e:1&epoch=e", "e%00:1", $"{new string('e', 201)}:1", .. NoText]) Add(table, "/sub", "cursor", value);
        Add(table, "/sub", "seqid", "0&channel=b&seqid=0&seqid=0&channel=c&seqid=0");
        Add(table, "/sub", "epoch", "e&channel=b");
        Add(table, "/sub", "channel", "a&channel=a");
        Add(table, "/sub", "channel", string.Join("&channel=", Enumerable.Range(0, 65)));
        return table;
    }

    /// <summary>Bytes that are not UTF-8: a stray one, half of a surrogate pair, one made too long, one cut off.</summary>
    private static string[] NoText => ["%FF", "%ED%A0%80", "%C0%80", "a%E2%82"];

    [Theory]
    [MemberData(nameof(Table))]
    public async Task Bad_parameter_gets_a_400_that_names_it(string path, string parameter, string query)
    {
        (await wire.Http.AskAsync($"{path}?{query}")).AssertProblem(400, parameter);
        if (path == "/sub") return;
        (await wire.Http.AskAsync(path, Asking.Body(query, "application/x-www-form-urlencoded"))).AssertProblem(400, parameter);
    }

    [Fact]
    public async Task Refusals_as_JSONP_are_told_inside_a_200()
    {
        var time = new FakeTimeProvider();
        await using var factory = new CCometFactory(time);
        using var http = factory.CreateClient();
        var rows = Table().Select(row => (Path: (string)row[0], Parameter: (string)row[1], Query: (string)row[2])).ToArray();
        var answers = rows.Select(row => http.AskAsync($"{row.Path}?{row.Query}&callback=f")).ToArray();

        // Those of /sub are held back by the clock, all at once.
        await Eventually.TrueAsync(() => factory.Hub.Context.Wheel.Count == rows.Count(r => r.Path == "/sub"), "Holding back of every refused poll");
        time.Advance(TimeSpan.FromSeconds(1.1));
        for (var i = 0; i < rows.Length; i++) (await answers[i]).AssertJsonpProblem("f", "400", rows[i].Parameter);
    }

    [Theory]
    [InlineData("/sign", "channel")]
    [InlineData("/sign", "sname")]
    [InlineData("/pub", "channel")]
    [InlineData("/pub", "sname")]
    [InlineData("/pub", "id")]
    [InlineData("/sub", "channel")]
    [InlineData("/sub", "sname")]
    [InlineData("/sub", "epoch")]
    public async Task Name_may_have_200_characters_whatever_they_weigh(string path, string parameter)
    {
        foreach (var character in (string[])["x", "ü", "😀", "\u2028", "\u0301"])
        {
            var name = string.Concat(Enumerable.Repeat(character, 200));
            (string, string)[] others = [("channel", Asking.NewChannel()), ("msg", "m"), ("wait", "0")];
            Assert.NotNull((await wire.Http.AskAsync(Asking.Path(path, [(parameter, name), .. others.Where(o => o.Item1 != parameter)]))).Elements);
        }
    }

    [Fact]
    public async Task Unknown_parameters_are_ignored_however_bad()
    {
        var channel = Asking.NewChannel();
        foreach (var path in (string[])["/sign", "/pub", "/sub"])
            Assert.NotNull((await wire.Http.AskAsync($"{path}?_=1&_=2&time=%FF&&=&%FF=1&x&channel={channel}&msg=m&wait=0&Channel=other&")).Elements);
    }

    [Fact]
    public async Task Percent_sign_that_encodes_nothing_is_kept()
    {
        var channel = Asking.NewChannel();
        await wire.Http.AskAsync($"/pub?channel={channel}&msg=100%+sure+%zz+%4");
        Assert.Equal(["100% sure %zz %4"], await wire.Http.KeptAsync(channel));
    }

    [Fact]
    public async Task Refused_request_stores_nothing()
    {
        var channel = Asking.NewChannel();
        foreach (var rest in (string[])["msg=", "msg=a&msg=b", "msg=a&id=", "msg=a&sname=%00", "msg=%FF", "msg=a&callback=1"])
            Assert.Equal(400, (await wire.Http.AskAsync($"/pub?channel={channel}&{rest}")).Status);
        Assert.Equal(400, (await wire.Http.AskAsync($"/sign?channel={channel}&sname=")).Status);
        Assert.Empty(await wire.Http.KeptAsync(channel));
    }

    private static void Add(TheoryData<string, string, string> table, string path, string parameter, string? value)
    {
        var query = new List<string>();
        if (parameter != "channel") query.Add("channel=a");
        if (parameter != "msg" && path == "/pub") query.Add("msg=m");
        if (value is not null) query.Add($"{parameter}={value}");
        table.Add(path, parameter, string.Join('&', query));
    }
}
