using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Http;

/// <summary>A JSON answer ends with a newline, and its length counts it; what has a framing of its own does not get one.</summary>
public sealed class AnswerEndTests : IAsyncLifetime
{
    private LiveServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await LiveServer.StartAsync("CComet:Poll:Timeout=00:00:00.1");
        foreach (var msg in (string[])["one", new string('x', 40_000), new string('y', 40_000)]) await _server.PublishAsync("a", msg);
        await _server.PublishAsync("b", "alone");
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData("/pub?channel=c&msg=m", 200)]
    [InlineData("/pub?channel=c", 400)]
    [InlineData("/sign?channel=c&sname=s", 200)]
    [InlineData("/sign?channel=a", 200)]
    [InlineData("/sub?channel=b&seqid=0", 200)]
    [InlineData("/sub?channel=a&seqid=0", 200)]
    [InlineData("/sub?channel=b&channel=c&seqid=0&seqid=", 200)]
    [InlineData("/sub?channel=b", 200)]
    [InlineData("/sub?channel=b&seqid=9", 409)]
    [InlineData("/sub?channel=b&cursor=other:9", 200)]
    [InlineData("/sse?channel=", 400)]
    [InlineData("/stream", 400)]
    [InlineData("/ws?channel=a", 426)]
    [InlineData("/health/live", 200)]
    [InlineData("/health/ready", 200)]
    [InlineData("/nowhere", 404)]
    public async Task JSON_ends_with_one_newline_and_the_length_counts_it(string path, int status)
    {
        using var raw = await RawHttp.ConnectAsync(_server.Port);
        for (var i = 0; i < 2; i++)
        {
            // Twice on one connection: a length that is wrong would spoil the second answer.
            var answer = await raw.GetAsync(path.Replace("sname=s", $"sname=s{i}", StringComparison.Ordinal));
            Assert.Equal(status, answer.Status);
            Assert.Matches("^application/(problem\\+)?json", answer.Header("Content-Type"));
            Assert.Equal($"{answer.Bytes.Length}", answer.Header("Content-Length"));
            Assert.Matches("[]}]\n\\z", answer.Text);
            Assert.NotEqual(default, answer.Json.ValueKind);
        }
    }

    [Fact]
    public async Task Method_that_is_not_taken_and_a_batch_are_answered_with_a_newline_too()
    {
        Assert.EndsWith("}\n", (await _server.Http.AskAsync(HttpMethod.Delete, "/pub")).Text, StringComparison.Ordinal);
        Assert.EndsWith("}]\n", (await _server.Http.AskAsync("/pub?channel=c", Asking.Body($"[{string.Join(',', Enumerable.Repeat("{\"msg\":1}", 1_000))}]"))).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task JSONP_a_WebSocket_frame_and_a_line_of_a_stream_have_none_of_their_own()
    {
        foreach (var path in (string[])["/pub?channel=c&msg=m&callback=f", "/pub?callback=f", "/sub?channel=b&seqid=0&callback=f", "/sign?channel=c&callback=f"])
            Assert.EndsWith("]')", (await _server.Http.AskAsync(path)).Text, StringComparison.Ordinal);

        using var socket = await RawSocket.OpenAsync(_server.Port, "channel=b&seqid=0");
        await socket.SendTextAsync("""{"channel":"c","msg":"m"}""");
        await socket.SendTextAsync("{}");
        for (var i = 0; i < 4; i++) Assert.EndsWith("}]", (await socket.FrameAsync())!.Text, StringComparison.Ordinal);

        using var lines = await OpenAnswer.GetAsync($"{_server.Url}/stream?channel=b&seqid=0");
        Assert.StartsWith("{", await lines.LineAsync(), StringComparison.Ordinal);
        Assert.StartsWith("{", await lines.LineAsync(), StringComparison.Ordinal);
    }
}
