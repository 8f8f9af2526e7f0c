using CComet.Access;
using CComet.Http;
using CComet.Kestrel;
using CComet.Kestrel.Parking;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>A server that parks connections, and knows which requests came to the web server all the same.</summary>
internal sealed class ParkingServer : IAsyncDisposable
{
    private readonly LogLines<RequestLog> _requests = new();
    private readonly LogLines<ParkedConnections> _failures = new();
    private readonly LogLines<AccessAudit> _audit = new();
    private int _reached;
    private int _logged;

    private ParkingServer()
    {
    }

    public LiveServer Live { get; private set; } = null!;

    public int Port => Live.Port;

    /// <summary>How many requests came to the web server.</summary>
    public int Reached => Volatile.Read(ref _reached);

    /// <summary>The lines of the requests, without their durations.</summary>
    public IReadOnlyList<string> Requests => [.. _requests.Lines.Select(line => line[..line.IndexOf(" in ", StringComparison.Ordinal)])];

    /// <summary>What went wrong with parked connections.</summary>
    public IReadOnlyCollection<string> Failures => _failures.Lines;

    /// <summary>The lines of the audit log.</summary>
    public IReadOnlyCollection<string> Audit => _audit.Lines;

    /// <summary>Forgets the lines of requests and of the audit, which are kept for as long as the server is.</summary>
    public void ForgetLines()
    {
        _requests.Clear();
        _audit.Clear();
    }

    public int FreePlaces => Live.Services.GetRequiredService<ConnectionGate>().Free;

    public static Task<ParkingServer> StartAsync(params string[] settings) => StartAsync(null, settings);

    /// <summary>Starts one with a clock of the test's own.</summary>
    public static async Task<ParkingServer> StartAsync(TimeProvider? time, params string[] settings)
    {
        var server = new ParkingServer();
        string[] all = ["CComet:Parking:Enabled=true", .. settings];
        server.Live = await LiveServer.StartAsync(0, time is null ? server.NewFactory(all) : server.NewFactory(time, all));
        return server;
    }

    /// <summary>Publishes without a request.</summary>
    public async Task PublishAsync(string channel, params string[] texts)
    {
        foreach (var text in texts) await Live.Operations.PublishTrustedAsync([HubFixture.NewMessage(channel, text)], CancellationToken.None);
    }

    /// <summary>Connects and asks for what waits, and returns once it does.</summary>
    /// <param name="target">The request's target.</param>
    /// <param name="channel">The channel in which it waits.</param>
    /// <param name="headers">Further headers, each with its line end.</param>
    public async Task<RawHttp> ParkAsync(string target, string channel = "a", string headers = "")
    {
        var raw = await RawHttp.ConnectAsync(Port);
        await ParkAsync(raw, target, channel, headers);
        return raw;
    }

    /// <summary>The same on a connection that there is.</summary>
    public async Task ParkAsync(RawHttp raw, string target, string channel = "a", string headers = "")
    {
        var before = Live.Hub.Find(channel)?.Waiting ?? 0;
        await raw.SendAsync($"GET {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        await UntilWaitingAsync(channel, before + 1);
    }

    public Task UntilWaitingAsync(string channel, int count) => Eventually.TrueAsync(() => Live.Hub.Find(channel)?.Waiting == count, $"{count} wait in {channel}");

    /// <summary>Waits for the next line of a request, and compares it.</summary>
    public async Task LoggedAsync(string line)
    {
        _logged++;
        await Eventually.TrueAsync(() => Requests.Count == _logged, $"{_logged} lines");
        Assert.Equal($"HTTP {line}", Requests[^1]);
    }

    /// <summary>Waits until all subscribers have left.</summary>
    public async Task UntilAllLeftAsync(string channel = "a")
    {
        await Eventually.TrueAsync(() => Live.Hub.SubscriberCount == 0, "All subscribers are gone");
        await Eventually.TrueAsync(() => (Live.Hub.Find(channel)?.Subscribers ?? 0) == 0, "None is left in the channel");
    }

    /// <summary>The same, while the clock is turned: what is to end them may be set only after it was turned once.</summary>
    public async Task UntilAllLeftAsync(FakeTimeProvider time, string channel = "a")
    {
        await time.UntilAsync(() => Live.Hub.SubscriberCount == 0, TimeSpan.FromSeconds(1), "All subscribers are gone");
        await UntilAllLeftAsync(channel);
    }

    public ValueTask DisposeAsync() => Live.DisposeAsync();

    private CCometFactory NewFactory(string[] settings) => new(settings) { OnRequest = _ => Interlocked.Increment(ref _reached), OnServices = Register };

    private CCometFactory NewFactory(TimeProvider time, string[] settings) => new(time, settings) { OnRequest = _ => Interlocked.Increment(ref _reached), OnServices = Register };

    private void Register(IServiceCollection services) => services.AddSingleton<ILogger<RequestLog>>(_requests).AddSingleton<ILogger<ParkedConnections>>(_failures).AddSingleton(new AccessAudit(new OneLogger(_audit)));

    private sealed class OneLogger(ILogger logger) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => logger;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
