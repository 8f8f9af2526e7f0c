using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Http;

/// <summary>A planned stop: everybody is sent away in good order, and asked to come back each at his own time.</summary>
public sealed class DrainTests
{
    private const int Shortest = 1_000;

    [Fact]
    public async Task Event_stream_is_told_goodbye_to_the_byte_and_ends()
    {
        await using var server = await LiveServer.StartAsync();
        using var stream = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a");
        await stream.BeginAsync();
        await server.StopAsync();
        var bye = (await stream.EventAsync())!;
        Assert.Matches(new Regex($@"\Aretry: {bye.Retry}\nevent: bye\ndata: \{{""type"":""BYE"",""retry"":{bye.Retry}\}}\n\n\z"), bye.Text);
        Assert.Null(await stream.EventAsync());
    }

    [Fact]
    public async Task Stream_of_lines_is_told_goodbye_and_ends()
    {
        await using var server = await LiveServer.StartAsync();
        using var stream = await OpenAnswer.GetAsync($"{server.Url}/stream?channel=a");
        await stream.LineAsync();
        await server.StopAsync();
        Assert.Matches(new Regex(@"\A\{""type"":""BYE"",""retry"":\d+\}\z"), await stream.LineAsync());
        Assert.Null(await stream.LineAsync());
    }

    [Fact]
    public async Task WebSocket_is_told_goodbye_and_closed_as_going_away()
    {
        await using var server = await LiveServer.StartAsync();
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a");
        await socket.ElementsAsync();
        var stopping = server.StopAsync();
        Assert.Equal("BYE", (await socket.ElementsAsync()).Single().GetProperty("type").GetString());
        Assert.Equal(1001, await socket.CloseCodeAsync());
        await socket.SendCloseAsync(1001);
        Assert.Null(await socket.FrameAsync());
        await stopping;
    }

    [Fact]
    public async Task Client_that_does_not_answer_the_close_does_not_hold_up_the_stop()
    {
        await using var server = await LiveServer.StartAsync();
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a");
        await socket.ElementsAsync();
        await server.StopAsync();
        await socket.ElementsAsync();
        Assert.Equal(1001, await socket.CloseCodeAsync());
        Assert.Null(await socket.FrameAsync());
    }

    [Fact]
    public async Task Poll_is_answered_empty_with_a_hint_when_to_ask_again()
    {
        await using var server = await LiveServer.StartAsync();
        var polling = OpenAnswer.GetAsync($"{server.Url}/sub?channel=a&seqid=0");
        await Eventually.TrueAsync(() => server.Hub.Find("a")?.Waiting == 1, "The poll waits");
        await server.StopAsync();
        using var poll = await polling;
        Assert.Equal(HttpStatusCode.OK, poll.Head.StatusCode);
        Assert.Equal("[]\n", await poll.RestAsync());
        Assert.InRange(RetryOf(poll), Shortest, 2 * Shortest);
        Assert.Matches(new Regex(@"\A[^:]+:0\z"), poll.Head.Headers.GetValues("CComet-Cursor").Single());
    }

    [Fact]
    public async Task Delays_spread_over_a_window_that_grows_with_the_connections()
    {
        const int Connections = 40;
        var few = await DelaysAsync(1, "CComet:Drain:ReconnectsPerSecond=1");
        Assert.All(few, retry => Assert.InRange(retry, Shortest, 2 * Shortest));
        var fast = await DelaysAsync(Connections, "CComet:Drain:ReconnectsPerSecond=1000");
        Assert.All(fast, retry => Assert.InRange(retry, Shortest, 2 * Shortest));

        // One in a second: the window is as many seconds as there are connections. That all of so many fall into one half
        // of it happens once in five hundred billion stops.
        var slow = await DelaysAsync(Connections, "CComet:Drain:ReconnectsPerSecond=1");
        Assert.All(slow, retry => Assert.InRange(retry, Shortest, Shortest + (Connections * 1_000)));
        Assert.Contains(slow, retry => retry < Shortest + (Connections * 500));
        Assert.Contains(slow, retry => retry > Shortest + (Connections * 500));
        Assert.True(slow.Distinct().Count() > Connections / 2, string.Join(' ', slow));
    }

    [Fact]
    public async Task Readiness_is_refused_first_while_streams_and_publishers_go_on()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await LiveServer.StartAsync(0, new CCometFactory(time, "CComet:Drain:Grace=00:00:10"));
        using var http = new HttpClient { BaseAddress = new Uri(server.Url) };
        var followers = new List<Follower>();
        foreach (var path in new[] { "/sse", "/stream", "/ws" }) followers.Add(await Follower.OpenAsync(path, server.Port, "channel=a"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/health/ready"));

        var stopping = server.StopAsync();
        await Eventually.TrueAsync(() => server.Hub.IsDraining, "The stop has begun");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync("/health/ready"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/health/live"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync("/sse?channel=a"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/pub?channel=a&msg=still"));
        foreach (var follower in followers) Assert.Equal("still", (await follower.ElementAsync()).GetProperty("msg").GetString());
        Assert.False(stopping.IsCompleted);

        var goodbyes = Task.WhenAll(followers.Select(f => f.ElementAsync()));
        Assert.All(await time.UntilAsync(goodbyes, TimeSpan.FromSeconds(1)), bye => Assert.Equal("BYE", bye.GetProperty("type").GetString()));
        followers.ForEach(f => f.Dispose());
        await stopping;

        async Task<HttpStatusCode> StatusAsync(string path)
        {
            using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task Longest_grace_is_shorter_than_what_the_host_gives_a_stop()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await LiveServer.StartAsync(0, new CCometFactory(time, "CComet:Drain:Grace=00:10:00"));
        var timeout = server.Services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout;
        var grace = server.Services.GetRequiredService<IOptions<HubOptions>>().Value.Drain.Grace;
        var stopping = server.StopAsync();
        await time.UntilAsync(() => stopping.IsCompleted, grace, "The stop is over");
        Assert.True(timeout > grace, $"The host cuts a stop off after {timeout}, in the middle of a grace of {grace}.");
    }

    /// <summary>When each of the connections was asked to come back, in ms; all transports in turn.</summary>
    private static async Task<List<int>> DelaysAsync(int connections, string setting)
    {
        await using var server = await LiveServer.StartAsync(setting, "CComet:Poll:Timeout=00:10:00", "CComet:Stream:Heartbeat=00:10:00");
        var followers = new List<Follower>();
        var polls = new List<Task<OpenAnswer>>();
        for (var i = 0; i < connections; i++)
        {
            if (i % 4 == 3) polls.Add(OpenAnswer.GetAsync($"{server.Url}/sub?channel=a&seqid=0"));
            else followers.Add(await Follower.OpenAsync(i % 4 == 0 ? "/sse" : i % 4 == 1 ? "/stream" : "/ws", server.Port, "channel=a"));
        }

        await Eventually.TrueAsync(() => server.Hub.Find("a")?.Waiting == connections, "All wait");
        var stopping = server.StopAsync();
        var delays = new List<int>();
        foreach (var follower in followers)
        {
            var bye = await follower.ElementAsync();
            Assert.Equal("BYE", bye.GetProperty("type").GetString());
            delays.Add(bye.GetProperty("retry").GetInt32());
            follower.Dispose();
        }

        foreach (var polling in polls)
        {
            using var poll = await polling;
            Assert.Empty(JsonSerializer.Deserialize<JsonElement[]>(await poll.RestAsync())!);
            delays.Add(RetryOf(poll));
        }

        await stopping;
        return delays;
    }

    private static int RetryOf(OpenAnswer poll) => int.Parse(poll.Head.Headers.GetValues("CComet-Retry").Single(), CultureInfo.InvariantCulture);
}
