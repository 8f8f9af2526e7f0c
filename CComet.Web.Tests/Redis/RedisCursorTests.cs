using System.Globalization;
using CComet.Redis;
using CComet.Storage;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Redis;

/// <summary>What Redis adds to the contract of cursors: several nodes, and what a server keeps and loses.</summary>
public sealed class RedisCursorTests(RedisFixture redis) : IClassFixture<RedisFixture>
{
    private static readonly TimeSpan Life = TimeSpan.FromHours(1);

    [Fact]
    public async Task Leases_and_cursors_are_those_of_all_nodes_and_outlive_Redis()
    {
        var (node, other) = (redis.Open(), redis.Open());
        var generation = (await node.LeaseReaderAsync("outlives", "n1", Life))!.Value;
        Assert.True(await node.SaveCursorsAsync("outlives", generation, [new("a", "e", 1)]));
        Assert.Null(await other.LeaseReaderAsync("outlives", "n2", Life));
        Assert.Equal([new LogCursor("a", "e", 1)], await other.ReadCursorsAsync("outlives"));
        await redis.Server.RestartAsync();
        Assert.Equal(generation, await EventuallyAsync(node, "outlives", "n1"));
        Assert.Null(await EventuallyAsync(other, "outlives", "n2"));
        Assert.Equal([new LogCursor("a", "e", 1)], await other.ReadCursorsAsync("outlives"));

        await node.ReleaseReaderAsync("outlives", "n1");
        var next = (await other.LeaseReaderAsync("outlives", "n2", Life))!.Value;
        Assert.True(next > generation, $"{next} follows {generation}.");
        Assert.False(await node.SaveCursorsAsync("outlives", generation, [new("a", "e", 2)]));
        Assert.True(await other.SaveCursorsAsync("outlives", next, [new("a", "e", 3)]));
    }

    [Fact]
    public async Task Leases_and_cursors_have_no_time_to_live()
    {
        var store = redis.Open();
        await store.SaveCursorsAsync("stays", (await store.LeaseReaderAsync("stays", "n1", Life))!.Value, [new("a", "e", 1)]);
        Assert.Equal(("-1", "-1"), (redis.Server.Ask("PTTL", "ccomet:reader:{stays}:lease"), redis.Server.Ask("PTTL", "ccomet:reader:{stays}:cursors")));
        await store.ReleaseReaderAsync("stays", "n1");
        Assert.Equal("generation", redis.Server.Ask("HKEYS", "ccomet:reader:{stays}:lease").Trim());
    }

    /// <summary>As after a failover to a replica that had not heard of the lease yet: both nodes would save by one generation.</summary>
    [Fact]
    public async Task Generation_that_Redis_has_lost_is_not_given_again()
    {
        var store = redis.Open();
        var first = (await store.LeaseReaderAsync("lost", "n1", Life))!.Value;
        await store.ReleaseReaderAsync("lost", "n1");
        var second = (await store.LeaseReaderAsync("lost", "n1", Life))!.Value;
        await Eventually.TrueAsync(() => ServerTime() > second, "The next millisecond");
        redis.Server.Ask("DEL", "ccomet:reader:{lost}:lease");
        Assert.False(await store.SaveCursorsAsync("lost", second, [new("a", "e", 1)]));
        var third = (await store.LeaseReaderAsync("lost", "n2", Life))!.Value;
        Assert.True(first < second && second < third, $"{third} follows {second} and {first}.");
        Assert.False(await store.SaveCursorsAsync("lost", second, [new("a", "e", 1)]));
    }

    /// <summary>The clock of Redis, in milliseconds.</summary>
    private long ServerTime()
    {
        long[] clock = [.. redis.Server.Ask("TIME").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(part => long.Parse(part, CultureInfo.InvariantCulture))];
        return (clock[0] * 1_000) + (clock[1] / 1_000);
    }

    private static Task<long?> EventuallyAsync(RedisStore store, string reader, string holder) =>
        Eventually.AnsweredAsync(async () => await store.LeaseReaderAsync(reader, holder, Life), "Leasing");
}
