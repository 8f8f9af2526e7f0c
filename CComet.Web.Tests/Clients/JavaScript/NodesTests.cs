using System.Globalization;
using CComet.Web.Tests.EndToEnd.Deploy;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Clients.JavaScript;

/// <summary>The client for npm and two nodes behind nginx, of which one is killed.</summary>
public sealed class NodesTests
{
    private static readonly string[] Transports = ["stream", "poll", "sse", "websocket"];

    [Fact]
    public async Task Followers_and_a_publisher_lose_and_repeat_nothing_when_one_of_two_nodes_is_killed()
    {
        const int Messages = 500;
        await using var nodes = await TwoNodes.StartAsync("CComet__Stream__Heartbeat=00:00:00.5", "CComet__Poll__Timeout=00:00:00.5");
        var url = $"http://127.0.0.1:{nodes.Port}";
        await using (var first = Start("test/publish.mjs", url, "a", "1")) await first.SucceedAsync();
        var following = Transports.Select(transport => Start("test/follow.mjs", url, "a", transport, $"{Messages}")).ToArray();
        try
        {
            foreach (var one in following) await ReachAsync(one, 1);
            await using var publishing = Start("test/publish.mjs", url, "a", $"{Messages}");
            await ReachAsync(publishing, Messages / 10);
            Assert.False(publishing.HasExited, $"All was published before a node was killed. {publishing.Complaints}");
            await nodes.KillAsync("node-1");
            await ReachAsync(publishing, Messages);
            await publishing.SucceedAsync();
            var seqids = Enumerable.Range(0, Messages + 1).Select(i => i.ToString(CultureInfo.InvariantCulture)).ToArray();
            Assert.Equal(seqids[1..], publishing.Lines);
            foreach (var one in following)
            {
                await ReachAsync(one, Messages + 1);
                await one.SucceedAsync();
                Assert.Equal(seqids, one.Lines);
            }
        }
        finally
        {
            foreach (var one in following) await one.DisposeAsync();
        }
    }

    private static RunningProgram Start(params string[] arguments) =>
        RunningProgram.Start("node", "nodejs", JavaScriptPackage.Source, ["--experimental-websocket", "--no-warnings", .. arguments]);

    /// <summary>Waits until a program has printed so many lines; each may take its time.</summary>
    private static async Task ReachAsync(RunningProgram program, int lines)
    {
        while (!program.HasExited && program.Lines.Count < lines)
        {
            var before = program.Lines.Count;
            await Eventually.TrueAsync(() => program.HasExited || program.Lines.Count > before, $"Line {before + 1} of {lines}");
        }
    }
}
