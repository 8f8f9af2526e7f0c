using System.Text.Json;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Clients.Cli;

/// <summary>What <c>ccomet doctor</c> finds with and without a proxy in between.</summary>
public sealed class DoctorTests
{
    [Fact]
    public async Task Way_without_a_proxy_is_good_for_every_transport()
    {
        await using var server = await LiveServer.StartAsync();
        var report = await ExamineAsync(server.Url);
        Assert.Equal("stream", report.GetProperty("use").GetString());
        Assert.All(report.GetProperty("transports").EnumerateArray(), probe =>
        {
            Assert.True(probe.GetProperty("works").GetBoolean(), probe.GetRawText());
            Assert.Equal(JsonValueKind.Number, probe.GetProperty("deliveryMs").ValueKind);
        });
    }

    [Fact]
    public async Task Proxy_that_collects_streams_is_found_and_polls_are_named()
    {
        await using var server = await LiveServer.StartAsync();
        await using var nginx = await Nginx.StartAsync(server.Port);
        var report = await ExamineAsync(nginx.DeafUrl);
        Assert.Equal("poll", report.GetProperty("use").GetString());
        foreach (var name in (string[])["stream", "sse"])
        {
            var probe = Probe(report, name);
            Assert.False(probe.GetProperty("works").GetBoolean());
            Assert.Contains("proxy_buffering", probe.GetProperty("findings")[0].GetString(), StringComparison.Ordinal);
        }

        // It hands on no upgrade unless it is told to.
        Assert.False(Probe(report, "websocket").GetProperty("works").GetBoolean());
        Assert.Contains(report.GetProperty("findings").EnumerateArray(), finding => finding.GetString()!.StartsWith("Server: nginx", StringComparison.Ordinal));

        // The same proxy where it obeys the server's header.
        Assert.Equal("stream", (await ExamineAsync(nginx.Url)).GetProperty("use").GetString());
    }

    [Fact]
    public async Task Server_that_is_not_there_is_told_in_one_line()
    {
        var run = await CliRun.RunAsync(null, "", "doctor", $"http://127.0.0.1:{Ports.Take()}");
        Assert.Equal(1, run.Code);
        Assert.StartsWith("ccomet: the server cannot be reached: ", run.Errors, StringComparison.Ordinal);
    }

    private static JsonElement Probe(JsonElement report, string name) => report.GetProperty("transports").EnumerateArray().Single(probe => probe.GetProperty("transport").GetString() == name);

    private static async Task<JsonElement> ExamineAsync(string url)
    {
        var run = await CliRun.RunAsync(null, "", "doctor", url, "--wait", "1s", "--json");
        Assert.Equal((0, ""), (run.Code, run.Errors));
        return JsonDocument.Parse(Assert.Single(run.Output)).RootElement;
    }
}
