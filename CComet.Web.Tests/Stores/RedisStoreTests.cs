using CComet.Web.Hub;
using CComet.Web.Tests.Contract;

namespace CComet.Web.Tests.Stores;

/// <summary>The contract, on a real Redis.</summary>
public sealed class RedisStoreTests(RedisFixture redis) : StoreContract, IClassFixture<RedisFixture>
{
    protected override bool BoundsChannels => false;

    protected override IMessageStore Open(HubOptions options)
    {
        redis.Server.Ask("FLUSHALL");
        return redis.Open(options, Time);
    }
}
