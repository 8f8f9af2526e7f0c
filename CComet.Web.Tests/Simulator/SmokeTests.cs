using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Simulator;

/// <summary>Every scenario on every transport, small, against a real server.</summary>
public sealed class SmokeTests(SmokeTests.Server server) : IClassFixture<SmokeTests.Server>
{
    private const int Subscribers = 20;

    public static TheoryData<string> Transports => ["poll", "jsonp", "sse", "stream", "ws"];

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Idle_subscribers_all_get_the_last_message(string transport)
    {
        var run = await RunAsync($"idle --subscribers {Subscribers} --duration 200ms", transport);
        AssertDelivered(run, published: 1, deliveries: Subscribers);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Fanout_delivers_every_message_to_every_subscriber(string transport)
    {
        var run = await RunAsync($"fanout --subscribers {Subscribers} --rate 50 --duration 1s", transport);
        AssertDelivered(run, published: 50, deliveries: 50 * Subscribers);
        Assert.Equal(50 * Subscribers, run.Count("deliveryMicros", "count"));
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Pairs_deliver_every_message_to_one(string transport)
    {
        var run = await RunAsync($"pairs --pairs {Subscribers} --rate 200 --duration 500ms", transport);
        AssertDelivered(run, published: 100, deliveries: 100);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Chat_delivers_every_message_to_its_room(string transport)
    {
        var run = await RunAsync("chat --rooms 4 --people 5 --rate 100 --duration 500ms", transport);
        AssertDelivered(run, published: 50, deliveries: 250);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Every_message_has_come_after_a_storm(string transport)
    {
        var run = await RunAsync($"storm --subscribers {Subscribers} --rate 50 --duration 900ms", transport);
        AssertDelivered(run, published: 45, deliveries: 45 * Subscribers);
        Assert.Equal(Subscribers, run.Count("connections", "drops"));
        Assert.True(run.Json.GetProperty("findings").TryGetProperty("caughtUpSeconds", out _));
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Soak_loses_nothing_however_often_it_is_cut(string transport)
    {
        var run = await RunAsync($"soak --subscribers {Subscribers} --channels 2 --rate 50 --drops 50 --duration 1s --seed 7", transport);
        AssertDelivered(run, published: 50, deliveries: 50 * Subscribers / 2);
        Assert.True(run.Count("connections", "drops") > 0);
        Assert.Equal(7, run.Json.GetProperty("seed").GetInt32());
    }

    [Fact]
    public async Task Publish_needs_no_subscriber()
    {
        var run = await RunAsync("publish --connections 4 --duration 300ms", "sse");
        Assert.Equal(0, run.ExitCode);
        Assert.True(run.Json.GetProperty("published").GetInt64() > 0);
        Assert.Equal(0, run.Json.GetProperty("publishErrors").GetInt64());
    }

    private Task<Simulation> RunAsync(string arguments, string transport) => Simulation.RunAsync($"{arguments} --url {server.Url} --transport {transport} --drain 2m --json");

    private static void AssertDelivered(Simulation run, long published, long deliveries)
    {
        Assert.True(run.ExitCode == 0, run.Errors);
        Assert.Equal(published, run.Json.GetProperty("published").GetInt64());
        Assert.Equal(deliveries, run.Json.GetProperty("deliveries").GetInt64());
        foreach (var breach in (string[])["lost", "repeated", "outOfOrder", "inconsistentCursors"]) Assert.Equal(0, run.Count("promise", breach));
        Assert.Empty(run.Json.GetProperty("connections").GetProperty("errors").EnumerateObject());
    }

    /// <summary>One server for all of them; each run has channels of its own.</summary>
    public sealed class Server : IAsyncLifetime
    {
        private LiveServer? _server;

        public string Url => _server!.Url;

        public async Task InitializeAsync() => _server = await LiveServer.StartAsync();

        public async Task DisposeAsync() => await _server!.DisposeAsync();
    }
}
