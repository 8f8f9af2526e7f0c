using CComet.Channels;
using CComet.Operations;
using Microsoft.Extensions.DependencyInjection;

namespace CComet.Http.Icomet;

/// <summary>Adds the dialect of icomet to the services.</summary>
internal static class IcometServiceCollectionExtensions
{
    /// <summary>Adds it, with what nodes tell each other for it. Without it nothing of that runs.</summary>
    public static void AddIcometDialect(this IServiceCollection services, IcometOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<ChannelTokens>();
        services.AddSingleton(provider => new ChannelOccupancy(
            provider.GetRequiredService<ChannelHub>(),
            provider.GetRequiredService<NodeLog>(),
            provider.GetRequiredService<NodeRoster>(),
            options.ChannelTimeout));
        services.AddSingleton(provider => new IcometFront(
            provider.GetRequiredService<ChannelOperations>(),
            provider.GetRequiredService<AccessOperations>(),
            options.RequiresToken ? provider.GetRequiredService<ChannelTokens>() : null));
        services.AddSingleton<IcometPaths>();
        services.AddHostedService(provider => provider.GetRequiredService<ChannelOccupancy>());
    }
}
