using System.Text.RegularExpressions;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>What ends requests that need more than a slot: their client, their time, their rights, the server. They leave nothing behind, and the web server would have told the same.</summary>
public sealed partial class BesideEndTests
{
    private const string Several = "channel=a&channel=b";

    [Theory]
    [InlineData($"/sub?{Several}", "fin")]
    [InlineData($"/sub?{Several}", "reset")]
    [InlineData($"/sub?{Several}", "half")]
    [InlineData("/subscribe?channel=b&callback=f&seqid=0", "fin")]
    [InlineData("/subscribe?channel=b&callback=f&seqid=0", "reset")]
    [InlineData($"/stream?{Several}", "fin")]
    [InlineData($"/sse?{Several}", "reset")]
    [InlineData($"/sse?{Several}", "half")]
    public async Task Client_that_goes_leaves_nothing_behind(string target, string how)
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync();
        var free = server.FreePlaces;
        var crowd = new List<RawHttp>();
        for (var i = 0; i < 20; i++) crowd.Add(await server.ParkAsync(target, "b"));
        Assert.Equal((20, 0), (server.Live.Hub.SubscriberCount, server.Reached));
        foreach (var raw in crowd)
        {
            if (how == "reset") raw.Reset();
            else if (how == "half") raw.EndSending();
            else raw.Dispose();
        }

        await server.UntilAllLeftAsync("b");
        await Eventually.TrueAsync(() => server.FreePlaces >= free - 1, "No connection is counted");
        crowd.ForEach(raw => raw.Dispose());
        using var again = await server.ParkAsync(target, "b");
        Assert.Equal(1, server.Live.Hub.SubscriberCount);
        Assert.Empty(server.Failures);
    }

    /// <summary>What ends a request that waits: the web server answers the same, to the byte.</summary>
    [Theory]
    [InlineData($"/sub?{Several}", "drain")]
    [InlineData($"/sub?{Several}&seqid=0&seqid=0&callback=f", "drain")]
    [InlineData("/subscribe?channel=b&seqid=0&callback=f", "drain")]
    [InlineData("/subscribe?channel=b&seqid=0", "drain")]
    [InlineData($"/sse?{Several}", "drain")]
    [InlineData($"/stream?{Several}", "drain")]
    [InlineData("/stream?channel=b", "drain")]
    [InlineData("/sub?channel=b&sname=s", "replace")]
    [InlineData("/sub?channel=b&sname=s&seqid=0&callback=f", "replace")]
    [InlineData("/subscribe?channel=b&sname=s&seqid=0&callback=f", "replace")]
    [InlineData("/sse?channel=b&sname=s", "replace")]
    [InlineData("/stream?channel=b&sname=s", "replace")]
    [InlineData($"/sub?{Several}&wait=0.2", "")]
    [InlineData($"/sub?{Several}&seqid=0&seqid=0&callback=f&wait=0.2", "")]
    [InlineData("/subscribe?channel=b&seqid=0&callback=f&wait=0.2", "")]
    [InlineData("/subscribe?channel=b&seqid=0&wait=0.2", "")]
    public async Task End_is_told_as_by_the_web_server(string target, string how)
    {
        if (!OperatingSystem.IsLinux()) return;
        using var newer = new Asker("/sub?channel=b&sname=s&seqid=0");
        await OnBothDoorsAsync(target, "b", "", how.Length == 0 ? [] : ["CComet:Poll:Timeout=00:10:00"], async server =>
        {
            if (how == "drain") server.Live.Hub.Drain();
            if (how == "replace") await newer.AskAsync(server.Port);
        }, how.Length == 0 ? new FakeTimeProvider(DateTimeOffset.UtcNow) : null);
    }

    [Theory]
    [InlineData("/stream?channel=room.1")]
    [InlineData("/sub?channel=room.1&channel=room.2")]
    [InlineData("/sub?channel=room.1&sname=ann")]
    [InlineData("/sse?channel=room.1&channel=room.2")]
    [InlineData("/stream?channel=room.1&channel=room.2")]
    [InlineData("/subscribe?channel=room.1&seqid=0")]
    public async Task Right_that_is_revoked_ends_what_waits_as_at_the_web_server(string target)
    {
        if (!OperatingSystem.IsLinux()) return;
        var token = new TestToken(DateTimeOffset.UtcNow).Sign(TokenServer.Key);
        await OnBothDoorsAsync(target, "room.1", $"Authorization: Bearer {token}\r\n", TokenServer.Settings, async server =>
        {
            var op = new TestToken(DateTimeOffset.UtcNow).With("sub", "op").With("ccomet:admin", "*").Sign(TokenServer.Key);
            Assert.Equal(200, (await server.Live.Http.AskAsync(HttpMethod.Post, "/admin/revoke", Asking.Body("""{"sub":"ann"}"""), h => h.Authorization = new("Bearer", op))).Status);
        });
    }

    [Theory]
    [InlineData("/stream?channel=room.1")]
    [InlineData("/sse?channel=room.1&channel=room.2")]
    [InlineData("/stream?channel=room.1&channel=room.2")]
    public async Task Stream_whose_grant_expires_ends_with_the_reason(string target)
    {
        if (!OperatingSystem.IsLinux()) return;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await ParkingServer.StartAsync(time, TokenServer.Settings);
        var token = new TestToken(time.GetUtcNow()).Sign(TokenServer.Key);
        using var raw = await server.ParkAsync(target, "room.1", $"Authorization: Bearer {token}\r\n");
        time.Advance(TimeSpan.FromHours(1) + TimeSpan.FromSeconds(10));
        Assert.Equal(1, server.Live.Hub.SubscriberCount);
        await server.UntilAllLeftAsync(time, "room.1");
        var text = (await raw.ReadAsync())!.Text;
        Assert.Contains("\"expires\":", text, StringComparison.Ordinal);
        Assert.Contains("\"reason\":\"expired\"", text, StringComparison.Ordinal);
        Assert.Equal(0, server.Reached);
    }

    /// <summary>Does something to a request that waits, or has its time pass, on a server that parks and one that does not, and compares what it is answered and what is logged of it.</summary>
    private static async Task OnBothDoorsAsync(string target, string channel, string headers, string[] settings, Func<ParkingServer, Task> act, FakeTimeProvider? time = null)
    {
        var answers = new List<string>();
        foreach (var isParking in (bool[])[false, true])
        {
            await using var server = await ParkingServer.StartAsync(time, [.. settings, $"CComet:Parking:Enabled={isParking}"]);
            using var raw = await server.ParkAsync(target, channel, headers);
            Assert.Equal(isParking ? 0 : 1, server.Reached);
            await act(server);
            var reading = raw.ReadAsync();
            var answer = (await (time?.UntilAsync(reading, TimeSpan.FromMilliseconds(100)) ?? reading))!;
            var path = target[..target.IndexOf('?', StringComparison.Ordinal)];
            await Eventually.TrueAsync(() => server.Requests.Any(line => line.Contains($" {path} ", StringComparison.Ordinal)), "It is logged");
            var line = server.Requests.First(line => line.Contains($" {path} ", StringComparison.Ordinal));
            var isClosed = answer.Header("Connection") == "close" && await raw.ReadByteAsync() == -1;
            answers.Add($"{line}\n{Shown(answer)}\n{isClosed}");
            Assert.Empty(server.Failures);
        }

        Assert.Equal(answers[0], answers[1]);
    }

    private static string Shown(Answer answer) =>
        $"{answer.Status}\n{string.Join('\n', answer.Headers.Where(h => h.Key is not ("Date" or "CComet-Retry")).Select(h => $"{h.Key}: {h.Value}").Order(StringComparer.Ordinal))}\n\n{Between().Replace(answer.Text, "")}"
            .Replace(answer.Header("CComet-Cursor") ?? "-", "", StringComparison.Ordinal);

    /// <summary>What two servers tell differently: the times, the epochs.</summary>
    [GeneratedRegex("retry: [0-9]+|\"retry\":[0-9]+|(?<![a-z0-9])[a-z0-9]{10}(?=[:\"])|[0-9]{13}")]
    private static partial Regex Between();

    /// <summary>A client that asks, and waits for no answer.</summary>
    private sealed class Asker(string target) : IDisposable
    {
        private readonly List<RawHttp> _asking = [];

        public async Task AskAsync(int port)
        {
            var raw = await RawHttp.ConnectAsync(port);
            _asking.Add(raw);
            await raw.SendAsync(RawHttp.Get(target));
        }

        public void Dispose() => _asking.ForEach(raw => raw.Dispose());
    }
}
