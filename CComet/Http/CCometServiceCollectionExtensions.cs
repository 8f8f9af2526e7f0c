using CComet;
using CComet.Access;
using CComet.Channels;
using CComet.Diagnostics;
using CComet.Http;
using CComet.Http.Credentials;
using CComet.Operations;
using CComet.Presence;
using CComet.Storage;
using CComet.Webhooks;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds CComet to the services of an application.</summary>
public static class CCometServiceCollectionExtensions
{
    /// <summary>Adds the hub, the memory store and what <c>MapCComet()</c> maps.</summary>
    /// <remarks>
    /// <para>
    /// Nothing but CComet's own services is added; the web server, the host's time to stop and its other options stay as they are.
    /// When the application stops, parked requests are answered at once: <see cref="DrainOptions.Grace"/> is 0 unless it is set here.
    /// </para>
    /// <para>
    /// Register an <see cref="IChannelAuthorizer"/>, an <see cref="IMessageStore"/> or a <see cref="TimeProvider"/> before this call to have
    /// it used. A store of another package replaces the memory store: <c>AddCComet().AddSqliteStore()</c>. Calling it again adds nothing but
    /// its options.
    /// </para>
    /// <para>
    /// It offers the application <see cref="ChannelPublisher"/>, which publishes from its own code, and <see cref="ChannelHub"/>, which
    /// counts. <see cref="EndpointOptions"/> are set by <c>services.Configure&lt;EndpointOptions&gt;()</c>. The instruments are those of the
    /// meter <c>CComet</c>.
    /// </para>
    /// </remarks>
    /// <param name="services">The services of the application.</param>
    /// <param name="configure">
    /// Sets the options of the hub. They are checked when the application starts, which then fails with an
    /// <see cref="OptionsValidationException"/> that names each value out of its bounds.
    /// </param>
    /// <returns>The builder, to which a store is added.</returns>
    public static ICCometBuilder AddCComet(this IServiceCollection services, Action<HubOptions>? configure = null)
    {
        var options = services.AddOptions<HubOptions>();
        if (services.All(service => service.ServiceType != typeof(ChannelHub))) AddServices(services, options);
        if (configure is not null) options.Configure(configure);
        return new CCometBuilder(services);
    }

    private static void AddServices(IServiceCollection services, OptionsBuilder<HubOptions> options)
    {
        options.Configure(hub => hub.Drain.Grace = TimeSpan.Zero).ValidateOnStart();
        services.AddSingleton<IValidateOptions<HubOptions>, HubOptionsValidator>();
        services.AddSingleton<IValidateOptions<HubOptions>, AuthOptionsValidator>();
        services.AddSingleton<IValidateOptions<HubOptions>, PresenceOptionsValidator>();
        services.AddSingleton<IValidateOptions<HubOptions>, WebhookOptionsValidator>();
        services.AddLogging();
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IMessageStore, MemoryStore>();

        services.AddSingleton<HubMetrics>();
        services.AddSingleton<PresenceLease>();
        services.AddSingleton<PresenceTracker>();
        services.AddSingleton<MetricsText>();
        services.AddSingleton<ChannelHub>(CreateHub);
        AddAccess(services);
        services.AddSingleton<ChannelOperations>();
        services.AddSingleton<PresenceOperations>();
        services.AddSingleton(provider => new ChannelPublisher(provider.GetRequiredService<ChannelOperations>()));
        services.AddSingleton<NodeLog>();
        services.AddSingleton<NodeRoster>();
        services.AddSingleton<ChannelAdministration>();
        services.AddSingleton<ChannelCensus>();
        services.AddSingleton<StatisticsFeed>();
        services.AddSingleton<AdminOperations>();
        services.AddHostedService(provider => provider.GetRequiredService<NodeLog>());
        services.AddHostedService(provider => provider.GetRequiredService<NodeRoster>());
        services.AddHostedService(provider => provider.GetRequiredService<Revocations>());
        services.AddHostedService(provider => provider.GetRequiredService<PresenceTracker>());
        services.AddHostedService(CreateWebhooks);
        services.AddHostedService<HubSweeper>();
        services.AddSingleton<HubDrainer>();
        services.AddHostedService(provider => provider.GetRequiredService<HubDrainer>());

        services.AddSingleton<RequestLog>();
        services.AddSingleton<RequestPipeline>();
        services.AddSingleton<WirePaths>();
        services.TryAddSingleton<IOriginPolicy, HostOrigins>();
        services.TryAddSingleton<RequestTuning>();
    }

    private static void AddAccess(IServiceCollection services)
    {
        services.AddSingleton<AccessAudit>();
        services.AddSingleton(provider => new GrantFactory(provider.GetRequiredService<IOptions<HubOptions>>().Value.Auth));
        services.TryAddSingleton<IChannelAuthorizer>(CreateAuthorizer);
        services.AddSingleton<ITicketSealer>(provider => new TicketSealer(provider.GetService<IDataProtectionProvider>()));
        services.AddSingleton<Revocations>();
        services.AddSingleton<AccessOperations>();
        services.AddSingleton<AccessExplainer>();
        services.AddSingleton<Carriers>();
    }

    private static IChannelAuthorizer CreateAuthorizer(IServiceProvider provider)
    {
        var grants = new GrantAuthorizer(provider.GetService<IAccessHook>());
        var mode = provider.GetRequiredService<IOptions<HubOptions>>().Value.Auth.Mode ?? AuthMode.Open;
        return PolicyAuthorizer.IsAsked(provider) ? new PolicyAuthorizer(grants, provider.GetRequiredService<IServiceScopeFactory>(), mode) : grants;
    }

    /// <summary>Creates the hub: its constructor is internal, so that the container cannot.</summary>
    private static ChannelHub CreateHub(IServiceProvider provider)
    {
        var hub = new ChannelHub(
            provider.GetRequiredService<IMessageStore>(),
            provider.GetRequiredService<IOptions<HubOptions>>(),
            provider.GetRequiredService<HubMetrics>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<ChannelHub>>());
        if (provider.GetRequiredService<PresenceTracker>() is { IsOn: true } presence) hub.Context.Presence = presence;
        return hub;
    }

    /// <summary>Creates the webhooks: the application may have none that posts.</summary>
    private static WebhookService CreateWebhooks(IServiceProvider provider)
    {
        var hub = provider.GetRequiredService<ChannelHub>();
        var presence = provider.GetRequiredService<PresenceTracker>();
        if (WebhookService.OfOccupancy(hub.Options) is { Count: > 0 } hooks)
        {
            presence.TracksMore = true;
            hub.Context.Occupancy.Add(new ChannelVisits(presence, hooks));
        }

        return new WebhookService(
            hub,
            provider.GetRequiredService<NodeLog>(),
            provider.GetRequiredService<NodeRoster>(),
            presence,
            provider.GetRequiredService<PresenceLease>(),
            provider.GetService<IWebhookSender>(),
            provider.GetRequiredService<ILogger<WebhookService>>());
    }

    private sealed class CCometBuilder(IServiceCollection services) : ICCometBuilder
    {
        public IServiceCollection Services => services;
    }
}
