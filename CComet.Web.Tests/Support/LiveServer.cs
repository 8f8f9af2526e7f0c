using System.Net.Http.Json;
using System.Text.Json;
using CComet.Channels;
using CComet.Operations;

namespace CComet.Web.Tests.Support;

/// <summary>The whole server on a real Kestrel and a free port of 127.0.0.1, for tests in which the wire matters.</summary>
public sealed class LiveServer : IAsyncDisposable
{
    private readonly CCometFactory _factory;

    private LiveServer(CCometFactory factory)
    {
        _factory = factory;
        _factory.UseKestrel();
        _factory.StartServer();
        Port = _factory.Port;
        Http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 10_000 }) { BaseAddress = new Uri(Url), Timeout = Patience.Limit };
    }

    public int Port { get; }

    /// <summary>Such as <c>http://127.0.0.1:43211</c>, without a slash at the end.</summary>
    public string Url => $"http://127.0.0.1:{Port}";

    public HttpClient Http { get; }

    public ChannelHub Hub => _factory.Hub;

    internal ChannelOperations Operations => _factory.Operations;

    public IServiceProvider Services => _factory.Services;

    public static Task<LiveServer> StartAsync(params string[] settings) => StartAsync(0, settings);

    /// <summary>Starts on a given port, as after a restart.</summary>
    public static Task<LiveServer> StartAsync(int port, params string[] settings) => StartAsync(port, new CCometFactory(settings));

    public static Task<LiveServer> StartAsync(int port, CCometFactory factory)
    {
        factory.Port = port == 0 ? Ports.Take() : port;
        return Task.Run(() => new LiveServer(factory));
    }

    /// <summary>Publishes by JSON and gives the receipt.</summary>
    public async Task<JsonElement> PublishAsync(string channel, object msg, string? sname = null)
    {
        using var answer = await Http.PostAsJsonAsync("/pub", new { channel, msg, sname });
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<JsonElement>())[0];
    }

    /// <summary>Stops as on SIGTERM: waiting polls are answered, then the port is free.</summary>
    public async Task StopAsync()
    {
        Http.Dispose();
        await _factory.DisposeAsync();
    }

    public async ValueTask DisposeAsync() => await StopAsync();
}
