using CComet.Web.Tests.Docs;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Clients.Samples;

/// <summary><c>samples/NodeWorker</c>, run by the command of its README.</summary>
public sealed class NodeWorkerTests
{
    private static readonly Sample Worker = new("NodeWorker");

    [Fact]
    public async Task Worker_misses_and_repeats_nothing_over_its_own_restart_and_a_killed_server()
    {
        await using var server = await KilledServer.StartAsync();
        var published = new List<string>();
        await PublishAsync(3);
        var first = Start(server);
        await using (first)
        {
            await first.PrintsAsync(3);

            // The process ends by itself: nothing of the client is left that keeps it alive.
            await first.SignalAsync("TERM");
            await first.SucceedAsync();
        }

        await PublishAsync(3);
        await using var second = Start(server);
        await second.PrintsAsync(3);
        await server.KillAsync();
        await server.StartAgainAsync();
        await PublishAsync(3);
        await second.PrintsAsync(6);
        await second.SignalAsync("TERM");
        await second.SucceedAsync();

        Assert.Equal(published, first.Lines.Concat(second.Lines));
        Assert.Equal(["lobby.cursor"], Directory.GetFiles(server.Folder, "*.cursor*").Select(Path.GetFileName));
        Assert.EndsWith(":9\n", await File.ReadAllTextAsync(Path.Combine(server.Folder, "lobby.cursor")), StringComparison.Ordinal);

        async Task PublishAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                published.Add($"message {published.Count}");
                await server.PublishAsync("lobby", published[^1]);
            }
        }
    }

    [Fact]
    public async Task Worker_tells_a_gap_and_goes_on_behind_it()
    {
        await using var server = await KilledServer.StartAsync("--CComet:History:MaxMessages=5");
        await server.PublishAsync("lobby", "seen");
        await using (var first = Start(server))
        {
            await first.PrintsAsync(1);
            await first.SignalAsync("TERM");
            await first.SucceedAsync();
        }

        for (var i = 1; i <= 7; i++) await server.PublishAsync("lobby", new { n = i });
        await using var second = Start(server);
        await second.PrintsAsync(5);
        Assert.Equal(Enumerable.Range(3, 5).Select(n => $$"""{"n":{{n}}}"""), second.Lines);
        Assert.Equal("Messages of lobby are lost, from 1 to 2.", second.Complaints);
    }

    [Fact]
    public async Task Worker_that_is_refused_says_why_and_fails()
    {
        await using var server = await KilledServer.StartAsync("--CComet:Auth:Mode=Token", "--Authentication:Schemes:Bearer:ValidIssuers:0=i", "--Authentication:Schemes:Bearer:ValidAudiences:0=ccomet", "--Authentication:Schemes:Bearer:SigningKeys:0:Issuer=i", "--Authentication:Schemes:Bearer:SigningKeys:0:Value=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
        await using var worker = Start(server);
        Assert.Equal(1, await worker.ExitCodeAsync());
        await Eventually.TrueAsync(() => worker.Complaints.Contains("you have no right to subscribe to 'lobby'", StringComparison.Ordinal), "The reason");
    }

    private static RunningProgram Start(KilledServer server)
    {
        Worker.MustBeInstalled();
        var arguments = Worker.Arguments("node ", server.Url);
        return RunningProgram.Start("node", "nodejs", server.Folder, [Path.Combine(Documents.Root, arguments[0]), .. arguments[1..]]);
    }
}
