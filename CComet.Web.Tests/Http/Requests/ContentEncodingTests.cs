using System.IO.Compression;
using System.Text;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Http.Requests;

/// <summary>A body's Content-Encoding is decoded or refused, never stored as text.</summary>
public sealed class ContentEncodingTests(WireFixture wire) : IClassFixture<WireFixture>
{
    private const string Text = "héllo 😀 \0 \"quoted\" & more";

    private readonly string _channel = Asking.NewChannel();

    [Theory]
    [InlineData("gzip")]
    [InlineData("x-gzip")]
    [InlineData("GZIP")]
    [InlineData("br")]
    [InlineData("deflate")]
    [InlineData("identity")]
    [InlineData("identity, gzip")]
    [InlineData("gzip, identity , ,")]
    [InlineData("gzip, br")]
    [InlineData("br,gzip")]
    [InlineData("deflate, deflate")]
    [InlineData("")]
    public async Task Message_in_a_coding_is_stored_as_it_was_before(string coding)
    {
        foreach (var (type, body) in Bodies()) Assert.Single((await PublishAsync(coding, type, Encode(body, coding))).Elements);
        Assert.Equal(Enumerable.Repeat(Text, 5), await wire.Http.KeptAsync(_channel));
    }

    [Fact]
    public async Task Array_in_a_coding_is_stored_whole() =>
        Assert.Equal(2, (await PublishAsync("gzip", "application/json", Encode(Encoding.UTF8.GetBytes("""[{"msg":"a"},{"msg":"b"}]"""), "gzip"))).Elements.Length);

    [Fact]
    public async Task Sign_in_may_be_in_a_coding_as_well()
    {
        using var body = Body(Encode(Encoding.UTF8.GetBytes("sname=me"), "gzip"), "application/x-www-form-urlencoded", "gzip");
        Assert.Equal("me", Assert.Single((await wire.Http.AskAsync($"/sign?channel={_channel}", body)).Elements).GetProperty("sname").GetString());
    }

    [Fact]
    public async Task Deflate_body_without_the_frame_of_zlib_is_understood()
    {
        using var bare = new MemoryStream();
        using (var deflate = new DeflateStream(bare, CompressionLevel.Optimal, leaveOpen: true)) deflate.Write(Encoding.UTF8.GetBytes(Text));
        Assert.Single((await PublishAsync("deflate", "text/plain", bare.ToArray())).Elements);
        Assert.Equal([Text], await wire.Http.KeptAsync(_channel));
    }

    [Fact]
    public async Task Gzip_body_of_several_members_is_one_message()
    {
        byte[] body = [.. Encode(Encoding.UTF8.GetBytes("a"), "gzip"), .. Encode([], "gzip"), .. Encode(Encoding.UTF8.GetBytes("b"), "gzip")];
        Assert.Single((await PublishAsync("gzip", "text/plain", body)).Elements);
        Assert.Equal(["ab"], await wire.Http.KeptAsync(_channel));
    }

    [Theory]
    [InlineData("x-base64")]
    [InlineData("compress")]
    [InlineData("zstd")]
    [InlineData("gzip;q=1")]
    [InlineData("gzip, zstd")]
    [InlineData("gzip, gzip, gzip")]
    [InlineData("utf-8")]
    public async Task Another_coding_gets_415_and_hears_which_are_understood(string coding)
    {
        foreach (var path in (string[])["/pub", "/sign"])
        {
            using var body = Body(Encoding.UTF8.GetBytes("aGVsbG8="), "text/plain", coding);
            var answer = await wire.Http.AskAsync($"{path}?channel={_channel}", body);
            answer.AssertProblem(415, "Content-Encoding");
            Assert.Equal("gzip, br, deflate", answer.Header("Accept-Encoding"));
        }

        using var again = Body([], "text/plain", coding);
        (await wire.Http.AskAsync($"/pub?channel={_channel}&callback=f", again)).AssertJsonpProblem("f", "415", "Content-Encoding");
        Assert.Empty(await wire.Http.KeptAsync(_channel));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate")]
    public async Task Body_that_is_cut_off_anywhere_or_altered_is_refused_and_stores_nothing(string coding)
    {
        var whole = Encode(Encoding.UTF8.GetBytes(Text + Text), coding);
        for (var length = 1; length < whole.Length; length++) (await PublishAsync(coding, "text/plain", whole[..length])).AssertProblem(400, "body");
        (await PublishAsync(coding, "text/plain", Encoding.UTF8.GetBytes("plain text"))).AssertProblem(400, "body");
        if (coding != "deflate") (await PublishAsync(coding, "text/plain", [.. whole, 1, 2, 3])).AssertProblem(400, "body");
        whole[whole.Length / 2] ^= 0x55;
        if (coding != "br") (await PublishAsync(coding, "text/plain", whole)).AssertProblem(400, "body");
        Assert.Empty(await wire.Http.KeptAsync(_channel));
    }

    [Fact]
    public async Task Zlib_body_that_wants_a_dictionary_is_refused() =>
        (await PublishAsync("deflate", "text/plain", [0x78, 0xBB, 0, 0, 0, 1, 3, 0, 0, 0, 0, 1])).AssertProblem(400, "body");

    /// <summary>The bytes in the codings, applied in the order in which they are named.</summary>
    public static byte[] Encode(byte[] body, string codings)
    {
        foreach (var coding in codings.Split(',', StringSplitOptions.TrimEntries))
        {
            using var coded = new MemoryStream();
            using (Stream? stream = coding.ToUpperInvariant() switch
            {
                "GZIP" or "X-GZIP" => new GZipStream(coded, CompressionLevel.Optimal, leaveOpen: true),
                "BR" => new BrotliStream(coded, CompressionLevel.Fastest, leaveOpen: true),
                "DEFLATE" => new ZLibStream(coded, CompressionLevel.Optimal, leaveOpen: true),
                _ => null,
            })
            {
                if (stream is null) continue;
                stream.Write(body);
            }

            // A stream that was written nothing makes no frame.
            body = coded.ToArray() is { Length: > 0 } bytes ? bytes : [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        }

        return body;
    }

    private static ByteArrayContent Body(byte[] bytes, string type, string coding)
    {
        var body = Asking.Body(bytes, type);
        Assert.True(body.Headers.TryAddWithoutValidation("Content-Encoding", coding));
        return body;
    }

    private static IEnumerable<(string Type, byte[] Body)> Bodies()
    {
        yield return ("text/plain", Encoding.UTF8.GetBytes(Text));
        yield return ("application/octet-stream", Encoding.UTF8.GetBytes(Text));
        yield return ("application/json", System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(new { msg = Text }));
        yield return ("application/x-www-form-urlencoded", Encoding.UTF8.GetBytes($"msg={Uri.EscapeDataString(Text)}"));
        yield return ("multipart/form-data; boundary=b", Encoding.UTF8.GetBytes($"--b\r\nContent-Disposition: form-data; name=msg\r\n\r\n{Text}\r\n--b--"));
    }

    private async Task<Answer> PublishAsync(string coding, string type, byte[] bytes)
    {
        using var body = Body(bytes, type, coding);
        return await wire.Http.AskAsync($"/pub?channel={_channel}", body);
    }
}
