using CComet.Messages;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Redis;

/// <summary>
/// A replica that lacks the last messages takes the primary's place. Their numbers are given again, so that the epoch must not
/// be: a client that has seen them, and comes back when the log has grown past them, would miss others without a word.
/// </summary>
public sealed class RedisFailoverTests : IAsyncLifetime
{
    private readonly RedisNodes _nodes = new();
    private RedisServer _primary = null!;
    private RedisServer _replica = null!;

    public async Task InitializeAsync()
    {
        _primary = await RedisServer.StartAsync();
        _replica = await RedisServer.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _nodes.CloseAsync();
        await _primary.DisposeAsync();
        await _replica.DisposeAsync();
    }

    [Fact]
    public async Task Replica_that_lagged_and_takes_over_begins_new_epochs()
    {
        await ReplicateAsync();
        await SecondsAsync(_replica, 3);
        var node = _nodes.New(_primary.Address);
        for (var i = 0; i < 5; i++) await node.PublishAsync("c", $"{i}");
        var last = await LoseLastAsync(node, 5);
        var other = _nodes.New(_replica.Address);
        for (var i = 0; i < 20; i++) Assert.NotEqual(last.Epoch, (await other.PublishAsync("c", $"new{i}")).Epoch);
        await AssertResetAsync(other, last, 20);
    }

    [Fact]
    public async Task Successor_that_has_forgotten_that_it_was_a_replica_is_known_by_its_age()
    {
        _replica.Ask("CONFIG", "SET", "repl-backlog-ttl", "1");
        await ReplicateAsync();
        await SecondsAsync(_replica, 3);
        var node = _nodes.New(_primary.Address);
        for (var i = 0; i < 5; i++) await node.PublishAsync("c", $"{i}");
        var last = await LoseLastAsync(node, 5);
        await Eventually.TrueAsync(() => _replica.Ask("INFO", "replication").Contains($"master_replid2:{new string('0', 40)}", StringComparison.Ordinal), "Forgetting");
        var other = _nodes.New(_replica.Address);
        for (var i = 0; i < 3; i++) Assert.NotEqual(last.Epoch, (await other.PublishAsync("c", $"new{i}")).Epoch);
        await AssertResetAsync(other, last, 3);
    }

    [Fact]
    public async Task Channel_that_was_idle_since_before_the_replica_began_is_no_exception()
    {
        await _replica.KillAsync();
        var node = _nodes.New(_primary.Address);
        for (var i = 0; i < 5; i++) await node.PublishAsync("c", $"{i}");

        // Its start is known to the second only: it must lie behind the last message that it will ever see.
        await SecondsAsync(_primary, 3);
        await _replica.RunAsync();
        await ReplicateAsync();
        var last = await LoseLastAsync(node, 5);
        var other = _nodes.New(_replica.Address);
        for (var i = 0; i < 3; i++) Assert.NotEqual(last.Epoch, (await other.PublishAsync("c", $"new{i}")).Epoch);
        await AssertResetAsync(other, last, 3);
    }

    [Fact]
    public async Task Channel_that_is_used_again_only_after_the_successor_was_restarted_is_no_exception()
    {
        await _replica.KillAsync();
        var node = _nodes.New(_primary.Address);
        for (var i = 0; i < 5; i++) await node.PublishAsync("c", $"{i}");
        await SecondsAsync(_primary, 3);
        await _replica.RunAsync();
        await ReplicateAsync();
        var last = await LoseLastAsync(node, 5);
        var other = _nodes.New(_replica.Address);
        await other.PublishAsync("another", "0");

        // A restart from its own file, which says nothing of a failover.
        await _replica.RestartAsync();
        for (var i = 0; i < 3; i++) Assert.NotEqual(last.Epoch, (await RedisNodes.PublishedAsync(other, $"new{i}")).Epoch);
        await AssertResetAsync(other, last, 3);
    }

    [Fact]
    public async Task Restarts_from_its_own_file_keep_the_epoch_however_many_and_whether_used_in_between_or_not()
    {
        var node = _nodes.New(_primary.Address);
        var epoch = (await node.PublishAsync("c", "0")).Epoch;
        for (var i = 0; i < 3; i++)
        {
            await _primary.RestartAsync();
            await RedisNodes.PublishedAsync(node, $"{i}", "another");
        }

        var last = await RedisNodes.PublishedAsync(_nodes.New(_primary.Address), "1");
        Assert.Equal((epoch, 1L), (last.Epoch, last.Seqid));
    }

    [Fact]
    public async Task Subscribers_parked_on_a_node_that_finds_a_successor_at_the_same_address_get_a_reset()
    {
        await using var relay = new RedisRelay(_primary.Port);
        await ReplicateAsync();
        var node = _nodes.New(relay.Address);
        for (var i = 0; i < 5; i++) await node.PublishAsync("c", $"{i}");
        using var reader = await RedisNodes.WaitingAsync(node);
        using var idle = await RedisNodes.WaitingAsync(node, "idle");
        var last = await LoseLastAsync(node, 5);
        Assert.Equal(["5"], await RedisNodes.ReadAsync(reader, 1));

        // It is one message behind what the node has told, and will be ahead of it before anybody looks.
        relay.LeadTo(_replica.Port);
        var other = _nodes.New(_replica.Address);
        for (var i = 0; i < 9; i++) await other.PublishAsync("c", $"new{i}");
        Assert.Equal(["RESET", "0", "1", "2", "3", "4", .. Enumerable.Range(0, 9).Select(i => $"new{i}")], await RedisNodes.ReadAsync(reader, 15));
        Assert.NotEqual(last.Epoch, (await RedisNodes.PublishedAsync(node, "more")).Epoch);
        Assert.Equal(["more"], await RedisNodes.ReadAsync(reader, 1));
        Assert.Equal("RESET", (await RedisNodes.ReadAsync(idle, 1))[0]);
    }

    /// <summary>Waits until so many seconds of a server's life have passed.</summary>
    private static Task SecondsAsync(RedisServer server, int seconds) => Eventually.TrueAsync(
        () => server.Ask("INFO", "server").Split('\n').Any(l => l.StartsWith("uptime_in_seconds:", StringComparison.Ordinal) && int.Parse(l[18..], null) >= seconds),
        $"Being up for {seconds} s");

    private static async Task AssertResetAsync(HubFixture node, Receipt last, int after)
    {
        using var returning = await node.SubscribeAsync("c", new Cursor(last.Epoch, last.Seqid + 1));
        Assert.Equal(["RESET", "0", "1", "2", "3", "4", .. Enumerable.Range(0, after).Select(i => $"new{i}")], await RedisNodes.ReadAsync(returning, after + 6));
    }

    private async Task ReplicateAsync()
    {
        _replica.Ask("REPLICAOF", "127.0.0.1", $"{_primary.Port}");
        await Eventually.TrueAsync(() => _replica.Ask("INFO", "replication").Contains("master_link_status:up", StringComparison.Ordinal), "Replicating");

        // What a replica has been given at first is in its own file only when that has been rewritten.
        await Eventually.TrueAsync(
            () => _replica.Ask("INFO", "persistence") is var info && info.Contains("aof_rewrite_in_progress:0", StringComparison.Ordinal) && info.Contains("aof_rewrite_scheduled:0", StringComparison.Ordinal),
            "Writing");
    }

    /// <summary>Publishes one more message, which the replica does not get any more, and lets it take the place of the primary.</summary>
    private async Task<Receipt> LoseLastAsync(HubFixture node, int had)
    {
        await Eventually.TrueAsync(() => _replica.Ask("XLEN", "ccomet:{c}:log") == $"{had}", "Replicating");
        _replica.Ask("REPLICAOF", "NO", "ONE");
        var last = await node.PublishAsync("c", $"{had}");
        if (node.Hub.Find("c") is { } channel) await Eventually.TrueAsync(() => channel.Waiting == 0, "Telling of the message that will be lost");
        await _primary.KillAsync();
        return last;
    }
}
