using System.Net;
using System.Text.Json;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Transports;

/// <summary>Several channels on one connection.</summary>
public sealed class ManyChannelsTests
{
    private const int Most = 64;

    private static readonly string[] OddNames = ["a,b=c:1", "=", "%2C", "100 %", "&channel=x", "Ünï/cødé", "彗星", "☄\u200d💥", "'\"\\<", "+", "#?;"];

    private static readonly string[] Names = [.. OddNames, .. Enumerable.Range(0, Most - OddNames.Length).Select(i => $"c{i}")];

    [Theory]
    [MemberData(nameof(Follower.Paths), MemberType = typeof(Follower))]
    public async Task Sixty_four_channels_of_any_name_resume_together(string path)
    {
        await using var server = await LiveServer.StartAsync();
        string cursor;
        using (var first = await Follower.OpenAsync(path, server.Port, QueryOf(Names)))
        {
            foreach (var name in Names) await server.PublishAsync(name, "before");
            await TakeAllAsync(first, "before", 0);
            cursor = first.Cursor;
        }

        foreach (var name in Names) await server.PublishAsync(name, "meanwhile");
        using var second = await Follower.OpenAsync(path, server.Port, $"{QueryOf(Names)}&cursor={Uri.EscapeDataString(cursor)}");
        await TakeAllAsync(second, "meanwhile", 1);
        foreach (var name in Names) await server.PublishAsync(name, "after");
        await TakeAllAsync(second, "after", 2);
    }

    [Fact]
    public async Task Poll_of_sixty_four_channels_resumes_by_its_header()
    {
        await using var server = await LiveServer.StartAsync();
        foreach (var name in Names) await server.PublishAsync(name, "before");
        using var first = await OpenAnswer.GetAsync($"{server.Url}/sub?{QueryOf(Names)}&{string.Join('&', Names.Select(_ => "seqid=0"))}");
        Assert.Equal(Names, JsonSerializer.Deserialize<JsonElement[]>(await first.RestAsync())!.Select(e => e.GetProperty("channel").GetString()));
        var cursor = first.Head.Headers.GetValues("CComet-Cursor").Single();

        await server.PublishAsync(Names[6], "after");
        using var second = await OpenAnswer.GetAsync($"{server.Url}/sub?{QueryOf(Names)}&cursor={Uri.EscapeDataString(cursor)}");
        var message = (await second.JsonAsync()).EnumerateArray().Single();
        Assert.Equal((Names[6], "after"), (message.GetProperty("channel").GetString(), message.GetProperty("msg").GetString()));
    }

    [Fact]
    public async Task Id_of_each_event_is_the_place_in_all_channels()
    {
        await using var server = await LiveServer.StartAsync();
        using var stream = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a%2Cb&channel=%E2%98%84");
        var begin = await stream.BeginAsync();

        // One after the other is taken: the channels have an order each, but none among them.
        var comet = (await server.PublishAsync("☄", 1)).GetProperty("epoch").GetString();
        var first = (await stream.EventAsync())!.Id;
        var comma = (await server.PublishAsync("a,b", 1)).GetProperty("epoch").GetString();
        var second = (await stream.EventAsync())!.Id;
        await server.PublishAsync("☄", 2);
        var third = (await stream.EventAsync())!.Id;
        Assert.Equal($"{comma}:0,{comet}:0", begin);
        Assert.Equal($"{comma}:0,{comet}:1", first);
        Assert.Equal($"{comma}:1,{comet}:1", second);
        Assert.Equal($"{comma}:1,{comet}:2", third);
    }

    [Fact]
    public async Task Browser_resumes_sixty_four_channels_of_the_longest_names()
    {
        // 256 bytes each: all that they may have together.
        var names = Enumerable.Range(0, Most).Select(i => $"{i:D4}{string.Concat(Enumerable.Repeat("💥", 63))}").ToArray();
        await using var server = await LiveServer.StartAsync();
        using var first = await OpenAnswer.GetAsync($"{server.Url}/sse?{QueryOf(names)}");
        var id = await first.BeginAsync();
        await server.PublishAsync(names[^1], "meanwhile");

        using var second = await OpenAnswer.GetAsync($"{server.Url}/sse?{QueryOf(names)}", ("Last-Event-ID", id));
        Assert.Equal(HttpStatusCode.OK, second.Head.StatusCode);
        Assert.Equal("meanwhile", (await second.DataAsync()).Data.GetProperty("msg").GetString());
    }

    [Theory]
    [InlineData("/sub")]
    [InlineData("/sse")]
    [InlineData("/stream")]
    [InlineData("/ws")]
    public async Task Sixty_fifth_channel_is_refused(string path)
    {
        await using var server = await LiveServer.StartAsync();
        using var answer = await OpenAnswer.GetAsync($"{server.Url}{path}?{QueryOf([.. Names, "one more"])}");
        Assert.Equal(HttpStatusCode.BadRequest, answer.Head.StatusCode);
        Assert.Equal("channel", (await answer.JsonAsync()).GetProperty("parameter").GetString());
    }

    [Theory]
    [MemberData(nameof(Follower.Paths), MemberType = typeof(Follower))]
    public async Task Each_channel_begins_at_its_own_place(string path)
    {
        await using var server = await LiveServer.StartAsync("CComet:History:MaxMessages=2");
        foreach (var channel in new[] { "now", "gap", "all", "reset" })
        {
            for (var i = 0; i < 4; i++) await server.PublishAsync(channel, i);
        }

        using var follower = await Follower.OpenAsync(path, server.Port, "channel=now&channel=gap&channel=all&channel=reset&seqid=&seqid=1&seqid=2&seqid=9&epoch=&epoch=&epoch=&epoch=old");
        await server.PublishAsync("now", "new");
        var told = new List<string>();
        for (var i = 0; i < 10; i++)
        {
            var element = await follower.ElementAsync();
            told.Add($"{element.GetProperty("channel")} {element.GetProperty("type")} {element.GetProperty("seqid")}");
        }

        // Between channels there is no order, within each there is.
        string[] OfChannel(string name) => [.. told.Where(t => t.StartsWith(name, StringComparison.Ordinal))];
        Assert.Equal(["now MSG 4"], OfChannel("now"));
        Assert.Equal(["gap GAP 1", "gap MSG 2", "gap MSG 3"], OfChannel("gap"));
        Assert.Equal(["all MSG 2", "all MSG 3"], OfChannel("all"));
        Assert.Equal(["reset RESET 0", "reset GAP 1", "reset MSG 2", "reset MSG 3"], OfChannel("reset"));
    }

    private static string QueryOf(IEnumerable<string> names) => string.Join('&', names.Select(n => "channel=" + Uri.EscapeDataString(n)));

    private static async Task TakeAllAsync(Follower follower, string text, int seqid)
    {
        var seen = new List<string?>();
        for (var i = 0; i < Most; i++)
        {
            var element = await follower.ElementAsync();
            Assert.Equal((text, seqid), (element.GetProperty("msg").GetString(), element.GetProperty("seqid").GetInt64()));
            seen.Add(element.GetProperty("channel").GetString());
        }

        Assert.Equal(Names.Order(StringComparer.Ordinal), seen.Order(StringComparer.Ordinal));
    }
}
