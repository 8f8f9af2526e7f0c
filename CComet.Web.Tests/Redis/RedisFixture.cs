using CComet.Redis;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace CComet.Web.Tests.Redis;

/// <summary>A Redis server for the tests of a class, and the stores that were opened on it.</summary>
public sealed class RedisFixture : IAsyncLifetime
{
    private readonly List<RedisStore> _stores = [];

    public RedisServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await RedisServer.StartAsync();

    public async Task DisposeAsync()
    {
        foreach (var store in _stores) await store.DisposeAsync();
        await Server.DisposeAsync();
    }

    public RedisStore Open(HubOptions? options = null, TimeProvider? time = null)
    {
        var store = NewStore(Server.Address, options, time);
        _stores.Add(store);
        return store;
    }

    public static RedisStore NewStore(string address, HubOptions? options = null, TimeProvider? time = null, RedisStoreOptions? store = null) => new(
        Options.Create((store ?? new RedisStoreOptions()) with { Configuration = address }),
        Options.Create(options ?? new HubOptions()),
        time ?? TimeProvider.System,
        NullLogger<RedisStore>.Instance);
}
