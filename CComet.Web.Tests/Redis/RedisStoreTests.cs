using CComet.Storage;
using CComet.Web.Tests.Contract;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Redis;

/// <summary>The contract, on a real Redis.</summary>
public sealed class RedisStoreTests(RedisFixture redis) : StoreContract, IClassFixture<RedisFixture>
{
    [Fact]
    public async Task Records_are_those_of_all_nodes_and_outlive_Redis()
    {
        var node = Open(new HubOptions());
        var other = redis.Open(time: Time);
        await Records(node).PutRecordAsync("k", "a", "1"u8.ToArray(), null);
        await Records(other).PutRecordAsync("k", "b", "2"u8.ToArray(), DateTimeOffset.UtcNow.AddHours(1));
        Assert.Equal(["a=31", "b=32"], await ReadAsync(Records(node), "k"));
        Assert.Equal(["a=31", "b=32"], await ReadAsync(other, "k"));
        await redis.Server.RestartAsync();
        await Eventually.AnsweredAsync(async () => await other.PutRecordAsync("k", "c", "3"u8.ToArray(), null), "Putting");
        Assert.Equal(["a=31", "b=32", "c=33"], await ReadAsync(redis.Open(time: Time), "k"));
    }

    [Fact]
    public async Task Records_have_no_time_to_live_and_leave_Redis_once_they_have_expired_by_both_clocks()
    {
        var store = Records(Open(new HubOptions()));
        await store.PutRecordAsync("k", "past", "1"u8.ToArray(), Time.GetUtcNow().AddMinutes(1));
        await store.PutRecordAsync("k", "future", "2"u8.ToArray(), DateTimeOffset.UtcNow.AddHours(1));
        await store.PutRecordAsync("k", "ever", "3"u8.ToArray(), null);
        Assert.Equal(("-1", "-1"), (redis.Server.Ask("PTTL", "ccomet:records:{k}:values"), redis.Server.Ask("PTTL", "ccomet:records:{k}:ends")));
        Time.Advance(TimeSpan.FromMinutes(2));
        await store.PutRecordAsync("k", "new", "4"u8.ToArray(), null);
        Assert.Equal(("3", "1"), (redis.Server.Ask("HLEN", "ccomet:records:{k}:values"), redis.Server.Ask("ZCARD", "ccomet:records:{k}:ends")));

        // A node whose clock is ahead reads it no more, and leaves it to the others.
        Time.SetUtcNow(DateTimeOffset.UtcNow.AddHours(2));
        await store.PutRecordAsync("k", "newer", "5"u8.ToArray(), null);
        Assert.Equal(["ever=33", "new=34", "newer=35"], await ReadAsync(store, "k"));
        Assert.Equal(["ever=33", "future=32", "new=34", "newer=35"], await ReadAsync(redis.Open(), "k"));
    }

    protected override bool BoundsChannels => false;

    protected override IMessageStore Open(HubOptions options, TimeProvider? time = null)
    {
        redis.Server.Ask("FLUSHALL");
        return redis.Open(options, time ?? Time);
    }

    protected override bool BoundsTotals => false;

    protected override bool RemembersIdsByOwnClock => false;

    /// <summary>What runs of the server there were, and the epoch of the channels of which nothing is stored, are one key each.</summary>
    protected override long Left(IMessageStore store) => redis.Server.Ask("KEYS", "ccomet:{*").Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
}
