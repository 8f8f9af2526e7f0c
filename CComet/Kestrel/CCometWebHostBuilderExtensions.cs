using CComet;
using CComet.Http;
using CComet.Kestrel;
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

    private static void AddServices(IServiceCollection services)
    {
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
