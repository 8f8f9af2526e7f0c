using System.Text;
using System.Text.RegularExpressions;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>Requests that need more than a slot: of several channels, with a name, as JSONP, in the dialect of 2014. The web server sees none of them.</summary>
public sealed partial class BesideRequestTests
{
    private const string Several = "channel=a&channel=b";
    private static readonly string Long = new('x', 50_000);

    [Theory]
    [InlineData($"/sub?{Several}")]
    [InlineData("/sub?channel=b&sname=s")]
    [InlineData($"/sub?{Several}&sname=s&seqid=0&seqid=0&callback=f")]
    [InlineData("/subscribe?channel=b&seqid=0")]
    [InlineData("/subscribe?channel=b&seqid=0&sname=s&callback=f")]
    public async Task Poll_is_answered_by_a_message_and_the_next_one_waits_on_the_same_connection(string target)
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync();
        using var raw = await server.ParkAsync(target, "b");
        for (var i = 0; i < 5; i++)
        {
            await server.PublishAsync("b", $"text {i}");
            var text = (await raw.ReadAsync())!.Text;
            Assert.Contains($"text {i}", text, StringComparison.Ordinal);
            target = Begins().Replace(target, "");
            target += target.Contains(Several, StringComparison.Ordinal) ? $"&seqid=0&seqid={i + 1}" : $"&seqid={i + 1}";
            await server.ParkAsync(raw, target, "b");
        }

        Assert.Equal((0, target.Contains(Several, StringComparison.Ordinal) ? 1 : 0), (server.Reached, server.Live.Hub.Find("a")?.Waiting ?? 0));
        Assert.Equal(1, server.Live.Hub.SubscriberCount);
        Assert.Empty(server.Failures);
    }

    [Theory]
    [InlineData($"/sse?{Several}", "")]
    [InlineData($"/stream?{Several}", "")]
    [InlineData("/sse?channel=b&sname=s", "")]
    [InlineData("/stream?channel=b&sname=s", "")]
    [InlineData("/sub?channel=b", "Accept: text/event-stream\r\n")]
    [InlineData($"/sub?{Several}", "Accept: text/event-stream\r\n")]
    public async Task Stream_gets_what_is_published_to_each_of_its_channels_and_signs_of_life(string target, string headers)
    {
        if (!OperatingSystem.IsLinux()) return;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await ParkingServer.StartAsync(time, "CComet:Stream:Heartbeat=00:00:15");
        using var raw = await server.ParkAsync(target, "b", headers);
        var got = new StringBuilder();
        for (var i = 0; i < 5; i++)
        {
            foreach (var channel in (string[])["a", "b"])
            {
                if (channel == "a" && !target.Contains(Several, StringComparison.Ordinal)) continue;
                await server.PublishAsync(channel, $"{channel} {i}.");
                await ReadUntilAsync(raw, got, $"\"{channel} {i}.\"");
            }
        }

        got.Clear();
        time.Advance(TimeSpan.FromSeconds(15.2));
        await ReadUntilAsync(raw, got, target.StartsWith("/stream", StringComparison.Ordinal) ? "\"type\":\"CURSOR\"" : ":\n\n");
        Assert.Equal((0, 1), (server.Reached, server.Live.Hub.SubscriberCount));
        Assert.Empty(server.Failures);
    }

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

    [Fact]
    public async Task Client_that_ends_its_side_is_answered_what_is_there()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync();
        await server.PublishAsync("b", "m");
        using var raw = await RawHttp.ConnectAsync(server.Port);
        await raw.SendAsync($"GET /sub?{Several}&seqid=0&seqid=0 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /sub?channel=b&seqid=0&callback=f HTTP/1.1\r\nHost: localhost\r\n\r\n");
        raw.EndSending();
        Assert.Single((await raw.ReadAsync())!.Elements);
        Assert.Single((await raw.ReadAsync())!.JsonpElements("f"));
        Assert.Equal(-1, await raw.ReadByteAsync());
        await server.UntilAllLeftAsync("b");
        Assert.Equal(0, server.Reached);
    }

    [Fact]
    public async Task Script_without_a_cursor_is_told_where_to_begin_at_once()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync();
        await server.PublishAsync("b", "m");
        using var raw = await RawHttp.ConnectAsync(server.Port);
        var told = (await raw.GetAsync($"/sub?{Several}&callback=f")).JsonpElements("f");
        Assert.Equal(["CURSOR a 0", "CURSOR b 1"], told.Select(e => $"{e.GetProperty("type")} {e.GetProperty("channel")} {e.GetProperty("seqid")}"));
        await server.UntilAllLeftAsync("b");
        Assert.Equal(0, server.Reached);
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
        for (var i = 0; i < 60 && server.Live.Hub.SubscriberCount > 0; i++) time.Advance(TimeSpan.FromSeconds(1));
        var text = (await raw.ReadAsync())!.Text;
        Assert.Contains("\"expires\":", text, StringComparison.Ordinal);
        Assert.Contains("\"reason\":\"expired\"", text, StringComparison.Ordinal);
        await server.UntilAllLeftAsync("room.1");
        Assert.Equal(0, server.Reached);
    }

    [Theory]
    [InlineData($"/sse?{Several}")]
    [InlineData($"/stream?{Several}")]
    [InlineData("/stream?channel=b")]
    public async Task Laggard_that_takes_nothing_for_long_loses_nothing(string target)
    {
        if (!OperatingSystem.IsLinux()) return;
        const int Messages = 400;
        await using var server = await ParkingServer.StartAsync("CComet:History:MaxBytes=100000000", "CComet:Stream:StallTimeout=01:00:00", "CComet:Stream:SendBufferBytes=4096");
        using var lagging = await OpenAnswer.GetNarrowAsync($"{server.Live.Url}{target}");
        await server.UntilWaitingAsync("b", 1);
        for (var i = 0; i < Messages; i++) await server.PublishAsync("b", Long);
        await Eventually.TrueAsync(() => server.Live.Hub.Find("b")!.Waiting == 0, "It stalls");
        for (var i = 0; i < Messages; i++) Assert.Equal(i, await NextAsync());
        await server.PublishAsync("b", "after");
        Assert.Equal(Messages, await NextAsync());
        Assert.Equal((1, 0), (server.Live.Hub.SubscriberCount, server.Reached));
        Assert.Empty(server.Failures);

        async Task<long> NextAsync()
        {
            if (target.StartsWith("/sse", StringComparison.Ordinal)) return (await lagging.DataAsync()).Seqid;
            while (true)
            {
                var json = await lagging.JsonAsync();
                if (json.GetProperty("type").GetString() == "MSG") return json.GetProperty("seqid").GetInt64();
            }
        }
    }

    [Theory]
    [InlineData("/sse")]
    [InlineData("/stream")]
    public async Task Client_that_takes_nothing_of_a_stream_is_closed_after_the_stall_timeout(string path)
    {
        if (!OperatingSystem.IsLinux()) return;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await ParkingServer.StartAsync(time, "CComet:Stream:StallTimeout=00:00:30");
        using var sleeper = await Sleeper.AskAsync(server.Port, path, "b&channel=a");
        await server.UntilWaitingAsync("a", 1);
        for (var i = 0; i < 400; i++) await server.PublishAsync("a", Long);
        await Eventually.TrueAsync(() => server.Live.Hub.Find("a")!.Waiting == 0, "It stalls");
        time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(1, server.Live.Hub.SubscriberCount);
        for (var i = 0; i < 30 && server.Live.Hub.SubscriberCount > 0; i++) time.Advance(TimeSpan.FromSeconds(1));
        await server.UntilAllLeftAsync("a");
        await sleeper.WakeAsync();
        Assert.Equal(0, server.Reached);
    }

    [Fact]
    public async Task Long_answer_is_sent_as_its_client_takes_it_and_one_that_takes_nothing_is_closed()
    {
        if (!OperatingSystem.IsLinux()) return;
        const int Messages = 100;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await ParkingServer.StartAsync(time, "CComet:History:MaxBytes=100000000", "CComet:Stream:StallTimeout=00:00:30", "CComet:Stream:SendBufferBytes=4096");
        for (var i = 0; i < Messages; i++) await server.PublishAsync("b", Long);
        using var raw = await RawHttp.ConnectAsync(server.Port, receiveBuffer: 4096);
        var cursor = (string?)null;
        for (var next = 0; next < Messages;)
        {
            await raw.SendAsync(RawHttp.Get(cursor is null ? $"/sub?{Several}&seqid=0&seqid=0" : $"/sub?{Several}&cursor={cursor}"));
            var answer = (await raw.ReadAsync())!;
            foreach (var element in answer.Elements) Assert.Equal(next++, element.GetProperty("seqid").GetInt32());
            cursor = answer.Header("CComet-Cursor");
        }

        using var script = await RawHttp.ConnectAsync(server.Port, receiveBuffer: 4096);
        Assert.NotEmpty((await script.GetAsync($"/sub?{Several}&seqid=0&seqid=0&callback=f")).JsonpElements("f"));
        using var sleeper = await Sleeper.AskAsync(server.Port, "/sub", "a&channel=b&seqid=0&seqid=0");
        await Eventually.TrueAsync(() => server.Live.Hub.SubscriberCount == 1, "It is answered");
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(10));
                return server.Live.Hub.SubscriberCount == 0;
            },
            "It is cut off");
        await sleeper.WakeAsync();
        Assert.Equal(0, server.Reached);
        Assert.Empty(server.Failures);
    }

    [Fact]
    public async Task Subscriptions_of_one_address_are_counted_for_each_channel()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync("CComet:Limits:SubscribersPerAddress=3");
        using var first = await server.ParkAsync($"/sub?{Several}", "b");
        using var second = await RawHttp.ConnectAsync(server.Port);
        (await second.GetAsync($"/sse?{Several}")).AssertProblem(429, "channel");
        Assert.Equal(0, server.Reached);
        first.Dispose();
        await server.UntilAllLeftAsync("b");
        using var third = await server.ParkAsync($"/sse?{Several}", "b");
        Assert.Empty(server.Failures);
    }

    [Fact]
    public async Task Script_is_refused_where_JSONP_is_switched_off()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync("CComet:Jsonp:Enabled=false");
        using var raw = await RawHttp.ConnectAsync(server.Port);
        (await raw.GetAsync("/sub?channel=a&callback=f")).AssertProblem(403, "callback");
        Assert.Equal(1, server.Reached);
    }

    [Fact]
    public async Task Each_request_has_one_line_of_the_log()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await ParkingServer.StartAsync("CComet:PathBase=/push");
        using var raw = await RawHttp.ConnectAsync(server.Port);
        Assert.Empty((await raw.GetAsync($"/push/sub?{Several}&wait=0")).Elements);
        await server.LoggedAsync("GET /push/sub responded 200");
        using var replaced = await server.ParkAsync("/push/sub?channel=b&sname=s", "b");
        using var newer = await RawHttp.ConnectAsync(server.Port);
        await newer.SendAsync(RawHttp.Get("/push/stream?channel=b&sname=s"));
        Assert.Equal(409, (await replaced.ReadAsync())!.Status);
        await server.LoggedAsync("GET /push/sub responded 409");
        newer.Dispose();
        await server.LoggedAsync("GET /push/stream responded 200");
        (await server.ParkAsync($"/push/sub?{Several}", "b")).Dispose();
        await server.LoggedAsync("GET /push/sub responded 499");
        await raw.SendAsync(RawHttp.Get("/push/subscribe?channel=b&seqid=0&wait=0"));
        Assert.Equal(204, (await raw.ReadAsync(bodiless: true))!.Status);
        await server.LoggedAsync("GET /push/subscribe responded 204");
        Assert.Equal(0, server.Reached);
    }

    /// <summary>Polls and streams of two channels that come and go while messages are published.</summary>
    [Fact]
    public async Task Every_subscriber_gets_each_message_once_and_in_order()
    {
        if (!OperatingSystem.IsLinux()) return;
        const int Messages = 200;
        await using var server = await ParkingServer.StartAsync();
        using var begin = await RawHttp.ConnectAsync(server.Port);
        var cursor = (await begin.GetAsync($"/sub?{Several}&wait=0")).Header("CComet-Cursor")!;
        var followers = Enumerable.Range(0, 12).Select(i => Task.Run(() => FollowAsync(server, cursor, Messages, new Random(i)))).ToArray();
        await Task.WhenAll(((string[])["a", "b"]).Select(channel => Task.Run(async () =>
        {
            for (var i = 0; i < Messages; i++) await server.PublishAsync(channel, $"{i}");
        })));
        await Task.WhenAll(followers);
        await server.UntilAllLeftAsync("b");
        Assert.Equal(0, server.Reached);
        Assert.Empty(server.Failures);
    }

    private static async Task FollowAsync(ParkingServer server, string cursor, int messages, Random random)
    {
        var next = new Dictionary<string, long> { ["a"] = 0, ["b"] = 0 };
        var epochs = cursor.Split(',').Select(part => part.Split(':')[0]).ToArray();
        RawHttp? raw = null;
        while (next.Values.Any(n => n < messages))
        {
            if (random.Next(10) == 0)
            {
                raw?.Dispose();
                raw = null;
            }

            var from = $"{Several}&cursor={epochs[0]}:{next["a"]},{epochs[1]}:{next["b"]}";
            if (random.Next(4) > 0)
            {
                raw ??= await RawHttp.ConnectAsync(server.Port);
                var isScript = random.Next(2) == 0;
                var answer = await raw.GetAsync($"/sub?{from}{(isScript ? "&callback=f" : "")}");
                foreach (var element in isScript ? answer.JsonpElements("f") : answer.Elements) Take(element);
                continue;
            }

            using var stream = await OpenAnswer.GetAsync($"{server.Live.Url}/stream?{from}");
            for (var left = random.Next(20); left >= 0 && next.Values.Any(n => n < messages);)
            {
                var element = await stream.JsonAsync();
                if (element.GetProperty("type").GetString() != "MSG") continue;
                Take(element);
                left--;
            }
        }

        raw?.Dispose();

        void Take(System.Text.Json.JsonElement element) => Assert.Equal(next[element.GetProperty("channel").GetString()!]++, element.GetProperty("seqid").GetInt64());
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
            if (time is not null)
            {
                // Again and again: its end may be set only after it is seen to wait.
                await Eventually.TrueAsync(
                    () =>
                    {
                        time.Advance(TimeSpan.FromMilliseconds(100));
                        return reading.IsCompleted;
                    },
                    "An answer at the end of the wait");
            }

            var answer = (await reading)!;
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

    private static async Task ReadUntilAsync(RawHttp raw, StringBuilder got, string end)
    {
        while (!got.ToString().EndsWith(end, StringComparison.Ordinal))
        {
            var next = await raw.ReadByteAsync();
            Assert.True(next >= 0, $"{got}");
            got.Append((char)next);
        }
    }

    /// <summary>What two servers tell differently: the times, the epochs.</summary>
    [GeneratedRegex("retry: [0-9]+|\"retry\":[0-9]+|(?<![a-z0-9])[a-z0-9]{10}(?=[:\"])|[0-9]{13}")]
    private static partial Regex Between();

    [GeneratedRegex("&seqid=[0-9]+")]
    private static partial Regex Begins();

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
