using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Http;

/// <summary>How the server behaves as a server of HTTP/1.1, byte by byte on real sockets.</summary>
public sealed class HttpTests : IAsyncLifetime
{
    private LiveServer _server = null!;

    public async Task InitializeAsync() => _server = await LiveServer.StartAsync("CComet:Poll:Timeout=00:10:00");

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData("GET /pub?channel=a&msg=m HTTP/1.1\r\nHost: x\r\n\r\n", 200)]
    [InlineData("GET /pub?channel=a&msg=m HTTP/1.0\r\n\r\n", 200)]
    [InlineData("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 404)]
    [InlineData("PUT /pub HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405)]
    [InlineData("OPTIONS /pub HTTP/1.1\r\nHost: x\r\n\r\n", 405)]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404)]
    [InlineData("GET /pub?channel=a&msg=m HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET /pub?channel=\x00ff&msg=m HTTP/1.1\r\nHost: x\r\n\r\n", 400)]
    [InlineData("GET /pub?channel=a b HTTP/1.1\r\nHost: x\r\n\r\n", 400)]
    [InlineData("GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400)]
    [InlineData("POST /pub HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400)]
    [InlineData("POST /pub HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400)]
    [InlineData("POST /pub HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400)]
    [InlineData("POST /pub HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", 400)]
    [InlineData("POST /pub HTTP/1.1\r\nHost: x\r\n\r\n", 400)]
    [InlineData("nonsense\r\n\r\n", 400)]
    public async Task Every_answer_has_its_status_and_does_not_tell_what_serves_it(string request, int status)
    {
        using var raw = await RawHttp.ConnectAsync(_server.Port);
        await raw.SendAsync(request);
        var answer = (await raw.ReadAsync())!;
        Assert.Equal(status, answer.Status);
        Assert.Null(answer.Header("Server"));
        Assert.Null(answer.Header("X-Powered-By"));
    }

    [Fact]
    public async Task Requests_sent_all_at_once_are_answered_in_order()
    {
        using var raw = await RawHttp.ConnectAsync(_server.Port);
        await raw.SendAsync(string.Concat(Enumerable.Range(0, 50).Select(i => $"GET /pub?channel=a&msg={i} HTTP/1.1\r\nHost: x\r\n\r\n")) + "GET /sub?channel=a&seqid=0 HTTP/1.1\r\nHost: x\r\n\r\n");
        for (var i = 0; i < 50; i++) Assert.Equal(i, Assert.Single((await raw.ReadAsync())!.Elements).GetProperty("seqid").GetInt32());
        Assert.Equal(50, (await raw.ReadAsync())!.Elements.Length);
    }

    [Fact]
    public async Task Request_behind_a_waiting_poll_is_answered_after_it()
    {
        using var raw = await RawHttp.ConnectAsync(_server.Port);
        await raw.SendAsync("GET /sub?channel=a HTTP/1.1\r\nHost: x\r\n\r\nGET /sub?channel=a&seqid=0 HTTP/1.1\r\nHost: x\r\n\r\n");
        await WaitingAsync(1);
        await _server.PublishAsync("a", "m");
        for (var i = 0; i < 2; i++) Assert.Equal("m", Assert.Single((await raw.ReadAsync())!.Elements).GetProperty("msg").GetString());
    }

    [Fact]
    public async Task Refusal_keeps_the_connection_for_the_next_request()
    {
        using var raw = await RawHttp.ConnectAsync(_server.Port);
        foreach (var bad in (string[])["/pub", "/pub?channel=a", "/nowhere", "/sub?channel=a&seqid=5", "/pub?callback=1"]) Assert.InRange((await raw.GetAsync(bad)).Status, 400, 409);
        await raw.SendAsync("HEAD /sub?channel=a HTTP/1.1\r\nHost: x\r\n\r\nHEAD /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.Equal(405, (await raw.ReadAsync(bodiless: true))!.Status);
        Assert.Equal(200, (await raw.ReadAsync(bodiless: true))!.Status);
        await raw.SendAsync("POST /pub?channel=a HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 4\r\n\r\nabcd");
        Assert.Equal(415, (await raw.ReadAsync())!.Status);
        Assert.Single((await raw.GetAsync("/pub?channel=a&msg=m")).Elements);
    }

    [Fact]
    public async Task Chunked_body_is_put_together()
    {
        using var raw = await RawHttp.ConnectAsync(_server.Port);
        await raw.SendAsync("POST /pub?channel=a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\xE2\r\n");
        await raw.SendAsync("2;ext=1\r\n\x82\xAC\r\n");
        await raw.SendAsync("0\r\nTrailer: x\r\n\r\n");
        Assert.Single((await raw.ReadAsync())!.Elements);
        Assert.Equal(["€"], await _server.Http.KeptAsync("a"));
    }

    [Theory]
    [InlineData("GET /pu")]
    [InlineData("GET /pub?channel=a&msg=m HTTP/1.1\r\nHost: x\r\n")]
    [InlineData("POST /pub?channel=a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")]
    [InlineData("POST /pub?channel=a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")]
    [InlineData("POST /pub HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n\r\n--b\r\nContent-Disposition: form-data; name=channel\r\n\r\na")]
    public async Task Request_that_is_never_finished_holds_up_no_other_and_stores_nothing(string half)
    {
        var stalled = new RawHttp[20];
        for (var i = 0; i < stalled.Length; i++)
        {
            stalled[i] = await RawHttp.ConnectAsync(_server.Port);
            await stalled[i].SendAsync(half);
        }

        Assert.Empty((await _server.Http.PeekAsync("a", ("seqid", "0"))).Elements);
        await _server.PublishAsync("b", "m");
        foreach (var raw in stalled) raw.Dispose();
        Assert.Empty((await _server.Http.PeekAsync("a", ("seqid", "0"))).Elements);
        Assert.Equal(["m"], await _server.Http.KeptAsync("b"));

        // A poll is counted out once its answer is on its way.
        await Eventually.TrueAsync(() => _server.Hub.SubscriberCount == 0, "Leaving of all");
    }

    [Fact]
    public async Task Client_that_hangs_up_frees_its_subscriber_at_once()
    {
        var polls = new RawHttp[50];
        for (var i = 0; i < polls.Length; i++)
        {
            polls[i] = await RawHttp.ConnectAsync(_server.Port);
            await polls[i].SendAsync(RawHttp.Get($"/sub?channel=a&channel=b{i}&sname={i}{(i % 2 == 0 ? "&seqid=0&seqid=0&callback=f" : "")}"));
        }

        await WaitingAsync(50);
        foreach (var raw in polls) raw.Dispose();
        await Eventually.TrueAsync(() => _server.Hub.SubscriberCount == 0, "Freeing of every subscriber");
        await Eventually.TrueAsync(() => _server.Hub.Context.Wheel.Count == 0, "Freeing of every timeout");
        Assert.Equal((0, 0), (_server.Hub.Find("a")!.Waiting, _server.Hub.Find("a")!.Subscribers));
    }

    [Fact]
    public async Task Client_that_hangs_up_while_it_is_held_back_is_forgotten()
    {
        var polls = new RawHttp[20];
        for (var i = 0; i < polls.Length; i++)
        {
            polls[i] = await RawHttp.ConnectAsync(_server.Port);
            await polls[i].SendAsync(RawHttp.Get("/sub?channel=a&seqid=9&callback=f"));
        }

        foreach (var raw in polls) raw.Dispose();
        await Eventually.TrueAsync(() => _server.Hub.Context.Wheel.Count == 0, "Letting go of those that were held back");
        await _server.PublishAsync("a", "m");
    }

    [Theory]
    [InlineData("/health/live", """{"status":"ok"}""")]
    [InlineData("/health/ready", """{"status":"ready"}""")]
    public async Task Health_is_answered_by_GET_and_HEAD(string path, string body)
    {
        var answer = await _server.Http.AskAsync(path);
        Assert.Equal((200, body + "\n", "no-store"), (answer.Status, answer.Text, answer.Header("Cache-Control")));
        Assert.Equal(200, (await _server.Http.AskAsync(HttpMethod.Head, path)).Status);
    }

    [Fact]
    public async Task Stopping_answers_every_poll_that_waits()
    {
        // The poll's own timeout is ten minutes: only the stopping can end it in time.
        using var http = new HttpClient { BaseAddress = new Uri(_server.Url) };
        string[] queries = ["channel=a", "channel=a&seqid=0", "channel=a&channel=b&seqid=0&seqid=", "channel=a&seqid=0&callback=f"];
        var polls = Enumerable.Range(0, 40).Select(i => http.AskAsync($"/sub?{queries[i % 4]}&sname={i}")).ToArray();
        await WaitingAsync(40);
        await _server.StopAsync();
        for (var i = 0; i < polls.Length; i++)
        {
            if (i % 4 == 3) Assert.Empty((await polls[i]).JsonpElements("f"));
            else Assert.Empty((await polls[i]).Elements);
        }

        await Assert.ThrowsAsync<HttpRequestException>(() => http.AskAsync("/health/live"));
    }

    private Task WaitingAsync(int polls) => Eventually.TrueAsync(() => _server.Hub.Find("a")?.Waiting == polls, $"Parking of {polls}");
}
