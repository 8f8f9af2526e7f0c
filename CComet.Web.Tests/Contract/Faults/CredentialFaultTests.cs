using System.Globalization;
using CComet.Web.Tests.Support;
using Xunit.Abstractions;

namespace CComet.Web.Tests.Contract.Faults;

/// <summary>The promise while credentials expire, as one more fault. <c>CCOMET_FAULT_SEED</c> replays one seed.</summary>
public sealed class CredentialFaultTests(ITestOutputHelper output)
{
    private static readonly string[] Quick =
        ["CComet:Poll:Timeout=00:00:00.3", "CComet:Stream:Heartbeat=00:00:00.1", "CComet:History:MaxMessages=10000", "CComet:History:MaxBytes=100000000"];

    [Theory]
    [InlineData(Transport.LongPoll, Carrier.Bearer)]
    [InlineData(Transport.EventStream, Carrier.Bearer)]
    [InlineData(Transport.NdJson, Carrier.Bearer)]
    [InlineData(Transport.WebSocket, Carrier.Frame)]
    [InlineData(Transport.WebSocket, Carrier.Reopened)]
    [InlineData(Transport.EventStream, Carrier.Ticket)]
    [InlineData(Transport.Jsonp, Carrier.Ticket)]
    public async Task Nothing_is_lost_or_repeated_when_credentials_expire(Transport transport, Carrier carrier)
    {
        var seed = Environment.GetEnvironmentVariable("CCOMET_FAULT_SEED") is { } replay ? int.Parse(replay, CultureInfo.InvariantCulture) : Random.Shared.Next() / 2;
        output.WriteLine($"seed {seed} (replay with CCOMET_FAULT_SEED={seed})");
        var time = new SkippingTime();
        var folder = Directory.CreateTempSubdirectory("ccomet-faults-");
        var credential = new Credential(seed, time, carrier);
        await using (var server = new Restartable([.. TokenServer.Settings, .. Quick, "CComet:Store:Kind=Sqlite", $"CComet:Store:Path={folder.FullName}/ccomet.db"]) { Time = time })
        {
            await server.StartAsync();
            var run = new FaultRun(seed, server, [transport], disturbances: 2, credential);
            await run.RunAsync();
            output.WriteLine($"{run.Checker.Accepted.Count} messages over {run.Connections} connections, {credential.Refreshes} refreshes, {credential.Refusals} refusals");
            Assert.Equal((0L, 0), (run.Checker.Gaps, run.Checker.Resets));
            Assert.True(credential.IsDone, $"Only {credential.Refreshes} refreshes.");
        }

        folder.Delete(recursive: true);
    }
}
