using System.Text.Json;
using CComet.Web.Tests.EndToEnd.Browser;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Transports;

/// <summary>A page that knows server-sent events, and nothing of CComet, loses and repeats nothing through cuts.</summary>
[Collection(Chromium.Wire)]
public sealed class EventSourceTests(Chromium chromium)
{
    [Fact]
    public async Task Browsers_own_EventSource_follows_a_channel_through_cuts()
    {
        await using var server = await LiveServer.StartAsync();
        await using var relay = Cutting.NewRelay(server);
        await server.PublishAsync("a", "before");
        await using var browser = await chromium.OpenPageAsync();
        await browser.Page.GotoAsync($"{server.Url}/health/live");
        await browser.Page.EvaluateAsync(
            """
            url => {
              window.seen = []
              window.source = new EventSource(url)
              source.onmessage = ({ data, lastEventId }) => seen.push({ ...JSON.parse(data), lastEventId })
              for (const kind of ['gap', 'reset', 'close']) source.addEventListener(kind, ({ data }) => seen.push({ seqid: data }))
            }
            """,
            $"{relay.Url}/sse?channel=a&seqid=1");
        await Cutting.PublishAsync(server, relay);
        await browser.UntilAsync("last => source.readyState === EventSource.CLOSED || seen.some(m => m.seqid === last)", Cutting.Messages);
        var seen = JsonDocument.Parse(await browser.JsonAsync("seen")).RootElement.EnumerateArray().ToList();
        Assert.Equal(Cutting.Expected, seen.Select(m => m.GetProperty("seqid").ToString()));
        Assert.All(seen, m => Assert.EndsWith($":{m.GetProperty("seqid").GetInt64() + 1}", m.GetProperty("lastEventId").GetString(), StringComparison.Ordinal));
    }
}
