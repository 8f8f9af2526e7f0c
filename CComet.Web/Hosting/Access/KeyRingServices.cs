using CComet.Redis;
using CComet.Storage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.KeyManagement.Internal;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.AspNetCore.DataProtection.StackExchangeRedis;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace CComet.Web.Hosting.Access;

/// <summary>ASP.NET Data Protection with its keys in the store, so that what is sealed survives a restart and is opened on every node.</summary>
internal static class KeyRingServices
{
    /// <summary>Tells payloads of this server from those of other applications that have the same keys.</summary>
    private const string ApplicationName = "CComet";

    /// <summary>The list of Redis that holds the keys. It has no time to live.</summary>
    private const string RedisKey = "ccomet:keys";

    /// <summary>Adds it, without a file of its own and without a need of the store at the start.</summary>
    /// <remarks>Call it after what adds Data Protection too, such as <c>AddAuthentication()</c>: that would have the keys read at the start.</remarks>
    public static void AddKeyRing(this IServiceCollection services)
    {
        services.AddDataProtection().SetApplicationName(ApplicationName);
        services.AddOptions<KeyManagementOptions>().Configure<IMessageStore>((keys, store) => keys.XmlRepository = RepositoryOf(store));

        // The hosted service of Data Protection does nothing but read the keys at the start, and waits for them.
        foreach (var early in services.Where(service => service.ServiceType == typeof(IHostedService) && service.ImplementationType?.Assembly == typeof(KeyManagementOptions).Assembly).ToArray())
            services.Remove(early);

        // One reading is the first one of a new provider of the framework's: it makes keys too, and decides which is the one to seal with.
        var reader = services.Single(service => service.ServiceType == typeof(IKeyRingProvider)).ImplementationType!;
        services.AddSingleton(provider => new KeyRing(
            () => ((IKeyRingProvider)ActivatorUtilities.CreateInstance(provider, reader)).GetCurrentKeyRing(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<KeyRing>>()));
        services.Replace(ServiceDescriptor.Singleton<IKeyRingProvider>(provider => provider.GetRequiredService<KeyRing>()));

        var protection = services.Single(service => service.ServiceType == typeof(IDataProtectionProvider)).ImplementationFactory!;
        services.Replace(ServiceDescriptor.Singleton<IDataProtectionProvider>(
            provider => new KeyRingProtection((IDataProtectionProvider)protection(provider), provider.GetRequiredService<KeyRing>())));
    }

    /// <summary>Returns where the keys are kept: by the connections of the Redis store, and as records of any other.</summary>
    private static IXmlRepository RepositoryOf(IMessageStore store) => store switch
    {
        RedisStore redis => new RedisXmlRepository(() => redis.Database, RedisKey),
        IRecordStore records => new RecordXmlRepository(records),
        _ => throw new InvalidOperationException($"{store.GetType()} keeps no records."),
    };
}
