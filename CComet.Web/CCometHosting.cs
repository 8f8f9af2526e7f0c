using CComet.Web.Endpoints;
using CComet.Web.Hub;
using CComet.Web.Stores;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Serilog;

namespace CComet.Web;

/// <summary>Puts the server together.</summary>
internal static partial class CCometHosting
{
    /// <summary>What the request line may hold beside one message whose every byte is percent-encoded.</summary>
    private const int RequestLineRest = 16 << 10;

    /// <summary>Adds the hub, its store and its settings.</summary>
    public static void AddCComet(this WebApplicationBuilder builder)
    {
        var settings = builder.Configuration.GetSection("CComet");
        builder.Services.AddOptions<HubOptions>().Bind(settings).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<HubOptions>, HubOptionsValidator>();
        builder.Services.AddOptions<StoreOptions>().Bind(settings.GetSection("Store")).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<StoreOptions>, StoreOptionsValidator>();

        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.TryAddSingleton<IMessageStore, MemoryStore>();
        builder.Services.AddSingleton<HubMetrics>();
        builder.Services.AddSingleton<ChannelHub>();
        builder.Services.AddHostedService<HubSweeper>();

        builder.Services.AddCors(cors => cors.AddDefaultPolicy(
            CCometEndpoints.PolicyOf(settings.GetSection("Cors").Get<CorsSettings>() ?? new CorsSettings())));
        builder.WebHost.ConfigureKestrel((_, kestrel) =>
        {
            var limits = kestrel.ApplicationServices.GetRequiredService<IOptions<HubOptions>>().Value.Limits;
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = RequestBody.MaxBytes(limits) + 1L;

            // JSONP can publish by GET alone, so that a message at its limit must fit in a request line.
            kestrel.Limits.MaxRequestLineSize = (3 * limits.MessageBytes) + RequestLineRest;
            kestrel.Limits.MaxRequestBufferSize = Math.Max(1 << 20, kestrel.Limits.MaxRequestLineSize + (64 << 10));
        });
    }

    /// <summary>Logs by the <c>Serilog</c> section. A request's line has its path, never its query: messages stay out of the log.</summary>
    public static void AddLogs(this WebApplicationBuilder builder) =>
        builder.Services.AddSerilog(logs => logs.ReadFrom.Configuration(builder.Configuration), preserveStaticLogger: true);

    /// <summary>Ends every wait when the server is told to stop, so that clients reconnect elsewhere instead of waiting for the end.</summary>
    public static void DrainOnStop(this WebApplication app)
    {
        var hub = app.Services.GetRequiredService<ChannelHub>();
        app.Lifetime.ApplicationStopping.Register(hub.Drain);
    }

    /// <summary>Tells where the chat page is, once the server answers.</summary>
    public static void TellChatPage(this WebApplication app) => app.Lifetime.ApplicationStarted.Register(() =>
    {
        foreach (var address in app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? [])
        {
            var reachable = AnyHost().Replace(address, "//localhost");
            LogChatPage(app.Logger, reachable);
        }
    });

    [System.Text.RegularExpressions.GeneratedRegex(@"//(\[::\]|0\.0\.0\.0|\+|\*)(?=:|$)")]
    private static partial System.Text.RegularExpressions.Regex AnyHost();

    [LoggerMessage(Level = LogLevel.Information, Message = "Chat: {Address}/chat.html")]
    private static partial void LogChatPage(Microsoft.Extensions.Logging.ILogger logger, string address);
}
