using CComet.Channels;
using CComet.Messages;
using CComet.Redis;
using CComet.Subscriptions;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Redis;

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

        var wakes = readers.Select(r => r.WakeAsync(TimeSpan.FromMinutes(1))).ToArray();
        for (var i = 0; i < Channels; i++) await a.PublishAsync($"c{i}", $"m{i}", "id");
        for (var i = 0; i < Channels; i++)
        {
            Assert.Equal(WakeReason.Messages, await wakes[i].WaitAsync(Patience.Limit));
            Assert.Equal([$"m{i}"], HubFixture.Texts(await readers[i].ReadAsync(park: true)));
            readers[i].Dispose();
        }

        // Every part has its share, and each wake-up stays within its part.
        Assert.All(_cluster, server => Assert.InRange(server.AskNumber("DBSIZE"), 1, (4 * Channels) - 1));
        Assert.Equal(Channels, _cluster.Sum(server => server.Ask("PUBSUB", "SHARDCHANNELS").Split('\n', StringSplitOptions.RemoveEmptyEntries).Length));
    }

    [Fact]
    public async Task Batch_over_several_slots_is_refused_whole_and_says_which_parameter_is_at_fault()
    {
        await using var server = await LiveServer.StartAsync("CComet:Store:Kind=Redis", $"CComet:Store:Redis={string.Join(',', _cluster.Select(s => s.Address))}");
        var refusal = await server.Http.AskAsync("/pub", Asking.Body("""[{"channel":"a","msg":"1"},{"channel":"b","msg":"2"},{"channel":"c","msg":"3"}]"""));
        refusal.AssertProblem(400, "channel");
        Assert.Empty((await server.Http.PeekAsync("a", ("seqid", "0"))).Elements);
        Assert.Equal(2, (await server.Http.AskAsync("/pub", Asking.Body("""[{"channel":"a","msg":"1"},{"channel":"a","msg":"2"}]"""))).Elements.Length);
        Assert.Equal(200, (await server.Http.AskAsync("/health/ready")).Status);
    }

    [Fact]
    public async Task All_that_is_kept_of_a_channel_is_in_one_slot_whatever_its_name()
    {
        await using var store = NewStore();
        foreach (var name in new[] { "}", "{", "{}", "{}{a}", "a{b}c", ":log %7D", "😀 \u2028ä" })
        {
            Assert.Equal([0L, 1L], (await store.AppendAsync([HubFixture.NewMessage(name, "0", "id0"), HubFixture.NewMessage(name, "1", "id1")])).Select(r => r.Seqid));
            Assert.True((await store.AppendAsync([HubFixture.NewMessage(name, "again", "id0")]))[0].Duplicate);
            Assert.Equal(2, (await store.ReadAsync(name, 0, long.MaxValue)).Messages.Length);
        }
    }

    [Fact]
    public async Task Records_of_kinds_in_all_slots_are_those_of_all_nodes()
    {
        await using var a = NewStore();
        await using var b = NewStore();
        for (var i = 0; i < Channels; i++) await a.PutRecordAsync($"k{i}", "n", BitConverter.GetBytes(i), DateTimeOffset.UtcNow.AddHours(1));
        for (var i = 0; i < Channels; i++) Assert.Equal(i, BitConverter.ToInt32(Assert.Single(await b.ReadRecordsAsync($"k{i}")).Value));
        Assert.All(_cluster, server => Assert.NotEqual("", server.Ask("KEYS", "ccomet:records:*")));
    }

    [Fact]
    public async Task Cursors_of_readers_in_all_slots_are_those_of_all_nodes()
    {
        await using var a = NewStore();
        await using var b = NewStore();
        for (var i = 0; i < Channels; i++)
        {
            var generation = (await a.LeaseReaderAsync($"r{i}", "n1", TimeSpan.FromHours(1)))!.Value;
            Assert.True(await a.SaveCursorsAsync($"r{i}", generation, [new("c", "e", i), new("{c}", null, 0)]));
        }

        for (var i = 0; i < Channels; i++)
        {
            Assert.Null(await b.LeaseReaderAsync($"r{i}", "n2", TimeSpan.FromHours(1)));
            Assert.Equal(i, Assert.Single(await b.ReadCursorsAsync($"r{i}")).Seqid);
        }

        Assert.All(_cluster, server => Assert.NotEqual("", server.Ask("KEYS", "ccomet:reader:*")));
    }

    [Fact]
    public async Task Killed_listeners_of_every_part_come_back_and_find_what_they_missed()
    {
        await using var ofA = NewStore();
        await using var ofB = NewStore();
        using var a = new HubFixture(store: ofA);
        using var b = new HubFixture(store: ofB);
        var readers = new List<Subscriber>();
        for (var i = 0; i < Channels; i++) readers.Add(await RedisNodes.WaitingAsync(b, $"k{i}"));
        foreach (var server in _cluster) Assert.NotEqual("0", server.Ask("CLIENT", "KILL", "TYPE", "pubsub"));
        for (var i = 0; i < Channels; i++) await a.PublishAsync($"k{i}", $"m{i}");
        for (var i = 0; i < Channels; i++)
        {
            Assert.Equal([$"m{i}"], await RedisNodes.ReadAsync(readers[i], 1));
            readers[i].Dispose();
        }
    }

    [Fact]
    public async Task Cleared_channels_of_all_slots_are_told_to_the_followers_on_another_node()
    {
        await using var ofA = NewStore();
        await using var ofB = NewStore();
        using var a = new HubFixture(store: ofA);
        using var b = new HubFixture(store: ofB);
        var readers = new List<Subscriber>();
        for (var i = 0; i < Channels; i++)
        {
            await a.PublishAsync($"x{i}", "old");
            readers.Add(await RedisNodes.WaitingAsync(b, $"x{i}"));
        }

        for (var i = 0; i < Channels; i++) Assert.Equal(1, (await ofA.ClearAsync($"x{i}"))!.Value.End);
        for (var i = 0; i < Channels; i++)
        {
            Assert.Equal(["RESET"], await RedisNodes.ReadAsync(readers[i], 1));
            Assert.Equal(0, (await a.PublishAsync($"x{i}", "new")).Seqid);
            Assert.Equal(["new"], await RedisNodes.ReadAsync(readers[i], 1));
            readers[i].Dispose();
        }

        Assert.Null(await ofA.ClearAsync("unknown"));
        Assert.All(_cluster, server => Assert.Equal("", server.Ask("KEYS", "ccomet:{unknown}*")));
    }

    [Fact]
    public async Task Restart_of_one_part_from_its_file_keeps_the_epochs_of_its_channels()
    {
        await using var store = NewStore();
        using var node = new HubFixture(store: store);
        var before = new List<Receipt>();
        for (var i = 0; i < Channels; i++) before.Add(await node.PublishAsync($"r{i}", "0"));
        await _cluster[1].RestartAsync();
        for (var i = 0; i < Channels; i++)
        {
            var after = await RedisNodes.PublishedAsync(node, "1", $"r{i}");
            Assert.Equal((before[i].Epoch, 1L), (after.Epoch, after.Seqid));
        }
    }

    [Fact]
    public async Task Replica_that_takes_a_part_over_begins_new_epochs_there_and_nowhere_else()
    {
        await using var replica = await _cluster[1].AddReplicaAsync();
        await using var store = NewStore();
        using var node = new HubFixture(store: store);
        var before = new List<Receipt>();
        for (var i = 0; i < Channels; i++) before.Add(await node.PublishAsync($"f{i}", "0"));
        var moved = Enumerable.Range(0, Channels).Where(i => _cluster[1].Ask("EXISTS", $"ccomet:{{f{i}}}:head") == "1").ToHashSet();
        Assert.InRange(moved.Count, 1, Channels - 1);
        await Eventually.TrueAsync(() => replica.Ask("DBSIZE") == _cluster[1].Ask("DBSIZE"), "Replicating");
        await _cluster[1].KillAsync();
        replica.Ask("CLUSTER", "FAILOVER", "TAKEOVER");
        for (var i = 0; i < Channels; i++)
        {
            var after = await RedisNodes.PublishedAsync(node, "1", $"f{i}");
            Assert.Equal((!moved.Contains(i), 1L), (after.Epoch == before[i].Epoch, after.Seqid));
        }
    }

    [Fact]
    public async Task Logs_of_all_slots_are_listed_and_the_name_of_one_that_is_gone_is_forgotten()
    {
        await using var store = NewStore();
        var names = Enumerable.Range(0, Channels).Select(i => $"c{i:00}").ToList();
        foreach (var name in names) await store.AppendAsync([HubFixture.NewMessage(name, "m")]);
        Assert.Equal(names, (await store.ListAsync("c", null, 100)).Logs.Select(log => log.Channel));

        await store.Database.KeyDeleteAsync(["ccomet:{c07}:head", "ccomet:{c07}:log"]);
        Assert.Equal(names.Where(name => name != "c07"), (await store.ListAsync("", null, 100)).Logs.Select(log => log.Channel));
        Assert.Equal(Channels - 1, await store.Database.SortedSetLengthAsync("ccomet:names"));
        await store.Database.KeyDeleteAsync(["ccomet:{c08}:head", "ccomet:{c08}:log"]);
        await store.SweepAsync();
        Assert.Equal(Channels - 2, await store.Database.SortedSetLengthAsync("ccomet:names"));

        // They come back with their first messages, and what another process has not added with the next.
        await store.AppendAsync([HubFixture.NewMessage("c07", "m")]);
        await store.AppendAsync([HubFixture.NewMessage("c08", "m")]);
        Assert.Equal(names, (await store.ListAsync("", null, 100)).Logs.Select(log => log.Channel));
        await store.Database.KeyDeleteAsync("ccomet:names");
        await using var other = NewStore();
        await other.AppendAsync([HubFixture.NewMessage("c03", "m")]);
        Assert.Equal("c03", Assert.Single((await other.ListAsync("", null, 100)).Logs).Channel);
    }

    private RedisStore NewStore() => RedisFixture.NewStore(string.Join(',', _cluster.Select(s => s.Address)));
}
