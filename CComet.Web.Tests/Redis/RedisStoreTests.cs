using CComet.Storage;
using CComet.Web.Tests.Contract;

namespace CComet.Web.Tests.Redis;

/// <summary>The contract, on a real Redis.</summary>
public sealed class RedisStoreTests(RedisFixture redis) : StoreContract, IClassFixture<RedisFixture>
{
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
