using System.Collections.Frozen;
using System.Text;
using CComet.Access;
using CComet.Http;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace CComet.Kestrel.Parking;

/// <summary>Parks connections of an application that embeds the library, where its middleware has no word to say.</summary>
internal static class EmbeddedParking
{
    /// <summary>What endpoints may have, as it decides nothing about a request that has no Origin.</summary>
    private static readonly Type[] Harmless =
    [
        typeof(WirePath), typeof(IHttpMethodMetadata), typeof(IRouteDiagnosticsMetadata), typeof(IAllowAnonymous), typeof(ICorsMetadata), typeof(IExcludeFromDescriptionMetadata), typeof(ITagsMetadata), typeof(IEndpointNameMetadata), typeof(IRouteNameMetadata),
        typeof(IEndpointDescriptionMetadata), typeof(IEndpointSummaryMetadata),
    ];

    /// <summary>Makes what parked connections have to know of the application.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="path">Where it maps the paths of the contract.</param>
    public static ParkingHost CreateHost(IServiceProvider services, string path)
    {
        var hub = services.GetRequiredService<IOptions<HubOptions>>().Value;
        var takesTokens = hub.Auth.Mode == AuthMode.Token;

        // Its own middleware or authorizer may find a user in them.
        var knowsUsers = services.GetService<IAuthenticationSchemeProvider>() is not null || services.GetRequiredService<IChannelAuthorizer>() is not GrantAuthorizer;
        string[] left = ["Origin", .. knowsUsers || takesTokens ? ["Cookie"] : (string[])[], .. knowsUsers ? ["Authorization"] : (string[])[]];
        return new ParkingHost
        {
            PathBase = Encoding.ASCII.GetBytes(path),
            PollTimeout = hub.Poll.Timeout,
            TakesTokens = takesTokens,
            MayCallBack = services.GetRequiredService<IOptions<EndpointOptions>>().Value.Jsonp.Enabled,
            VaryOfPoll = $"Accept, {PageOrigin.Headers}",
            VaryOfStream = PageOrigin.Headers,
            Origins = services.GetRequiredService<IOriginPolicy>(),
            PageLines = static _ => null,
            Headers = ParkingHost.UsualHeaders.Except(left).ToFrozenSet(StringComparer.OrdinalIgnoreCase),
            Hosts = ParkingHost.HostsOf(services.GetRequiredService<IOptions<HostFilteringOptions>>().Value.AllowedHosts),
            ParksAt = _ =>
            {
                // Only now is everything mapped.
                Check(services, path);
                return true;
            },
        };
    }

    private static void Check(IServiceProvider services, string path)
    {
        var call = $"UseCCometParking(\"{path}\")";
        var mapped = services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>().Where(endpoint => endpoint.Metadata.GetMetadata<WirePath>() is not null).ToArray();
        foreach (var parked in ParkableRequest.Paths)
        {
            var endpoint = Array.Find(mapped, endpoint => endpoint.RoutePattern.RawText == path + parked)
                ?? throw new InvalidOperationException($"{call}: MapCComet() maps no {path}{parked}. Give the path of the group that it is called on.");
            if (endpoint.Metadata.FirstOrDefault(metadata => !IsHarmless(metadata.GetType())) is { } asked)
                throw new InvalidOperationException($"{call}: {path}{parked} has {asked.GetType().Name}, which middleware holds, and a parked request passes no middleware. Take it away from MapCComet(), or do not park.");
            if (endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null && services.GetService<IAuthorizationPolicyProvider>()?.GetFallbackPolicyAsync().GetAwaiter().GetResult() is not null)
                throw new InvalidOperationException($"{call}: the fallback policy of the application's authorization holds for {path}{parked}, and a parked request passes no middleware. Call AllowAnonymous() on MapCComet(), or do not park.");
        }
    }

    /// <summary>The compiler's own attributes of a method are among the metadata.</summary>
    private static bool IsHarmless(Type type) => type.Namespace is "System.Runtime.CompilerServices" or "System.Diagnostics" || Array.Exists(Harmless, known => known.IsAssignableFrom(type));
}
