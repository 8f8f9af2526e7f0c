using CComet.Web.Hub;
using CComet.Web.Stores;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Stores;

/// <summary>Channels spread over a real Redis Cluster.</summary>
public sealed class RedisClusterTests : IAsyncLifetime
{
    private const int Channels = 40;

    private IReadOnlyList<RedisServer> _cluster = null!;

    public async Task InitializeAsync() => _cluster = await RedisServer.StartClusterAsync();

    public async Task DisposeAsync()
    {
        foreach (var server in _cluster) await server.DisposeAsync();
    }

    [Fact]
    public async Task Channels_of_all_slots_are_published_to_and_followed_across_nodes()
    {
        await using var ofA = NewStore();
        await using var ofB = NewStore();
        using var a = new HubFixture(store: ofA);
        using var b = new HubFixture(store: ofB);
        var readers = new List<Subscriber>();
        for (var i = 0; i < Channels; i++)
        {
            readers.Add(await b.SubscribeAsync($"c{i}"));
            Assert.Empty(await readers[i].ReadAsync(park: true));
        }

        var wakes = readers.Select(r => r.WaitAsync(TimeSpan.FromMinutes(1))).ToArray();
        for (var i = 0; i < Channels; i++) await a.PublishAsync($"c{i}", $"m{i}", "id");
        for (var i = 0; i < Channels; i++)
        {
            Assert.Equal(Wake.Messages, await wakes[i].WaitAsync(TimeSpan.FromSeconds(30)));
            Assert.Equal([$"m{i}"], HubFixture.Texts(await readers[i].ReadAsync(park: true)));
            readers[i].Dispose();
        }

        // Every part has its share, and each wake-up stays within its part.
        Assert.All(_cluster, server => Assert.InRange(server.AskNumber("DBSIZE"), 1, (4 * Channels) - 1));
        Assert.Equal(Channels, _cluster.Sum(server => server.Ask("PUBSUB", "SHARDCHANNELS").Split('\n', StringSplitOptions.RemoveEmptyEntries).Length));
    }

    [Fact]
    public async Task A_batch_over_several_slots_is_refused_whole_and_says_which_parameter_is_at_fault()
    {
        await using var server = await LiveServer.StartAsync("CComet:Store:Kind=Redis", $"CComet:Store:Redis={string.Join(',', _cluster.Select(s => s.Address))}");
        var refusal = await server.Http.AskAsync("/pub", Asking.Body("""[{"channel":"a","msg":"1"},{"channel":"b","msg":"2"},{"channel":"c","msg":"3"}]"""));
        refusal.AssertProblem(400, "channel");
        Assert.Empty((await server.Http.PeekAsync("a", ("seqid", "0"))).Elements);
        Assert.Equal(2, (await server.Http.AskAsync("/pub", Asking.Body("""[{"channel":"a","msg":"1"},{"channel":"a","msg":"2"}]"""))).Elements.Length);
        Assert.Equal(200, (await server.Http.AskAsync("/health/ready")).Status);
    }

    private RedisStore NewStore() => RedisFixture.NewStore(string.Join(',', _cluster.Select(s => s.Address)));
}
