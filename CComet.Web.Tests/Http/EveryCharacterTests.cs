using System.Text;
using System.Text.Json;
using CComet.Web.Tests.Support;
using CsCheck;

namespace CComet.Web.Tests.Http;

/// <summary>What goes in by any way comes out by any way as it was, whatever characters it is made of.</summary>
public sealed class EveryCharacterTests : IAsyncLifetime
{
    private const int Limit = 64 << 10;

    /// <summary>Characters that some layer on the way might take for its own.</summary>
    private const string Suspects = "\0\u0001\b\t\n\v\f\r\u001b\"'\\/<>&%+=;,:#?[]{}()$ \u007f\u0085\u00a0\u00ad\u200b\u200e\u2028\u2029\u202e\ufeff\ufffd\ufffe\uffff";

    private static readonly Gen<Rune> AnyRune = Gen.Frequency(
        (4, Gen.Int[0x20, 0x7E]),
        (4, Gen.Int[0, Suspects.Length - 1].Select(i => (int)Suspects[i])),
        (1, Gen.Int[0, 0x1F]),
        (2, Gen.Int[0x80, 0x7FF]),
        (2, Gen.Int[0x800, 0xD7FF]),
        (1, Gen.Int[0xE000, 0xFFFF]),
        (3, Gen.Int[0x10000, 0x10FFFF])).Select(i => new Rune(i));

    private static readonly Gen<string> AnyText = Gen.OneOf(
        AnyRune.Array[1, 40].Select(TextOf),
        Gen.OneOf("</script>", "<!--", "]]>", "\\u0041", "%41", "%", "a+b c", "&amp;", "'+alert(1)+'", "\\'", "\r\n\r\n", "\ud83d\ude00", "e\u0301", "𝄞\u2028𝄞"));

    private static readonly Gen<string> AnyName = AnyRune.Where(r => !Rune.IsControl(r)).Array[1, 200].Select(TextOf).Where(name => !name.StartsWith('$'));

    private LiveServer _server = null!;

    public static TheoryData<string> Ways() => ["get", "form", "multipart", "json", "raw", "jsonp"];

    public async Task InitializeAsync() => _server = await LiveServer.StartAsync("CComet:History:MaxMessages=10", "CComet:History:MaxAge=00:01:00", "CComet:Limits:Channels=1000000");

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [MemberData(nameof(Ways))]
    public Task Any_channel_sname_and_msg_come_back_equal(string way) =>
        Gen.Select(AnyName, AnyName, AnyText).SampleAsync(
            async (channel, sname, msg) =>
            {
                var receipt = await PublishAsync(way, channel, sname, msg);
                Assert.Equal(channel, receipt.GetProperty("channel").GetString());
                await AssertKeptAsync(channel, sname, msg, receipt.GetProperty("seqid").GetInt64());
            },
            iter: 150,
            threads: 2);

    [Fact]
    public Task Any_channel_and_sname_may_sign() =>
        Gen.Select(AnyName, AnyName).SampleAsync(
            async (channel, sname) =>
            {
                var sign = (await _server.Http.AskAsync(Asking.Path("/sign", ("channel", channel), ("sname", sname)))).Elements[^1];
                Assert.Equal((channel, sname), (sign.GetProperty("channel").GetString(), sign.GetProperty("sname").GetString()));
                var last = (await _server.Http.AskAsync(Asking.Path("/sign", ("channel", channel), ("sname", sname), ("callback", "f")))).JsonpElements("f")[^1];
                Assert.Equal((channel, sname), (last.GetProperty("channel").GetString(), last.GetProperty("sname").GetString()));
            },
            iter: 100,
            threads: 2);

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task All_of_Unicode_passes_in_messages_of_the_full_size(string way)
    {
        var channel = Asking.NewChannel();
        var msg = new StringBuilder(Limit);
        var bytes = 0;
        for (var scalar = 0; scalar <= 0x10FFFF; scalar = scalar == 0xD7FF ? 0xE000 : scalar + 1)
        {
            var rune = new Rune(scalar);
            if (bytes + rune.Utf8SequenceLength > Limit) await RoundTripAsync();
            msg.Append(rune.ToString());
            bytes += rune.Utf8SequenceLength;
        }

        await RoundTripAsync();

        async Task RoundTripAsync()
        {
            var receipt = await PublishAsync(way, channel, null, msg.ToString());
            await AssertKeptAsync(channel, null, msg.ToString(), receipt.GetProperty("seqid").GetInt64());
            msg.Clear();
            bytes = 0;
        }
    }

    private static string TextOf(Rune[] runes) => string.Concat(runes.Select(r => r.ToString()));

    private async Task<JsonElement> PublishAsync(string way, string channel, string? sname, string msg)
    {
        var http = _server.Http;
        List<(string Name, string Value)> rest = [("channel", channel)];
        if (sname is not null) rest.Add(("sname", sname));
        (string Name, string Value)[] all = [.. rest, ("msg", msg)];
        if (way == "jsonp") return Assert.Single((await http.AskAsync(Asking.Path("/pub", [.. all, ("callback", "a.b$c")]))).JsonpElements("a.b$c"));
        var answer = way switch
        {
            "get" => http.AskAsync(Asking.Path("/pub", all)),
            "form" => http.AskAsync("/pub", Asking.Body(Asking.Path("", all)[1..], "application/x-www-form-urlencoded; charset=utf-8")),
            "multipart" => http.AskAsync("/pub", Multipart(all)),
            "json" => http.AskAsync("/pub", Asking.Body(JsonSerializer.Serialize(all.ToDictionary(p => p.Name, p => p.Value)))),
            _ => http.AskAsync(Asking.Path("/pub", [.. rest]), Asking.Body(msg, "text/plain")),
        };
        return Assert.Single((await answer).Elements);
    }

    private static MultipartFormDataContent Multipart((string Name, string Value)[] all)
    {
        var form = new MultipartFormDataContent();
        foreach (var (name, value) in all) form.Add(new StringContent(value), name);
        return form;
    }

    private async Task AssertKeptAsync(string channel, string? sname, string msg, long seqid)
    {
        (string, string)[] query = [("channel", channel), ("seqid", $"{seqid}")];
        var json = (await _server.Http.AskAsync(Asking.Path("/sub", query))).Elements[0];
        var jsonp = (await _server.Http.AskAsync(Asking.Path("/sub", [.. query, ("callback", "f")]))).JsonpElements("f")[0];
        foreach (var message in (JsonElement[])[json, jsonp])
        {
            Assert.Equal(seqid, message.GetProperty("seqid").GetInt64());
            Assert.Equal(channel, message.GetProperty("channel").GetString());
            Assert.Equal(sname, message.TryGetProperty("sname", out var s) ? s.GetString() : null);
            Assert.Equal(msg, message.GetProperty("msg").GetString());
        }

        Assert.Equal(json.GetRawText(), jsonp.GetRawText());
    }
}
