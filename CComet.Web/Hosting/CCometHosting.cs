using CComet.Http;
using CComet.Kestrel;
using CComet.Web.Hosting.Access;
using CComet.Web.Hosting.Admin;
using CComet.Web.Hosting.Cors;
using CComet.Web.Hosting.Icomet;
using CComet.Web.Hosting.Settings;
using CComet.Web.Hosting.Webhooks;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;

namespace CComet.Web.Hosting;

/// <summary>Puts the server together.</summary>
internal static partial class CCometHosting
{
    /// <summary>The runtime's own switch, which it has as a variable of the environment alone.</summary>
    private const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>How long a stop may take once every subscriber has been sent away.</summary>
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

    /// <summary>Adds CComet with the settings of the server, and what is the server's own: CORS, refusals of hosts, its time to stop, memory trim.</summary>
    public static void AddCCometServer(this WebApplicationBuilder builder)
    {
        var settings = SettingsReader.Read(builder.Configuration, SettingsCatalogue.Server);
        var services = builder.Services;
        services.AddOptions<ServerOptions>().Bind(settings).ValidateOnStart();
        services.AddSingleton<IValidateOptions<ServerOptions>, ServerOptionsValidator>();
        services.AddOptions<EndpointOptions>().Bind(settings);
        services.AddSingleton<CrossOrigin>();
        services.AddSingleton<IOriginPolicy>(provider => provider.GetRequiredService<CrossOrigin>());
        services.AddSingleton<Edge>();
        HostRefusal.Register(services);

        builder.AddTokens(settings);
        services.AddCComet(hub => hub.Drain = new DrainOptions()).AddStore(settings.GetSection("Store"));
        services.AddOptions<HubOptions>().Bind(settings);
        services.AddOptions<HostOptions>().Configure<IOptions<HubOptions>>((host, hub) => host.ShutdownTimeout = hub.Value.Drain.Grace + TimeAfterGrace);
        ApplicationHook.Register(services, settings);
        WebhookSender.Register(services, settings, builder.Environment);
        builder.WebHost.UseCCometKestrel();
        Parking.Register(builder, settings);
        services.AddSingleton(provider => new UncountedAddresses(new NetworkList(provider.GetRequiredService<IOptions<ServerOptions>>().Value.Proxies).Contains));
        services.AddKeyRing();
        services.AddAdmin(settings.GetSection("Admin"));
        services.AddIcomet(settings.GetSection("Icomet"));
        services.AddHostedService<MemoryTrimService>();
        builder.AddTelemetry();
    }

    /// <summary>Tells where the chat page is, once the server answers.</summary>
    public static void TellChatPage(this WebApplication app) => app.Lifetime.ApplicationStarted.Register(() =>
    {
        var pathBase = app.Services.GetRequiredService<IOptions<ServerOptions>>().Value.PathBase;
        foreach (var address in app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? [])
        {
            if (address.Contains("://unix:", StringComparison.Ordinal) || app.IsIcomet(address) || app.IsAdmin(address)) continue;
            var reachable = AnyHost().Replace(address, "//localhost") + pathBase;
            LogChatPage(app.Logger, reachable);
        }
    });

    [System.Text.RegularExpressions.GeneratedRegex(@"//(\[::\]|0\.0\.0\.0|\+|\*)(?=:|$)")]
    private static partial System.Text.RegularExpressions.Regex AnyHost();

    [LoggerMessage(Level = LogLevel.Information, Message = "Chat: {Address}/chat.html")]
    private static partial void LogChatPage(ILogger logger, string address);
}
