using System.Text.Json;
using CComet.Operations;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary>The whole server with the two addresses of icomet's dialect, on ports and a store that stay the same through a restart.</summary>
public sealed class IcometServer : IAsyncDisposable
{
    /// <summary>The stores of one node.</summary>
    public static readonly TheoryData<string> Stores = ["Memory", "Sqlite"];

    private readonly int _port = Ports.Take();
    private readonly int _frontPort = Ports.Take();
    private readonly int _adminPort = Ports.Take();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ccomet-icomet-");
    private readonly TimeProvider? _time;
    private readonly string[] _settings;

    private IcometServer(TimeProvider? time, string[] settings)
    {
        _time = time;
        _settings =
        [
            $"CComet:Icomet:Front=http://127.0.0.1:{_frontPort}",
            $"CComet:Icomet:Admin=http://127.0.0.1:{_adminPort}",
            $"CComet:Store:Path={Path.Combine(_folder.FullName, "ccomet.db")}",
            .. settings,
        ];
        Front = NewClient(FrontUrl);
        Admin = NewClient(AdminUrl);
    }

    /// <summary>The server with its own address.</summary>
    public LiveServer Server { get; private set; } = null!;

    /// <summary>Asks as subscribers do.</summary>
    public HttpClient Front { get; }

    /// <summary>Asks as an application's services do.</summary>
    public HttpClient Admin { get; }

    public string FrontUrl => $"http://127.0.0.1:{_frontPort}";

    public string AdminUrl => $"http://127.0.0.1:{_adminPort}";

    /// <summary>Starts on a store.</summary>
    public static Task<IcometServer> StartAsync(string store, params string[] settings) => StartAsync(null, store, settings);

    /// <summary>Starts on a store, with a clock that the test turns.</summary>
    public static async Task<IcometServer> StartAsync(TimeProvider? time, string store, params string[] settings)
    {
        var server = new IcometServer(time, [$"CComet:Store:Kind={store}", .. settings]);
        await server.RunAsync();
        return server;
    }

    /// <summary>Stops it in good order and starts it again, on the same ports and the same data.</summary>
    public async Task RestartAsync()
    {
        await Server.StopAsync();
        await RunAsync();
    }

    /// <summary>Publishes a text, by a form.</summary>
    public async Task PushAsync(string channel, string content)
    {
        var answer = await Admin.AskAsync("/push", new FormUrlEncodedContent([new("cname", channel), new("content", content)]));
        Assert.Equal((200, """{"type":"ok"}""" + "\n"), (answer.Status, answer.Text));
    }

    /// <summary>Asks the admin side for JSON.</summary>
    public async Task<JsonElement> AskAsync(string path, params (string Name, string Value)[] query) => await JsonAsync(Admin, path, query);

    /// <summary>Polls once, and gives what is answered: an object or an array.</summary>
    public async Task<JsonElement> PollAsync(params (string Name, string Value)[] query) => await JsonAsync(Front, "/sub", query);

    /// <summary>Polls, and returns once the poll waits.</summary>
    /// <returns>The poll, still waiting.</returns>
    public async Task<Task<JsonElement>> ParkAsync(string channel, params (string Name, string Value)[] query)
    {
        var waiting = await AllWaitAsync(channel);
        var polling = PollAsync([("cname", channel), .. query]);
        await UntilWaitingAsync(channel, waiting + 1);
        return polling;
    }

    /// <summary>Opens a stream of lines, and returns once it waits.</summary>
    public async Task<OpenAnswer> StreamAsync(string channel, params (string Name, string Value)[] query)
    {
        var waiting = await AllWaitAsync(channel);
        var stream = await OpenAnswer.GetAsync(FrontUrl + Asking.Path("/stream", [("cname", channel), .. query]));
        await UntilWaitingAsync(channel, waiting + 1);
        return stream;
    }

    /// <summary>Waits until a channel has so many subscribers that wait.</summary>
    public Task UntilWaitingAsync(string channel, int count) => Eventually.TrueAsync(() => WaitingIn(channel) == count, $"{count} wait in {channel}");

    /// <summary>Waits until nobody is subscribed to a channel.</summary>
    public Task UntilLeftAsync(string channel) => Eventually.TrueAsync(() => Server.Hub.Find(channel) is not { Subscribers: > 0 }, "All have left");

    public async ValueTask DisposeAsync()
    {
        Front.Dispose();
        Admin.Dispose();
        await Server.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private static HttpClient NewClient(string url) => new(new SocketsHttpHandler { MaxConnectionsPerServer = 1_000 }) { BaseAddress = new Uri(url), Timeout = Patience.Limit };

    private static async Task<JsonElement> JsonAsync(HttpClient http, string path, (string Name, string Value)[] query)
    {
        var answer = await http.AskAsync(Asking.Path(path, query));
        Assert.True(answer.Status == 200, $"{answer.Status}: {answer.Text}");
        Assert.Equal("application/json; charset=utf-8", answer.Header("Content-Type"));
        Assert.EndsWith("\n", answer.Text, StringComparison.Ordinal);
        return answer.Json;
    }

    /// <summary>Waits until all that are subscribed to a channel wait, also those that have only just been answered.</summary>
    /// <returns>How many they are.</returns>
    private async Task<int> AllWaitAsync(string channel)
    {
        await Eventually.TrueAsync(() => Server.Hub.Find(channel) is not { } found || found.Waiting == found.Subscribers, $"All wait in {channel}");
        return WaitingIn(channel);
    }

    private int WaitingIn(string channel) => Server.Hub.Find(channel)?.Waiting ?? 0;

    /// <summary>Starts it, and waits until it is told what other nodes do.</summary>
    private async Task RunAsync()
    {
        Server = await LiveServer.StartAsync(_port, _time is null ? new CCometFactory(_settings) : new CCometFactory(_time, _settings));
        await Server.Services.GetRequiredService<NodeLog>().Following.WaitAsync(Patience.Limit);
    }
}
