using CComet.Redis;
using CComet.Sqlite;
using CComet.Storage;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace CComet.Web.Hosting;

/// <summary>Which store the hub is given.</summary>
internal static class StoreServices
{
    /// <summary>Adds the store that the settings name, unless the application has brought its own.</summary>
    public static void AddMessageStore(this IServiceCollection services, IConfiguration settings)
    {
        services.AddOptions<StoreOptions>().Bind(settings)
            .Validate(store => store.Kind != StoreKind.Redis || IsConfiguration(store.Redis), "CComet:Store:Redis is not a configuration string of StackExchange.Redis, such as host:6379,password=...,ssl=true.")
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<StoreOptions>, StoreOptionsValidator>();
        services.TryAddSingleton<IMessageStore>(provider => provider.GetRequiredService<IOptions<StoreOptions>>().Value.Kind switch
        {
            StoreKind.Sqlite => ActivatorUtilities.CreateInstance<SqliteStore>(provider),
            StoreKind.Redis => ActivatorUtilities.CreateInstance<RedisStore>(provider),
            _ => ActivatorUtilities.CreateInstance<MemoryStore>(provider),
        });
    }

    private static bool IsConfiguration(string text)
    {
        try
        {
            return RedisStore.Parse(text).EndPoints.Count > 0;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
