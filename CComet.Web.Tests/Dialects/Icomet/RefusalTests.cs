using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary>What cannot be done is told in the caller's form, and is never a failure of the server.</summary>
public sealed class RefusalTests(IcometStores stores) : IClassFixture<IcometStores>
{
    public static TheoryData<string, string> Names => IcometReading.Pairs(
        ["/sub", "/poll", "/stream", "/sse", "/iframe"],
        "",
        "cname=",
        "cname=%00",
        "cname=a&cname=b",
        "cname=%ff",
        "cname=" + new string('n', 201));

    private IcometServer Server => stores["Memory"];

    [Theory, MemberData(nameof(Names))]
    public async Task Front_tells_a_channel_that_is_none_inside_a_200(string path, string query)
    {
        var answer = await Server.Front.AskAsync($"{path}?{query}");
        Assert.Equal(200, answer.Status);
        Assert.Matches("""\{"type":"400","cname":"a?","seq":0,"content":"cname: """, answer.Text);
    }

    [Theory]
    [InlineData("/sub?cname=c&seq=x", "seq")]
    [InlineData("/sub?cname=c&seq=1.5", "seq")]
    [InlineData("/sub?cname=c&seq=99999999999999999999", "seq")]
    [InlineData("/stream?cname=c&seq=x", "seq")]
    [InlineData("/sub?cname=c&noop=x", "noop")]
    [InlineData("/sub?cname=c&seq=1&seq=2", "seq")]
    public async Task Front_tells_a_number_that_is_none_inside_a_200(string query, string parameter)
    {
        var answer = await Server.Front.AskAsync(query);
        Assert.Equal((200, "400"), (answer.Status, answer.Json.Type()));
        Assert.StartsWith(parameter + ":", answer.Json.Content(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Front_tells_a_script_what_is_wrong_in_a_call() =>
        Assert.Equal("400", (await Server.Front.AskAsync("/sub?cb=my.cb")).ArgumentOf("my.cb").Type());

    [Theory]
    [InlineData("/sign")]
    [InlineData("/push?content=m")]
    [InlineData("/pub?content=m")]
    [InlineData("/push?cname=c")]
    [InlineData("/push?cname=c&content=")]
    [InlineData("/pub?cname=c")]
    [InlineData("/close")]
    [InlineData("/clear")]
    [InlineData("/check")]
    [InlineData("/info?cname=")]
    [InlineData("/sign?cname=c&expires=soon")]
    [InlineData("/sign?cname=c&expires=1e3")]
    public async Task Admin_side_tells_a_parameter_that_is_missing_or_wrong_with_400(string query)
    {
        var answer = await Server.Admin.AskAsync(query);
        Assert.Equal((400, "400"), (answer.Status, answer.Json.Type()));
        Assert.Equal("400", (await Server.Admin.AskAsync(query + (query.Contains('?', StringComparison.Ordinal) ? "&" : "?") + "cb=cb")).ArgumentOf("cb").Type());
    }

    [Theory]
    [InlineData("front/sub?cname=c&")]
    [InlineData("front/stream?cname=c&")]
    [InlineData("front/sse?cname=c&")]
    [InlineData("front/iframe?cname=c&")]
    [InlineData("front/ping?")]
    [InlineData("admin/sign?cname=c&")]
    [InlineData("admin/push?cname=c&content=m&")]
    [InlineData("admin/info?")]
    [InlineData("admin/check?cname=c&")]
    public async Task Callback_that_is_no_name_is_refused_as_plain_text(string query)
    {
        var http = query.StartsWith("front", StringComparison.Ordinal) ? Server.Front : Server.Admin;
        foreach (var cb in (string[])["", "<script>alert(1)</script>", "a b", "alert(1)//", "a..b", "1a", "a-b", "a%0ab", "%ff", "a&cb=b", new string('a', 129)])
        {
            var answer = await http.AskAsync($"{query["front".Length..]}cb={(cb.Contains('%', StringComparison.Ordinal) || cb.Contains('&', StringComparison.Ordinal) ? cb : Uri.EscapeDataString(cb))}");
            Assert.Equal((400, "text/plain; charset=utf-8"), (answer.Status, answer.Header("Content-Type")));
            Assert.DoesNotContain('<', answer.Text);
        }
    }

    [Fact]
    public async Task Path_that_is_none_is_404()
    {
        foreach (var path in (string[])["/", "/nothing", "/SUB", "/sub/", "/chat.html", "/js/ccomet.js", "/health/live", "/health/ready", "/ws", "/publish", "/subscribe", "/push", "/sign"])
            Assert.Equal(404, (await Server.Front.AskAsync(path)).Status);
        foreach (var path in (string[])["/", "/nothing", "/PUSH", "/push/", "/chat.html", "/health/live", "/ws", "/publish", "/subscribe", "/sub", "/poll", "/stream", "/sse", "/iframe", "/ping"])
            Assert.Equal(404, (await Server.Admin.AskAsync(path)).Status);
    }

    [Theory]
    [InlineData("/%73ub?cname=c&seq=9")]
    [InlineData("//sub?cname=c&seq=9")]
    [InlineData("/./sub?cname=c&seq=9")]
    public async Task Path_is_taken_as_it_came(string target)
    {
        using var http = await RawHttp.ConnectAsync(new Uri(Server.FrontUrl).Port);
        Assert.Equal(404, (await http.GetAsync(target)).Status);
    }

    [Fact]
    public async Task Main_address_serves_none_of_the_paths()
    {
        foreach (var path in (string[])["/push", "/broadcast", "/close", "/clear", "/info", "/check", "/psub", "/poll", "/iframe", "/ping"])
            Assert.Equal(404, (await Server.Server.Http.AskAsync(path + "?cname=c&content=m")).Status);
        Assert.Equal(400, (await Server.Server.Http.AskAsync("/pub?cname=c&content=m")).Status);
    }

    [Theory]
    [InlineData("POST", "front/sub", "GET")]
    [InlineData("POST", "front/ping", "GET")]
    [InlineData("DELETE", "front/sse", "GET")]
    [InlineData("POST", "admin/info", "GET")]
    [InlineData("POST", "admin/psub", "GET")]
    [InlineData("PUT", "admin/push", "GET, POST")]
    [InlineData("DELETE", "admin/clear", "GET, POST")]
    public async Task Method_that_a_path_does_not_take_is_405_with_those_it_takes(string method, string path, string allowed)
    {
        var http = path.StartsWith("front", StringComparison.Ordinal) ? Server.Front : Server.Admin;
        var answer = await http.AskAsync(new HttpMethod(method), path["front".Length..] + "?cname=c&content=m");
        Assert.Equal((405, allowed), (answer.Status, answer.Header("Allow")));
    }

    [Theory]
    [InlineData("/sub?cname=c")]
    [InlineData("/poll?cname=c")]
    [InlineData("/stream?cname=c")]
    public async Task Subscriber_over_the_limit_is_told_429_inside_a_200(string query)
    {
        await using var server = await IcometServer.StartAsync("Memory", "CComet:Limits:SubscribersPerChannel=1");
        using var stream = await server.StreamAsync("c");
        var answer = await server.Front.AskAsync(query);
        Assert.Equal((200, "429"), (answer.Status, answer.Json.Type()));
        Assert.Equal("429", (await server.Front.AskAsync("/sub?cname=c&cb=cb")).ArgumentOf("cb").Type());
        Assert.Equal("429", IcometReading.ArgumentOf((await server.Front.AskAsync("/sse?cname=c")).Text, "data: ", "\n\n").Type());
        Assert.Contains("<script>parent.icomet_cb({\"type\":\"429\"", (await server.Front.AskAsync("/iframe?cname=c")).Text, StringComparison.Ordinal);
        stream.Dispose();
        await server.UntilLeftAsync("c");
        Assert.False((await server.ParkAsync("c")).IsCompleted);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nothing_that_is_sent_makes_a_failure_of_the_server(bool isAdmin)
    {
        string[] values = ["", "%00", "%ff", "%", "%zz", "%ed%a0%80", "<", "\"", "9223372036854775807", "-9223372036854775808", "null", "$x", "[]", new string('9', 400)];
        string[] paths = isAdmin ? ["/sign", "/push", "/pub", "/broadcast", "/close", "/clear", "/info", "/check"] : ["/sub", "/stream", "/ping"];
        using var http = await RawHttp.ConnectAsync(new Uri(isAdmin ? Server.AdminUrl : Server.FrontUrl).Port);
        foreach (var path in paths)
        {
            foreach (var value in values)
            {
                foreach (var query in (string[])[$"cname={value}&content={value}&seq=x", $"cname=fuzz&seq=9&content={value}&expires={value}&token={value}", $"cname=fuzz&seq=8&cb={value}&content=m", $"{value}&{value}={value}&&&=&cb=cb"])
                {
                    // A stream that is let in does not end: those have a seq that is none here.
                    if (path == "/stream" && query.Contains("cname=fuzz", StringComparison.Ordinal)) continue;
                    var answer = await http.GetAsync($"{path}?{query}");
                    Assert.True(answer.Status < 500, $"{path}?{query}: {answer.Status}");
                }
            }
        }
    }

    [Theory]
    [InlineData("application/json", "{\"cname\":\"c\",\"content\":{\"a\":1}}")]
    [InlineData("application/json", "[{\"cname\":\"c\",\"content\":\"m\"}]")]
    [InlineData("application/json", "{")]
    [InlineData("text/plain", "m")]
    [InlineData("multipart/form-data; boundary=b", "--b\r\n")]
    public async Task Body_of_another_kind_is_refused_or_taken_and_never_a_failure(string type, string body)
    {
        foreach (var path in (string[])["/push", "/pub", "/broadcast", "/sign", "/close", "/clear"])
        {
            var answer = await Server.Admin.AskAsync(path, Asking.Body(body, type));
            Assert.True(answer.Status < 500, $"{path}: {answer.Status}");
        }
    }
}
