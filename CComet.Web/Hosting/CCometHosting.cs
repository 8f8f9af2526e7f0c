using CComet.Access;
using CComet.Channels;
using CComet.Diagnostics;
using CComet.Http;
using CComet.Kestrel;
using CComet.Operations;
using CComet.Web.Hosting.Settings;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace CComet.Web.Hosting;

/// <summary>Puts the server together.</summary>
internal static partial class CCometHosting
{
    /// <summary>The runtime's own switch, which it has as a variable of the environment alone.</summary>
    private const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>How long a stop may take once everybody has been sent away.</summary>
    private static readonly TimeSpan TimeAfterGrace = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Runs socket continuations inline, on the thread that receives the event, instead of on a pool thread. Must be called before the
    /// first socket, and only where the process is ours: it holds for every socket in it, and none of them may be blocked on.
    /// </summary>
    public static void InlineSockets()
    {
        if (ServerBuilder.IsOwnProcess && Environment.GetEnvironmentVariable(InlineCompletions) is null)
            Environment.SetEnvironmentVariable(InlineCompletions, "1");
    }

    /// <summary>Adds the hub, its store and its settings.</summary>
    public static void AddCComet(this WebApplicationBuilder builder)
    {
        var settings = SettingsReader.Read(builder.Configuration, SettingsCatalogue.Server);
        builder.Services.AddOptions<HubOptions>().Bind(settings).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<HubOptions>, HubOptionsValidator>();
        builder.Services.AddOptions<EndpointOptions>().Bind(settings).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<EndpointOptions>, EndpointOptionsValidator>();

        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddMessageStore(settings.GetSection("Store"));
        builder.Services.AddSingleton<HubMetrics>();
        builder.Services.AddSingleton<ChannelHub>();
        builder.Services.TryAddSingleton<IChannelAuthorizer, AllowAllAuthorizer>();
        builder.Services.AddSingleton<ChannelOperations>();
        builder.Services.AddOptions<HostOptions>().Configure<IOptions<HubOptions>>((host, hub) => host.ShutdownTimeout = hub.Value.Drain.Grace + TimeAfterGrace);
        builder.Services.AddHostedService<HubSweeper>();
        builder.Services.AddHostedService<HubDrainer>();
        builder.Services.AddSingleton<ConnectionBuffers>();
        builder.Services.Replace(ServiceDescriptor.Singleton<IMemoryPoolFactory<byte>>(services => services.GetRequiredService<ConnectionBuffers>()));
        builder.Services.AddHostedService<MemoryTrimService>();

        builder.Services.AddCCometEndpoints();
        HostRefusal.Register(builder.Services);
        builder.Services.AddSingleton<ConnectionGate>();
        builder.WebHost.UseSockets();
        builder.Services.AddOptions<SocketTransportOptions>().Configure<IOptions<HubOptions>>((sockets, hub) => ConnectionLimits.Apply(sockets, hub.Value.Stream));
        builder.Services.AddSingleton<GatedListenerFactory>();
        builder.Services.AddSingleton<IConnectionListenerFactory, DrainingListenerFactory>();
        builder.WebHost.ConfigureKestrel((_, kestrel) =>
        {
            kestrel.AddServerHeader = false;
            ConnectionLimits.Apply(kestrel.Limits, kestrel.ApplicationServices.GetRequiredService<IOptions<HubOptions>>().Value.Limits);
        });
    }

    /// <summary>Tells where the chat page is, once the server answers.</summary>
    public static void TellChatPage(this WebApplication app) => app.Lifetime.ApplicationStarted.Register(() =>
    {
        var pathBase = app.Services.GetRequiredService<IOptions<EndpointOptions>>().Value.PathBase;
        foreach (var address in app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? [])
        {
            if (address.Contains("://unix:", StringComparison.Ordinal)) continue;
            var reachable = AnyHost().Replace(address, "//localhost") + pathBase;
            LogChatPage(app.Logger, reachable);
        }
    });

    [System.Text.RegularExpressions.GeneratedRegex(@"//(\[::\]|0\.0\.0\.0|\+|\*)(?=:|$)")]
    private static partial System.Text.RegularExpressions.Regex AnyHost();

    [LoggerMessage(Level = LogLevel.Information, Message = "Chat: {Address}/chat.html")]
    private static partial void LogChatPage(ILogger logger, string address);
}
