using CComet.Web.Tests.EndToEnd.Browser;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Transports;

/// <summary>A program that uses the npm package eventsource, and knows nothing of CComet, loses and repeats nothing through cuts.</summary>
public sealed class EventSourcePackageTests
{
    [Fact]
    public async Task Package_eventsource_follows_a_channel_through_cuts()
    {
        var folder = Path.Combine(Chromium.Root, "CComet.Web.Tests", "Transports", "node");
        Assert.True(Directory.Exists(Path.Combine(folder, "node_modules")), $"The package is missing: run npm ci in {folder}.");
        await using var server = await LiveServer.StartAsync();
        await using var relay = Cutting.NewRelay(server);
        await server.PublishAsync("a", "before");
        await using var node = RunningProgram.Start("node", "nodejs", folder, "follow.mjs", $"{relay.Url}/sse?channel=a&seqid=1", $"{Cutting.Messages}");
        await Cutting.PublishAsync(server, relay);
        await node.SucceedAsync();
        Assert.Equal(Cutting.Expected, node.Lines.Where(l => l != "open"));
    }
}
