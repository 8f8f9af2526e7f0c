using System.Globalization;
using System.Net.Http.Json;
using CComet.Web.Tests.Support;
using Xunit.Abstractions;

namespace CComet.Web.Tests.Clients.JavaScript;

/// <summary>What the client for npm holds while it runs on Node, and after.</summary>
public sealed class ClientRemainsTests(ITestOutputHelper output)
{
    private static readonly string[] Transports = ["stream", "poll", "sse", "websocket"];

    public static TheoryData<string> Ways =>
        ["leaving the loop", "closing in a listener", "a signal", "at once", "while it connects", "while it retries", "while it publishes", "a publish alone"];

    /// <summary>The times of the client are days long, so a timer that it left would keep its process for that long; a socket would as well.</summary>
    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Stopped_client_leaves_nothing_that_keeps_its_process(string way)
    {
        await using var server = await LiveServer.StartAsync();
        await server.PublishAsync("a", "x");
        var away = $"http://127.0.0.1:{Ports.Take()}";
        await Task.WhenAll(Transports.Select(async transport =>
        {
            await using var program = RunningProgram.Start("node", "nodejs", JavaScriptPackage.Source, "--experimental-websocket", "--no-warnings", "test/leaves.mjs", server.Url, away, way, transport);
            await program.SucceedAsync();
            await Eventually.TrueAsync(() => program.Lines.Count > 0, $"The end of the client over {transport}");
            Assert.Equal(["ended"], program.Lines);
        }));
        await Eventually.TrueAsync(() => (server.Hub.Find("a")?.Waiting ?? 0) == 0, "The end of every subscriber");
    }

    [Fact]
    public async Task Memory_is_level_over_an_hour_of_traffic()
    {
        // 55 messages a second for an hour.
        const int BatchSize = 1_000;
        const int Batches = 200;
        const int Messages = Batches * BatchSize;
        const long Allowed = 2 << 20;
        await using var server = await LiveServer.StartAsync("CComet:History:MaxMessages=1000000", "CComet:History:MaxBytes=1000000000", "CComet:Limits:ChannelMemoryBytes=1000000000");
        var programs = Transports.Take(2).Select(transport => RunningProgram.Start(
            "node", "nodejs", JavaScriptPackage.Source, "--expose-gc", "test/memory.mjs", server.Url, "a", transport, Messages.ToString(CultureInfo.InvariantCulture))).ToArray();
        try
        {
            var batch = Enumerable.Range(0, BatchSize).Select(i => new { channel = "a", msg = $"{i} {new string('x', 100)}" }).ToArray();
            for (var i = 0; i < Batches; i++)
            {
                using var answer = await server.Http.PostAsJsonAsync("/pub", batch);
                answer.EnsureSuccessStatusCode();
            }

            foreach (var program in programs)
            {
                await program.SucceedAsync();
                await Eventually.TrueAsync(() => program.Lines.Count == 2, "Two measurements");
                var bytes = program.Lines.Select(line => long.Parse(line, CultureInfo.InvariantCulture)).ToArray();
                output.WriteLine($"{bytes[0]} bytes after {Messages / 4} messages, {bytes[1]} after {Messages}");
                Assert.True(bytes[1] - bytes[0] < Allowed, $"{Messages * 3 / 4} messages left {bytes[1] - bytes[0]} bytes.");
            }
        }
        finally
        {
            foreach (var program in programs) await program.DisposeAsync();
        }
    }
}
