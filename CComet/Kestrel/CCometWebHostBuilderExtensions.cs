using CComet;
using CComet.Access;
using CComet.Http;
using CComet.Kestrel;
using CComet.Kestrel.Parking;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Sets Kestrel up for many parked requests.</summary>
public static class CCometWebHostBuilderExtensions
{
    /// <summary>Sets Kestrel up so that a parked request takes least memory, and a stream is written to fastest.</summary>
    /// <remarks>
    /// <para>It holds for the whole application, and so for its other endpoints too:</para>
    /// <list type="bullet">
    /// <item>Sockets: continuations run on the thread that receives the event, so that no handler may block; send and receive buffers are
    /// those of <see cref="StreamOptions"/>.</item>
    /// <item>Limits: a request's body is at most <see cref="LimitOptions.BodyBytes"/>; an idle connection is closed after
    /// <see cref="LimitOptions.IdleConnection"/>; the request line and the headers may be longer than by default, because JSONP publishes
    /// in the query and a browser sends the cursors of all its channels in one header.</item>
    /// <item>Accepting: at most <see cref="LimitOptions.Connections"/> at a time, and never so many that no file could be opened any more;
    /// of one address at most <see cref="LimitOptions.ConnectionsPerAddress"/>, to be raised where all clients come by a proxy.</item>
    /// <item>Time: the head of a request must have come within 30 s.</item>
    /// <item>Stopping: no connection is closed whose request is on its way.</item>
    /// <item>Parked requests lose their headers, which middleware cannot read afterwards, so that streams are not compressed; streams of
    /// HTTP/1.1 without TLS are written to the socket directly.</item>
    /// <item>The header <c>Server</c> is not sent.</item>
    /// </list>
    /// </remarks>
    /// <param name="builder">The application's web host, with <c>AddCComet()</c> among its services by the time it is built.</param>
    /// <returns>The same web host, for further calls.</returns>
    public static IWebHostBuilder UseCCometKestrel(this IWebHostBuilder builder) => builder
        .UseSockets()
        .ConfigureServices(AddServices)
        .ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            ConnectionLimits.Apply(kestrel.Limits, kestrel.ApplicationServices.GetRequiredService<IOptions<HubOptions>>().Value.Limits);
        });

    /// <summary>Keeps connections that wait outside of Kestrel, in some hundred bytes each instead of some 8 kB; on systems other than Linux it does no more than <see cref="UseCCometKestrel"/>, which it includes.</summary>
    /// <remarks>
    /// <para>
    /// <b>A request that is parked passes no middleware</b>: no logging, rate limiting, redirection to HTTPS, header or check of the application's own
    /// sees it, and it has no <c>HttpContext</c>. What CComet itself decides holds as ever: tokens and rules of <see cref="AuthOptions"/>, an
    /// <see cref="IChannelAuthorizer"/>, limits and quotas.
    /// </para>
    /// <para>
    /// Parked are <c>GET /sub</c> and <c>GET /sse</c> of one channel, by HTTP/1.1 without TLS, with headers that mean nothing else. All other requests come to Kestrel and the middleware,
    /// among them those with an <c>Origin</c>, with headers of a proxy or of a trace, or with a header that CComet does not know. Where the application has authentication
    /// or an <see cref="IChannelAuthorizer"/> of its own, so do those with <c>Authorization</c> or a cookie; in <see cref="AuthMode.Token"/> those with a cookie in any case.
    /// </para>
    /// <para>
    /// The application does not start when what <c>MapCComet()</c> has mapped there asks for something that middleware holds: <c>RequireAuthorization()</c>,
    /// a fallback policy, <c>RequireHost()</c>, <c>RequireRateLimiting()</c>, and whatever else is added to it, but for CORS and descriptions.
    /// </para>
    /// </remarks>
    /// <param name="builder">The application's web host, with <c>AddCComet()</c> among its services by the time it is built.</param>
    /// <param name="path">The path of the group on which <c>MapCComet()</c> is called, such as <c>/push</c>; empty for none.</param>
    /// <returns>The same web host, for further calls.</returns>
    /// <exception cref="ArgumentException">The path is not one of letters, digits, <c>-</c>, <c>_</c>, <c>.</c> and <c>~</c>.</exception>
    public static IWebHostBuilder UseCCometParking(this IWebHostBuilder builder, string path = "")
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.Length > 0 && (path[0] != '/' || path.Split('/').Skip(1).Any(part => part is "" or "." or ".." || !part.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '~'))))
            throw new ArgumentException($"'{path}' must be empty or a path such as /push, of letters, digits, '-', '_', '.' and '~', without a slash at its end.", nameof(path));
        builder.UseCCometKestrel();
        if (!OperatingSystem.IsLinux()) return builder;
        return builder.ConfigureServices(services =>
        {
            services.TryAddSingleton(provider => EmbeddedParking.CreateHost(provider, path));
            services.TryAddSingleton<ParkedConnections>();
        });
    }

    private static void AddServices(IServiceCollection services)
    {
        if (services.Any(service => service.ServiceType == typeof(ConnectionGate))) return;
        services.Replace(ServiceDescriptor.Singleton<RequestTuning, KestrelTuning>());
        services.AddSingleton<ConnectionBuffers>();
        services.Replace(ServiceDescriptor.Singleton<IMemoryPoolFactory<byte>>(provider => provider.GetRequiredService<ConnectionBuffers>()));
        services.AddSingleton<ConnectionGate>();
        services.AddSingleton<ConnectionQuota>();
        services.TryAddSingleton(UncountedAddresses.None);
        services.AddOptions<SocketTransportOptions>().Configure<IOptions<HubOptions>>((sockets, hub) => ConnectionLimits.Apply(sockets, hub.Value.Stream));
        services.AddSingleton<GatedListenerFactory>();
        services.AddSingleton<IConnectionListenerFactory, DrainingListenerFactory>();
    }
}
