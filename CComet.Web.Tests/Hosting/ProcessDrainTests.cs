using System.Net;
using System.Text.Json;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hosting;

/// <summary>The stop as an operator does it: by a signal to the process.</summary>
public sealed class ProcessDrainTests
{
    private const int KilledByTerm = 128 + 15;

    [Fact]
    public async Task Signal_drains_every_transport_and_the_process_exits_with_0()
    {
        await using var server = await ServerProgram.StartAsync("http", "--CComet:Drain:Grace=00:00:00.1", "--CComet:Poll:Timeout=00:10:00", "--CComet:Stream:Heartbeat=00:10:00");
        using var events = await Follower.OpenAsync("/sse", server.Port, "channel=a");
        using var lines = await Follower.OpenAsync("/stream", server.Port, "channel=a");
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a");
        await socket.ElementsAsync();
        using var poll = await PollAsync(server.Port);

        await server.Program.SignalAsync("TERM");
        foreach (var follower in new[] { events, lines })
        {
            Assert.Equal("BYE", (await follower.ElementAsync()).GetProperty("type").GetString());
            Assert.Null(await follower.NextAsync());
        }

        Assert.Equal("BYE", (await socket.ElementsAsync()).Single().GetProperty("type").GetString());
        Assert.Equal(1001, await socket.CloseCodeAsync());
        await socket.SendCloseAsync(1001);
        Assert.Equal("[]\n", await poll.Answer);
        Assert.Equal(0, await server.Program.ExitCodeAsync());
    }

    [Fact]
    public async Task Second_signal_ends_the_process_at_once_while_a_client_is_connected()
    {
        await using var server = await ServerProgram.StartAsync("http", "--CComet:Drain:Grace=00:10:00");
        using var follower = await Follower.OpenAsync("/sse", server.Port, "channel=a");
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{server.Port}") };
        await server.Program.SignalAsync("TERM");
        var status = HttpStatusCode.OK;
        while (status == HttpStatusCode.OK)
        {
            using var ready = await http.GetAsync(new Uri("/health/ready", UriKind.Relative));
            status = ready.StatusCode;
        }

        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        using var published = await http.GetAsync(new Uri("/pub?channel=a&msg=still", UriKind.Relative));
        Assert.Equal("still", (await follower.ElementAsync()).GetProperty("msg").GetString());
        Assert.False(server.Program.HasExited);

        await server.Program.SignalAsync("TERM");
        Assert.Equal(KilledByTerm, await server.Program.ExitCodeAsync());
    }

    [Theory]
    [InlineData("HUP")]
    [InlineData("INT")]
    [InlineData("QUIT")]
    public async Task Every_signal_that_means_the_end_is_a_stop_in_good_order(string signal)
    {
        await using var server = await ServerProgram.StartAsync("http", "--CComet:Drain:Grace=00:00:00");
        using var follower = await Follower.OpenAsync("/stream", server.Port, "channel=a");
        await server.Program.SignalAsync(signal);
        Assert.Equal("BYE", (await follower.ElementAsync()).GetProperty("type").GetString());
        Assert.Equal(0, await server.Program.ExitCodeAsync());
    }

    [Theory]
    [InlineData("HUP", 1, "TERM", 15)]
    [InlineData("TERM", 15, "HUP", 1)]
    [InlineData("TERM", 15, "INT", 2)]
    [InlineData("QUIT", 3, "QUIT", 3)]
    public async Task Second_signal_ends_the_process_at_once_whichever_the_two_are(string first, int firstNumber, string second, int secondNumber)
    {
        await using var server = await ServerProgram.StartAsync("http", "--CComet:Drain:Grace=00:10:00");
        await server.Program.SignalAsync(first);
        await Eventually.TrueAsync(() => server.Program.Lines.Any(l => l.Contains("shutting down", StringComparison.Ordinal)), "The stop begins");
        Assert.False(server.Program.HasExited);
        await server.Program.SignalAsync(second);

        // Each signal has its own thread in the server, so that either may be counted as the second.
        Assert.Contains(await server.Program.ExitCodeAsync(), new[] { 128 + firstNumber, 128 + secondNumber });
    }

    /// <summary>A poll that waits for certain: a newer one of its name took its place only once it was there.</summary>
    private static async Task<WaitingPoll> PollAsync(int port)
    {
        var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        var address = new Uri("/sub?channel=poll&seqid=0&sname=p", UriKind.Relative);
        var waiting = http.GetAsync(address);
        var other = http.GetAsync(address);
        using var replaced = await await Task.WhenAny(waiting, other);
        Assert.Equal("409", JsonSerializer.Deserialize<JsonElement[]>(await replaced.Content.ReadAsStringAsync())!.Single().GetProperty("type").GetString());
        return new WaitingPoll(http, waiting.IsCompleted ? other : waiting);
    }

    private sealed record WaitingPoll(HttpClient Http, Task<HttpResponseMessage> Response) : IDisposable
    {
        public Task<string> Answer => TextAsync();

        public void Dispose() => Http.Dispose();

        private async Task<string> TextAsync()
        {
            using var response = await Response;
            Assert.True(response.Headers.Contains("CComet-Retry"));
            return await response.Content.ReadAsStringAsync();
        }
    }
}
