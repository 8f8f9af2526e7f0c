using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hardening;

/// <summary>
/// The attack: another spelling of a path or a method, which a proxy's rule for the path does not know and the server takes for the
/// same. Every spelling but one is refused, and does nothing.
/// </summary>
public sealed class ExactPathTests : IAsyncLifetime
{
    private LiveServer _server = null!;

    public async Task InitializeAsync() => _server = await LiveServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData("/PUB")]
    [InlineData("/Pub")]
    [InlineData("/pub/")]
    [InlineData("//pub")]
    [InlineData("/./pub")]
    [InlineData("/x/../pub")]
    [InlineData("/%70ub")]
    [InlineData("/pu%62")]
    [InlineData("/%70%75%62")]
    [InlineData("/%2e/pub")]
    [InlineData("/pub;a=b")]
    [InlineData("/pub%3F")]
    [InlineData("/pub%20")]
    [InlineData("/sign/")]
    [InlineData("/SIGN")]
    [InlineData("/%73ign")]
    [InlineData("http://localhost/%70ub")]
    [InlineData("http://localhost//pub")]
    [InlineData("http://localhost/PUB")]
    public async Task Pub_and_sign_have_one_spelling(string path)
    {
        foreach (var method in (string[])["GET", "POST"])
        {
            var answer = await AskAsync($"{method} {path}?channel=a&sname=s&msg=m");
            answer.AssertProblem(404);
        }

        Assert.Equal(0, _server.Hub.ChannelCount);
        Assert.Empty((await _server.Http.PeekAsync("a", ("seqid", "0"))).Elements);
    }

    [Theory]
    [InlineData("/SUB")]
    [InlineData("/sub/")]
    [InlineData("/%73ub")]
    [InlineData("/sse/")]
    [InlineData("/Stream")]
    [InlineData("/ws/")]
    [InlineData("/HEALTH/live")]
    [InlineData("/health/live/")]
    [InlineData("/health//live")]
    [InlineData("/health/%6cive")]
    [InlineData("/chat.HTML")]
    [InlineData("//chat.html")]
    [InlineData("/./chat.html")]
    [InlineData("/%63hat.html")]
    [InlineData("/js//ccomet.js")]
    [InlineData("/js/../chat.html")]
    [InlineData("/js")]
    [InlineData("/js/")]
    public async Task Subscriptions_health_and_files_have_one_spelling(string path) =>
        (await AskAsync($"GET {path}?channel=a&wait=0")).AssertProblem(404);

    [Theory]
    [InlineData("/pub?channel=a&msg=m")]
    [InlineData("http://localhost/pub?channel=a&msg=m")]
    [InlineData("/sub?channel=a&wait=0")]
    [InlineData("http://localhost/sub?channel=a&wait=0&x=//y")]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    [InlineData("/")]
    [InlineData("http://localhost")]
    [InlineData("/index.html")]
    [InlineData("/chat.html?channel=%2F..%2F")]
    [InlineData("/js/ccomet.js")]
    public async Task Exact_spelling_is_answered(string target) => Assert.Equal(200, (await AskAsync($"GET {target}")).Status);

    [Theory]
    [InlineData("get", "/pub", "GET, POST")]
    [InlineData("Get", "/pub", "GET, POST")]
    [InlineData("post", "/pub", "GET, POST")]
    [InlineData("PUT", "/pub", "GET, POST")]
    [InlineData("HEAD", "/pub", "GET, POST")]
    [InlineData("OPTIONS", "/pub", "GET, POST")]
    [InlineData("get", "/sign", "GET, POST")]
    [InlineData("HEAD", "/sub", "GET")]
    [InlineData("POST", "/sub", "GET")]
    [InlineData("get", "/sub", "GET")]
    [InlineData("POST", "/sse", "GET")]
    [InlineData("POST", "/stream", "GET")]
    [InlineData("POST", "/ws", "GET, CONNECT")]
    [InlineData("get", "/health/live", "GET, HEAD")]
    [InlineData("POST", "/health/ready", "GET, HEAD")]
    [InlineData("get", "/chat.html", "GET, HEAD")]
    [InlineData("POST", "/chat.html", "GET, HEAD")]
    [InlineData("DELETE", "/", "GET, HEAD")]
    public async Task Methods_are_exact_and_listed(string method, string path, string allow)
    {
        using var raw = await RawHttp.ConnectAsync(_server.Port);
        await raw.SendAsync($"{method} {path}?channel=a&sname=s&msg=m HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        var answer = (await raw.ReadAsync(bodiless: method == "HEAD"))!;
        Assert.Equal((405, allow), (answer.Status, answer.Header("Allow")));
        Assert.Empty((await _server.Http.PeekAsync("a", ("seqid", "0"))).Elements);
    }

    [Theory]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    [InlineData("/chat.html")]
    [InlineData("/")]
    public async Task Head_is_answered_where_a_body_may_be_left_out(string path)
    {
        using var raw = await RawHttp.ConnectAsync(_server.Port);
        await raw.SendAsync($"HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.Equal(200, (await raw.ReadAsync(bodiless: true))!.Status);
    }

    [Fact]
    public async Task Pub_and_sign_by_get_can_be_switched_off()
    {
        await using var server = await LiveServer.StartAsync("CComet:Publish:ByGet=false");
        foreach (var path in (string[])["/pub?channel=a&msg=m", "/sign?channel=a", "/pub?channel=a&msg=m&callback=f"])
        {
            var answer = await server.Http.AskAsync(path);
            answer.AssertProblem(405);
            Assert.Equal("POST", answer.Header("Allow"));
        }

        Assert.Single((await server.Http.AskAsync("/pub?channel=a&msg=by-post", Asking.Body("", null))).Elements);
        Assert.Equal(["by-post"], await server.Http.KeptAsync("a"));
    }

    private async Task<Answer> AskAsync(string methodAndTarget)
    {
        using var raw = await RawHttp.ConnectAsync(_server.Port);
        await raw.SendAsync($"{methodAndTarget} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        return (await raw.ReadAsync())!;
    }
}
