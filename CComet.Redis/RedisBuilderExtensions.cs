using CComet.Redis;
using CComet.Storage;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the Redis store.</summary>
public static class RedisBuilderExtensions
{
    /// <summary>Keeps the logs in a Redis server that several nodes share, instead of in the store that was there before.</summary>
    /// <param name="builder">What <c>AddCComet()</c> returned.</param>
    /// <param name="configure">
    /// Sets the options. They are checked when the application starts, which then fails with an <see cref="OptionsValidationException"/>.
    /// </param>
    /// <returns>The same builder, for further calls.</returns>
    public static ICCometBuilder AddRedisStore(this ICCometBuilder builder, Action<RedisStoreOptions>? configure = null)
    {
        var options = builder.Services.AddOptions<RedisStoreOptions>()
            .Validate(redis => RedisStore.IsConfiguration(redis.Configuration), "RedisStoreOptions.Configuration is no configuration string of StackExchange.Redis, such as host:6379,password=...,ssl=true.")
            .ValidateOnStart();
        if (configure is not null) options.Configure(configure);
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<RedisStoreOptions>, RedisStoreOptionsValidator>());
        builder.Services.Replace(ServiceDescriptor.Singleton<IMessageStore, RedisStore>());
        return builder;
    }
}
