using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;

namespace CComet.Web.Hosting;

/// <summary>Takes the client's address, scheme, host and path base from what a listed proxy tells of them, and from no other client.</summary>
internal static partial class Forwarding
{
    private const string ForwardedFor = "X-Forwarded-For";

    /// <summary>Adds it before everything that asks who the client is.</summary>
    public static void UseForwarding(this WebApplication app)
    {
        var proxies = new NetworkList(app.Services.GetRequiredService<IOptions<ServerOptions>>().Value.Proxies);
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(Forwarding));
        var warned = 0;
        app.Use(next => context =>
        {
            if (warned == 0 && context.Request.Headers.ContainsKey(ForwardedFor) && context.Connection.RemoteIpAddress is { } address && !proxies.Contains(address)
                && Interlocked.Exchange(ref warned, 1) == 0)
            {
                LogUnlisted(logger, address);
            }

            return next(context);
        });

        if (proxies.Networks.Count > 0) app.UseForwardedHeaders(OptionsOf(proxies, app.Configuration["AllowedHosts"]));
    }

    private static ForwardedHeadersOptions OptionsOf(NetworkList proxies, string? allowedHosts)
    {
        var options = new ForwardedHeadersOptions
        {
            ForwardedHeaders = ForwardedHeaders.All,

            // As many proxies as there are in a row: the first address from the right that is not listed is the client's.
            ForwardLimit = null,
            AllowedHosts = allowedHosts?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [],
        };

        // Loopback is there by default, and every client on this machine would be believed.
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var network in proxies.Networks) options.KnownIPNetworks.Add(network);
        return options;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A request with X-Forwarded-For came from {Address}, which is not in CComet:Proxies: the header is ignored, and limits per address count that proxy as one client. If the proxy is yours, list it")]
    private static partial void LogUnlisted(ILogger logger, System.Net.IPAddress address);
}
