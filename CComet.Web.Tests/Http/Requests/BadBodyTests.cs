using System.Text;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Http.Requests;

public sealed class BadBodyTests(WireFixture wire) : IClassFixture<WireFixture>
{
    private readonly string _channel = Asking.NewChannel();

    [Theory]
    [InlineData("{")]
    [InlineData(" ")]
    [InlineData("nonsense")]
    [InlineData("'x'")]
    [InlineData("NaN")]
    [InlineData("[1,]")]
    [InlineData("""{"channel":"a","msg":}""")]
    [InlineData("""{"channel":"a","msg":"b",}""")]
    [InlineData("""{"channel":"a","msg":"b"} {}""")]
    [InlineData("""{"channel":"a","msg":"b"/*c*/}""")]
    [InlineData("""{"channel":"a","msg":"\x"}""")]
    [InlineData("""{"channel":"a","msg":01}""")]
    [InlineData("5")]
    [InlineData("\"x\"")]
    [InlineData("null")]
    [InlineData("true")]
    [InlineData("[]")]
    [InlineData("[5]")]
    [InlineData("[[]]")]
    [InlineData("""[{"channel":"a","msg":"b"},"x"]""")]
    [InlineData("""[{"channel":"a","msg":"b"},null]""")]
    public async Task Body_that_is_no_JSON_object_or_array_of_such_gets_400(string body)
    {
        (await wire.Http.AskAsync("/pub", Asking.Body(body))).AssertProblem(400, "body");
        (await wire.Http.AskAsync("/sign", Asking.Body(body))).AssertProblem(400, "body");
    }

    [Theory]
    [InlineData("channel", """{"msg":"m"}""")]
    [InlineData("channel", """{"channel":null,"msg":"m"}""")]
    [InlineData("channel", """{"channel":5,"msg":"m"}""")]
    [InlineData("channel", """{"channel":["a"],"msg":"m"}""")]
    [InlineData("channel", """{"channel":"","msg":"m"}""")]
    [InlineData("channel", """{"channel":"a\u0000","msg":"m"}""")]
    [InlineData("channel", """{"channel":"a","channel":"a","msg":"m"}""")]
    [InlineData("channel", """{"channel":"\ud800","msg":"m"}""")]
    [InlineData("sname", """{"channel":"a","sname":{},"msg":"m"}""")]
    [InlineData("sname", """{"channel":"a","sname":true,"msg":"m"}""")]
    [InlineData("sname", """{"channel":"a","sname":"\udc00\ud800","msg":"m"}""")]
    [InlineData("id", """{"channel":"a","id":1,"msg":"m"}""")]
    [InlineData("id", """{"channel":"a","id":"x\udfff","msg":"m"}""")]
    [InlineData("msg", """{"channel":"a"}""")]
    [InlineData("msg", """{"channel":"a","msg":""}""")]
    [InlineData("msg", """{"channel":"a","msg":"m","msg":"m"}""")]
    [InlineData("msg", """{"channel":"a","msg":"\ud800"}""")]
    [InlineData("msg", """{"channel":"a","msg":"\ud800\ud800"}""")]
    [InlineData("msg", """{"channel":"a","msg":["\udc00"]}""")]
    [InlineData("msg", """{"channel":"a","msg":{"\ud800":1}}""")]
    [InlineData("callback", """{"channel":"a","msg":"m","callback":5}""")]
    public async Task Fault_of_a_member_is_told_by_its_name(string parameter, string body)
    {
        var answer = await wire.Http.AskAsync("/pub", Asking.Body(body));

        // A callback that cannot be called is refused as plain text, which is no problem+json.
        if (parameter == "callback") Assert.Equal((400, "text/plain; charset=utf-8"), (answer.Status, answer.Header("Content-Type")));
        else answer.AssertProblem(400, parameter);
    }

    [Theory]
    [InlineData("""{"channel":"a","msg":"m","\ud800":1}""")]
    [InlineData("""{"channel":"a","msg":"m","m\udc00":"\ud800"}""")]
    [InlineData("""{"\ud800":1}""")]
    public async Task Half_of_a_surrogate_pair_in_an_unknown_member_does_no_harm(string body) =>
        Assert.InRange((await wire.Http.AskAsync("/pub", Asking.Body(body))).Status, 200, 499);

    [Theory]
    [InlineData("""{"channel":"~","msg":"a#b"}""")]
    [InlineData("""{"channel":"~","msg":["a#b"]}""")]
    [InlineData("""{"channel":"~","msg":{"a#b":1}}""")]
    [InlineData("""{"channel":"~","sname":"a#b","msg":1}""")]
    public async Task Bytes_in_JSON_that_are_not_UTF8_are_refused_and_never_replaced(string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body.Replace("~", _channel, StringComparison.Ordinal));
        bytes[Array.IndexOf(bytes, (byte)'#')] = 0xFF;
        Assert.Equal(400, (await wire.Http.AskAsync("/pub", Asking.Body(bytes, "application/json"))).Status);
        Assert.Empty((await wire.Http.PeekAsync(_channel, ("seqid", "0"))).Elements);
    }

    /// <summary>Its readers get it within two more levels, and by default .NET's parser, among others, reads 64.</summary>
    [Fact]
    public async Task Deepest_message_that_is_taken_can_be_read_by_a_parser_s_default()
    {
        const int Deepest = 62;
        var msg = new string('[', Deepest) + new string(']', Deepest);
        foreach (var body in new[] { $$"""{"channel":"{{_channel}}","msg":{{msg}}}""", $$""" [{"channel":"{{_channel}}","msg":{{msg}}}]""" })
            Assert.Single((await wire.Http.AskAsync("/pub", Asking.Body(body))).Elements);
        Assert.Equal(2, (await wire.Http.PeekAsync(_channel, ("seqid", "0"))).Elements.Length);
        (await wire.Http.AskAsync("/pub", Asking.Body($$"""[{"channel":"{{_channel}}","msg":[{{msg}}]}]"""))).AssertProblem(400, "body");
    }

    [Theory]
    [InlineData(63)]
    [InlineData(100)]
    [InlineData(100_000)]
    public async Task JSON_that_is_nested_too_deep_gets_400(int depth)
    {
        var msg = new string('[', depth) + new string(']', depth);
        (await wire.Http.AskAsync("/pub", Asking.Body($$"""{"channel":"a","msg":{{msg}}}"""))).AssertProblem(400, "body");
    }

    [Fact]
    public async Task Null_member_is_one_that_was_not_given()
    {
        Assert.Single((await wire.Http.AskAsync("/pub", Asking.Body($$"""{"channel":"{{_channel}}","sname":null,"id":null,"callback":null,"msg":"m"}"""))).Elements);
        Assert.False(Assert.Single((await wire.Http.PeekAsync(_channel, ("seqid", "0"))).Elements).TryGetProperty("sname", out _));
    }

    [Fact]
    public async Task Byte_order_mark_before_JSON_is_passed_over() =>
        Assert.Single((await wire.Http.AskAsync("/pub", Asking.Body("\uFEFF{\"channel\":\"a\",\"msg\":\"m\"}"))).Elements);

    [Theory]
    [InlineData("""{"channel":"~"}""", 400)]
    [InlineData("""{"channel":"~","msg":"m","id":""}""", 400)]
    [InlineData("5", 400)]
    [InlineData("""{"channel":"~","msg":"BIG"}""", 413)]
    public async Task Array_with_one_bad_element_stores_nothing(string element, int status)
    {
        var bad = element.Replace("~", _channel, StringComparison.Ordinal).Replace("BIG", new string('x', (64 << 10) + 1), StringComparison.Ordinal);
        var good = $$"""{"channel":"{{_channel}}","msg":"m","id":"i"}""";
        Assert.Equal(status, (await wire.Http.AskAsync("/pub", Asking.Body($"[{good},{bad}]"))).Status);
        Assert.Empty(await wire.Http.KeptAsync(_channel));
        Assert.False(Assert.Single((await wire.Http.AskAsync("/pub", Asking.Body(good))).Elements).TryGetProperty("duplicate", out _));
    }

    [Fact]
    public async Task Array_may_have_1000_messages_and_no_more()
    {
        var element = $$"""{"channel":"{{_channel}}","msg":"m"}""";
        Assert.Equal(1000, (await wire.Http.AskAsync("/pub", Asking.Body($"[{string.Join(',', Enumerable.Repeat(element, 1000))}]"))).Elements.Length);
        (await wire.Http.AskAsync("/pub", Asking.Body($"[{string.Join(',', Enumerable.Repeat(element, 1001))}]"))).AssertProblem(413, "body");
        Assert.Equal(1000, (await wire.Http.KeptAsync(_channel)).Length);
    }

    [Theory]
    [InlineData("/pub?channel=a", "image/png")]
    [InlineData("/pub?channel=a", "application/zip")]
    [InlineData("/pub?channel=a", "nonsense")]
    [InlineData("/pub?channel=a", "a/b/c")]
    [InlineData("/pub?channel=a", "text/plain, text/plain")]
    [InlineData("/pub?channel=a", "text/plain; charset=iso-8859-1")]
    [InlineData("/pub?channel=a", "application/json; charset=utf-16")]
    [InlineData("/pub?channel=a", "application/x-www-form-urlencoded; charset=windows-1252")]
    [InlineData("/sign?channel=a", "text/plain")]
    [InlineData("/sign?channel=a", "application/octet-stream")]
    [InlineData("/sign?channel=a", null)]
    public async Task Body_of_a_kind_that_a_path_does_not_take_gets_415(string path, string? contentType)
    {
        (await wire.Http.AskAsync(path, Asking.Body("x", contentType))).AssertProblem(415, "Content-Type");
        (await wire.Http.AskAsync($"{path}&callback=f", Asking.Body("x", contentType))).AssertJsonpProblem("f", "415", "Content-Type");
    }

    [Theory]
    [InlineData("application/json; charset=\"UTF-8\"")]
    [InlineData("APPLICATION/JSON;CHARSET=utf-8")]
    [InlineData("application/cloudevents+json")]
    [InlineData("text/json")]
    public async Task JSON_goes_by_many_names(string contentType) =>
        Assert.Single((await wire.Http.AskAsync("/pub", Asking.Body("""{"channel":"a","msg":"m"}""", contentType))).Elements);

    [Fact]
    public async Task Multipart_form_works_as_any_form()
    {
        using var form = new MultipartFormDataContent();
        foreach (var (name, value) in (IEnumerable<(string, string)>)[("channel", _channel), ("msg", "a\r\nb 😀 %41+"), ("sname", "É")]) form.Add(new StringContent(value), name);
        Assert.Single((await wire.Http.AskAsync("/pub", form)).Elements);
        var message = Assert.Single((await wire.Http.PeekAsync(_channel, ("seqid", "0"))).Elements);
        Assert.Equal(("a\r\nb 😀 %41+", "É"), (message.GetProperty("msg").GetString(), message.GetProperty("sname").GetString()));
    }

    [Theory]
    [InlineData("multipart/form-data", "--b\r\n\r\n--b--")]
    [InlineData("multipart/form-data; boundary=", "--b\r\n\r\n--b--")]
    [InlineData("multipart/form-data; boundary=\"\"", "x")]
    [InlineData("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=channel\r\n\r\na")]
    [InlineData("multipart/form-data; boundary=b", "--b\r\nno header at all\r\n\r\na\r\n--b--")]
    [InlineData("multipart/form-data; boundary=b", "nothing of the kind")]
    public async Task Malformed_multipart_form_gets_400(string contentType, string body) =>
        (await wire.Http.AskAsync("/pub", Asking.Body(body, contentType))).AssertProblem(400, "body");

    [Fact]
    public async Task Boundary_of_absurd_length_gets_400() =>
        (await wire.Http.AskAsync("/pub", Asking.Body("x", $"multipart/form-data; boundary={new string('b', 5000)}"))).AssertProblem(400, "body");

    [Theory]
    [InlineData("/sign", "PUT,DELETE,PATCH,HEAD,OPTIONS,TRACE,FOO", "GET, POST")]
    [InlineData("/pub", "PUT,DELETE,PATCH,HEAD,OPTIONS,TRACE,FOO", "GET, POST")]
    [InlineData("/sub", "POST,PUT,DELETE,PATCH,HEAD,OPTIONS,TRACE,FOO", "GET")]
    [InlineData("/health/live", "POST,PUT,DELETE", "GET, HEAD")]
    public async Task Method_that_a_path_does_not_take_gets_405_and_hears_which_it_takes(string path, string methods, string allow)
    {
        foreach (var method in methods.Split(','))
        {
            var answer = await wire.Http.AskAsync(new HttpMethod(method), path);
            Assert.Equal((405, allow), (answer.Status, answer.Header("Allow")));
            if (method != "HEAD") answer.AssertProblem(405);
        }
    }

    [Theory]
    [InlineData("/nowhere")]
    [InlineData("/pub/x")]
    [InlineData("/health")]
    [InlineData("/%E2%80%A8")]
    public async Task Path_that_does_not_exist_gets_404(string path) => (await wire.Http.AskAsync(path)).AssertProblem(404);
}
