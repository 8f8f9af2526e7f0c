using CComet.Redis;

namespace CComet.Web.Hosting;

/// <summary>The store that the settings name.</summary>
internal static class StoreServices
{
    /// <summary>Adds it. The memory store is there without.</summary>
    /// <exception cref="StartException">A setting cannot hold.</exception>
    public static void AddStore(this ICCometBuilder builder, IConfiguration settings)
    {
        var store = settings.Get<StoreOptions>() ?? new StoreOptions();
        if (store.Kind == StoreKind.Redis && !RedisStore.IsConfiguration(store.Redis))
            throw new StartException("CComet:Store:Redis is not a configuration string of StackExchange.Redis, such as host:6379,password=...,ssl=true.");
        if (store.Kind == StoreKind.Sqlite) builder.AddSqliteStore(sqlite => (sqlite.Path, sqlite.Durability, sqlite.Remember) = (store.Path, store.Durability, store.Remember));
        if (store.Kind == StoreKind.Redis) builder.AddRedisStore(redis => (redis.Configuration, redis.Remember) = (store.Redis, store.Remember));
    }
}
