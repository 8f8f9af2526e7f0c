using System.Net;
using System.Net.Sockets;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace CComet.Web.Tests.EndToEnd.Metrics;

/// <summary>A server in mode Token that has had every kind of event that is counted.</summary>
internal sealed class BusyServer : IAsyncDisposable
{
    private const int MaxConnections = 16;

    private readonly HookApplication _application;
    private readonly WebhookReceiver _receiver;
    private readonly TokenServer _server;
    private readonly string _token;
    private readonly List<IDisposable> _clients = [];

    private BusyServer(HookApplication application, WebhookReceiver receiver, TokenServer server)
    {
        (_application, _receiver, _server) = (application, receiver, server);
        _token = server.TokenOf("ann", "subscribe=*", "publish=*", "admin=*");
    }

    public static async Task<BusyServer> StartAsync()
    {
        var application = await HookApplication.StartAsync();
        var receiver = await WebhookReceiver.StartAsync();
        receiver.ChecksSignatures = false;
        var server = await TokenServer.StartAsync(
            [.. receiver.Settings("a"),
            $"CComet:Auth:Hook:Url={application.Url}", "CComet:History:MaxMessages=2", "CComet:Limits:Channels=5", "CComet:Presence:Channels=a", "CComet:Presence:LeaveAfter=00:10:00", "CComet:Limits:ChannelsPerAddress=100", "CComet:Limits:ChannelsPerUser=100", $"CComet:Limits:ConnectionsPerAddress={MaxConnections}",
            "CComet:Stream:StallTimeout=00:00:00.5", "CComet:Stream:Heartbeat=00:10:00"]);
        var busy = new BusyServer(application, receiver, server);
        await busy.RunAsync();
        return busy;
    }

    /// <summary>Asks for what it has counted.</summary>
    public async Task<string> ReadAsync(string accept)
    {
        var answer = await _server.Http.AskAsync(HttpMethod.Get, "/metrics", headers: headers =>
        {
            headers.TryAddWithoutValidation("Accept", accept);
            headers.TryAddWithoutValidation("Authorization", $"Bearer {_token}");
        });
        Assert.True(answer.Status == 200, answer.Text);
        return answer.Text;
    }

    public async ValueTask DisposeAsync()
    {
        _clients.ForEach(client => client.Dispose());
        await _server.DisposeAsync();
        await _application.DisposeAsync();
        await _receiver.DisposeAsync();
    }

    private async Task RunAsync()
    {
        // A stream that reads nothing is stalled, and a poll is answered late.
        await AskLaterAsync("/sse?channel=a", receiveBuffer: 4096);
        await AskLaterAsync("/sub?channel=a");
        await Eventually.TrueAsync(() => _server.Live.Hub.Find("a")?.Waiting == 2, "Both wait");
        for (var i = 0; i < 20; i++) Assert.Equal(200, (await _server.PublishAsync(_token, "a", new string('x', 50_000))).Status);
        await _server.Time.UntilAsync(() => Counts.Read(_server.Live.Services)["ccomet.stalled transport=sse"] == 1, TimeSpan.FromMilliseconds(50), "The stream is cut");

        // A gap, a reset, a right that the application gives, one that it does not, a token that does not hold.
        Assert.Equal(200, (await AskAsync("/sub?channel=a&seqid=0&wait=0")).Status);
        Assert.Equal(200, (await AskAsync("/sub?channel=a&seqid=0&epoch=another&wait=0")).Status);
        Assert.Equal(200, (await _server.AskAsync(_server.TokenOf("bob"), "/sub?channel=a&wait=0")).Status);
        _application.Answer = HookApplication.Saying("""{"allow":false}""");
        Assert.Equal(403, (await _server.AskAsync(_server.TokenOf("carl"), "/sub?channel=a&wait=0")).Status);
        Assert.Equal(401, (await _server.AskAsync("x.y.z", "/sub?channel=a&wait=0")).Status);

        // Idle channels make place for others, until all have subscribers.
        for (var i = 0; !IsFull(); i++)
        {
            await AskLaterAsync($"/stream?channel=b{i}");
            await Eventually.TrueAsync(() => _server.Live.Hub.Find($"b{i}")?.Waiting == 1 || IsFull(), "It is followed, or one too many");
        }

        // A webhook that takes events, and then none, so that it lags.
        await _receiver.TakeAsync(1);
        _receiver.Answer = (_, context) =>
        {
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            return Task.CompletedTask;
        };
        Assert.Equal(200, (await _server.PublishAsync(_token, "a", "not taken")).Status);
        await _server.Time.UntilAsync(() => Counts.Read(_server.Live.Services)["ccomet.webhook.failures hook=app"] > 0, TimeSpan.FromMilliseconds(50), "It does not take the last");

        var other = IPAddress.Parse("127.0.0.2");
        for (var i = 0; i <= MaxConnections; i++)
        {
            try
            {
                _clients.Add(await RawHttp.ConnectAsync(_server.Port, from: other));
            }
            catch (SocketException)
            {
                // It was reset before this side had noticed that it was open.
            }
        }

        await Eventually.TrueAsync(() => Counts.Read(_server.Live.Services)["ccomet.connections.refused reason=address"] > 0, "A connection too many");
    }

    private bool IsFull() => Counts.Read(_server.Live.Services).GetValueOrDefault("ccomet.limit.refused bound=Limits:Channels") > 0;

    private Task<Answer> AskAsync(string path) => _server.AskAsync(_token, path);

    private async Task AskLaterAsync(string target, int? receiveBuffer = null)
    {
        var client = await RawHttp.ConnectAsync(_server.Port, receiveBuffer);
        _clients.Add(client);
        await client.SendAsync($"GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {_token}\r\n\r\n");
    }
}
