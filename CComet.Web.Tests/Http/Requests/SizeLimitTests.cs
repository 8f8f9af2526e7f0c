using System.Text;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Http.Requests;

/// <summary>The limit of 64 KiB counts the UTF-8 bytes of msg, whichever way it comes.</summary>
public sealed class SizeLimitTests : IAsyncLifetime
{
    private const int Limit = 64 << 10;

    private LiveServer _server = null!;

    public static TheoryData<string, string> Ways()
    {
        var ways = new TheoryData<string, string>();
        foreach (var way in (string[])["get", "jsonp", "form", "multipart", "json", "escaped json", "array", "raw"])
        {
            foreach (var fill in (string[])["x", "ü", "€", "😀", "\n", "<"]) ways.Add(way, fill);
        }

        return ways;
    }

    public async Task InitializeAsync() => _server = await LiveServer.StartAsync("CComet:History:MaxBytes=10000000");

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Message_at_the_limit_passes_and_one_byte_over_gets_413(string way, string fill)
    {
        var channel = Asking.NewChannel();
        var width = Encoding.UTF8.GetByteCount(fill);
        for (var straddle = 0; straddle < width; straddle++)
        {
            // ASCII before and behind, so that a wide character lies across every place where something may cut.
            var msg = new string('a', straddle) + string.Concat(Enumerable.Repeat(fill, (Limit - straddle) / width));
            msg += new string('z', Limit - Encoding.UTF8.GetByteCount(msg));
            Assert.Equal(200, (await PublishAsync(way, channel, msg)).Status);
            var refused = await PublishAsync(way, channel, msg + "z");
            if (way == "jsonp") refused.AssertJsonpProblem("f", "413", "msg");
            else refused.AssertProblem(413, "msg");
            Assert.Equal(msg, (await _server.Http.KeptAsync(channel))[^1]);
        }
    }

    [Theory]
    [InlineData("😀")]
    [InlineData("é")]
    [InlineData("x")]
    public async Task JSON_value_at_the_limit_passes_as_well(string fill)
    {
        var channel = Asking.NewChannel();
        var text = string.Concat(Enumerable.Repeat(fill, (Limit - 4) / Encoding.UTF8.GetByteCount(fill)));
        text += new string('z', Limit - 4 - Encoding.UTF8.GetByteCount(text));
        Assert.Single((await _server.Http.AskAsync("/pub", Asking.Body($$"""{"channel":"{{channel}}","msg":["{{text}}"]}"""))).Elements);
        Assert.Equal(text, Assert.Single((await _server.Http.PeekAsync(channel, ("seqid", "0"))).Elements).GetProperty("msg")[0].GetString());
        (await _server.Http.AskAsync("/pub", Asking.Body($$"""{"channel":"{{channel}}","msg":["{{text}}z"]}"""))).AssertProblem(413, "msg");
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("text/plain")]
    [InlineData("multipart/form-data; boundary=b")]
    public async Task Body_over_the_limit_gets_413_announced_or_not(string contentType)
    {
        var bytes = new byte[(1 << 20) + 1];
        Array.Fill(bytes, (byte)'x');
        (await _server.Http.AskAsync("/pub?channel=a", Asking.Body(bytes, contentType))).AssertProblem(413, "body");

        using var chunked = new ChunkedContent(bytes);
        Assert.True(chunked.Headers.TryAddWithoutValidation("Content-Type", contentType));
        (await _server.Http.AskAsync("/pub?channel=a", chunked)).AssertProblem(413, "body");
    }

    [Fact]
    public async Task Chunked_body_without_end_is_cut_off_with_413()
    {
        using var raw = await RawHttp.ConnectAsync(_server.Port);
        await raw.SendAsync("POST /pub?channel=a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
        var chunk = $"{1 << 16:X}\r\n{new string('x', 1 << 16)}\r\n";
        for (var i = 0; i < 17; i++) await raw.SendToRefusalAsync(chunk);
        (await raw.ReadAsync())!.AssertProblem(413, "body");
    }

    [Fact]
    public async Task Body_that_announces_more_than_the_limit_is_refused_before_it_is_sent()
    {
        using var raw = await RawHttp.ConnectAsync(_server.Port);
        await raw.SendAsync("POST /pub?channel=a HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n");
        (await raw.ReadAsync())!.AssertProblem(413, "body");
    }

    [Fact]
    public async Task Query_larger_than_any_message_is_refused_and_harms_nothing()
    {
        using var raw = await RawHttp.ConnectAsync(_server.Port);
        await raw.SendToRefusalAsync($"GET /pub?channel=a&msg={new string('x', 300_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.Equal(414, (await raw.ReadAsync())!.Status);
        Assert.Single((await _server.Http.AskAsync("/pub?channel=a&msg=m")).Elements);
    }

    private Task<Answer> PublishAsync(string way, string channel, string msg)
    {
        var http = _server.Http;
        switch (way)
        {
            case "get": return http.AskAsync(Asking.Path("/pub", ("channel", channel), ("msg", msg)));
            case "jsonp": return http.AskAsync(Asking.Path("/pub", ("channel", channel), ("msg", msg), ("callback", "f")));
            case "form": return http.AskAsync("/pub", Asking.Body(Asking.Path("", ("channel", channel), ("msg", msg))[1..], "application/x-www-form-urlencoded"));
            case "multipart": return http.AskAsync("/pub", new MultipartFormDataContent { { new StringContent(channel), "channel" }, { new StringContent(msg), "msg" } });
            case "json": return http.AskAsync("/pub", Asking.Body(JsonOf(channel, msg)));
            case "escaped json": return http.AskAsync("/pub", Asking.Body($$"""{"channel":"{{channel}}","msg":"{{string.Concat(msg.Select(c => $"\\u{(int)c:x4}"))}}"}"""));
            case "array": return http.AskAsync("/pub", Asking.Body($"[{JsonOf(channel, msg)}]"));
            default: return http.AskAsync($"/pub?channel={channel}", Asking.Body(msg, "text/plain"));
        }
    }

    private static string JsonOf(string channel, string msg) => System.Text.Json.JsonSerializer.Serialize(new { channel, msg });

    /// <summary>A body whose length is not announced.</summary>
    private sealed class ChunkedContent(byte[] bytes) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context) => stream.WriteAsync(bytes).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
