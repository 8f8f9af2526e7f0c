using CComet.Web.Tests.EndToEnd.Deploy;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Clients.DotNet;

/// <summary>The .NET client and a real server, of which something breaks again and again: nothing is lost, nothing comes twice.</summary>
public sealed class ClientFaultTests
{
    private const int MessagesOfAPart = 50;

    [Fact]
    public async Task Server_that_is_killed_and_started_again_loses_and_repeats_nothing()
    {
        const int Rounds = 5;
        var folder = Directory.CreateTempSubdirectory("ccomet-client-");
        string[] settings = ["--CComet:Store:Kind=Sqlite", $"--CComet:Store:Path={Path.Combine(folder.FullName, "ccomet.db")}", "--CComet:History:MaxMessages=1000000", "--Serilog:MinimumLevel:Default=Warning", "--Serilog:MinimumLevel:Override:Microsoft.Hosting.Lifetime=Information"];
        var server = await ServerProgram.StartAsync("http", settings);
        try
        {
            await using var run = new ClientRun($"http://127.0.0.1:{server.Port}");
            for (var round = 0; round < Rounds; round++)
            {
                await run.PassAsync(MessagesOfAPart);
                var port = server.Port;

                // Disposing of the process kills it, in the middle of whatever it does.
                await server.DisposeAsync();
                server = await ServerProgram.StartAsync("http", [$"--urls=http://127.0.0.1:{port}", .. settings]);
            }

            await run.PassAsync(MessagesOfAPart);
            await run.CheckAsync();
        }
        finally
        {
            await server.DisposeAsync();
        }

        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Connection_that_is_cut_a_hundred_times_loses_and_repeats_nothing()
    {
        const int Cuts = 100;
        var random = new Random(20);
        await using var server = await LiveServer.StartAsync("CComet:History:MaxMessages=1000000");
        await using var relay = new Relay(server.Port, Enumerable.Range(0, Cuts).Select(_ => random.Next(1, 3000)).ToArray());
        await using var run = new ClientRun(relay.Url);
        await Eventually.TrueAsync(() => relay.Cuts >= Cuts, $"{Cuts} cuts");
        await run.PassAsync(MessagesOfAPart);
        await run.CheckAsync();
        Assert.Equal(Cuts, relay.Cuts);
    }

    [Fact]
    public async Task Node_behind_a_balancer_that_is_killed_loses_and_repeats_nothing()
    {
        await using var nodes = await TwoNodes.StartAsync();
        await using var run = new ClientRun($"http://127.0.0.1:{nodes.Port}");
        await run.PassAsync(MessagesOfAPart);
        await nodes.KillAsync("node-1");
        await run.PassAsync(3 * MessagesOfAPart);
        await run.CheckAsync();
    }
}
