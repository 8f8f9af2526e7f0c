using System.Globalization;
using System.Text.RegularExpressions;
using CComet.Kestrel;
using CComet.Web.Tests.Docs;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace CComet.Web.Tests.Hardening;

/// <summary>Attack: more idle connections than the process may have open.</summary>
public sealed partial class OpenFilesTests
{
    private const string Pause = "Accepting pauses";
    private const string Resume = "Accepting goes on";

    [Fact]
    public async Task Connections_over_the_limit_of_open_files_wait_and_those_within_it_are_served()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = ServerProcess.StartWithOpenFiles(300, "--CComet:Limits:ConnectionsPerAddress=1000");
        int port;
        using (var http = await server.ClientAsync()) port = http.BaseAddress!.Port;
        await Eventually.TrueAsync(() => server.Output.Any(l => AtMost().IsMatch(l)), "The warning at the start");
        var max = int.Parse(AtMost().Match(server.Output.First(l => AtMost().IsMatch(l))).Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.InRange(max, 10, 200);

        using var old = await RawHttp.ConnectAsync(port);
        Assert.Equal(200, (await old.GetAsync("/pub?channel=a&msg=1")).Status);
        var crowd = new List<RawHttp>();
        for (var i = 0; i < max; i++)
        {
            crowd.Add(await RawHttp.ConnectAsync(port));
            await crowd[^1].SendAsync("GET /sub?channel=a HTTP/1.1\r\nHost: x\r\n");
        }

        await Eventually.TrueAsync(() => server.Output.Any(l => l.Contains(Pause, StringComparison.Ordinal)), "A pause in accepting");
        using var waiting = await RawHttp.ConnectAsync(port);
        await waiting.SendAsync(RawHttp.Get("/pub?channel=a&msg=waited"));
        for (var i = 0; i < 100; i++) Assert.Equal(200, (await old.GetAsync("/pub?channel=a&msg=still")).Status);

        foreach (var one in crowd) one.Dispose();
        Assert.Equal(200, (await waiting.ReadAsync())!.Status);
        await Eventually.TrueAsync(() => server.Output.Any(l => l.Contains(Resume, StringComparison.Ordinal)), "The end of the pause");
        using var fresh = await RawHttp.ConnectAsync(port);
        Assert.Equal(200, (await fresh.GetAsync("/pub?channel=a&msg=new")).Status);

        server.Terminate();
        Assert.Equal(0, await server.ExitAsync());
        Assert.Empty(server.Errors);
        Assert.DoesNotContain(server.Output, l => l.Contains("cannot be accepted", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Connections_are_bounded_by_their_setting_and_counted_until_they_are_closed()
    {
        await using var server = await LiveServer.StartAsync("CComet:Limits:Connections=3", "CComet:Limits:ConnectionsPerAddress=3");
        var gate = server.Services.GetRequiredService<ConnectionGate>();
        Assert.Equal(3, gate.Max);
        using var first = await RawHttp.ConnectAsync(server.Port);
        await first.GetAsync("/health/live");
        var second = await RawHttp.ConnectAsync(server.Port);
        await second.GetAsync("/health/live");
        var third = await RawHttp.ConnectAsync(server.Port);
        await third.GetAsync("/health/live");

        using var fourth = await RawHttp.ConnectAsync(server.Port);
        await fourth.SendAsync(RawHttp.Get("/pub?channel=a&msg=fourth"));
        var poll = await first.GetAsync("/sub?channel=a&seqid=0&wait=0");
        Assert.Equal(200, poll.Status);
        Assert.Empty(poll.Elements);

        second.Dispose();
        Assert.Equal(200, (await fourth.ReadAsync())!.Status);
        third.Dispose();

        // One place is the next connection's, which has not come yet.
        first.Dispose();
        fourth.Dispose();
        await Eventually.TrueAsync(() => gate.Free == 2, "Every connection has given its place back");
    }

    [Fact]
    public async Task Connection_that_never_sends_a_byte_is_closed()
    {
        await using var server = await LiveServer.StartAsync("CComet:Limits:IdleConnection=00:00:01");
        using var silent = await RawHttp.ConnectAsync(server.Port);
        Assert.Equal(-1, await silent.ReadByteAsync());
    }

    [Fact]
    public async Task Connection_that_sends_no_second_request_is_closed_and_a_poll_that_waits_is_not()
    {
        // Long enough for the first request of a client on a busy machine.
        await using var server = await LiveServer.StartAsync("CComet:Limits:IdleConnection=00:00:03");
        using var waiting = await RawHttp.ConnectAsync(server.Port);
        await waiting.SendAsync(RawHttp.Get("/sub?channel=a"));
        using var idle = await RawHttp.ConnectAsync(server.Port);
        await idle.GetAsync("/health/live");
        Assert.Equal(-1, await idle.ReadByteAsync());

        using var again = await RawHttp.ConnectAsync(server.Port);
        await again.GetAsync("/health/live");
        Assert.Equal(-1, await again.ReadByteAsync());
        await server.PublishAsync("a", "m");
        Assert.Single((await waiting.ReadAsync())!.Elements);
    }

    [Fact]
    public void Compose_gives_a_node_the_descriptors_that_its_limits_promise()
    {
        var compose = Documents.Read("docker-compose.yml");
        var node = compose[..compose.IndexOf("services:", StringComparison.Ordinal)];
        var files = int.Parse(Regex.Match(node, @"nofile: (\d+)").Groups[1].Value, CultureInfo.InvariantCulture);
        var log = new LogLines<ConnectionGate>();
        const int InUse = 1_000;
        using var gate = new ConnectionGate(new LimitOptions(), files, InUse, log);
        Assert.Empty(log.Lines);
    }

    [GeneratedRegex(@"At most (\d+) connections can be open, by the limit of open files")]
    private static partial Regex AtMost();
}
