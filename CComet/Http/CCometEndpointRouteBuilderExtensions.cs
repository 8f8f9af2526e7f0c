using CComet.Http;
using CComet.Operations;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the paths of CComet as endpoints of an application.</summary>
public static class CCometEndpointRouteBuilderExtensions
{
    /// <summary>Maps <c>/sign</c>, <c>/pub</c>, <c>/sub</c>, <c>/sse</c>, <c>/stream</c>, <c>/ws</c> and <c>/presence</c>, and for pages of 2014 <c>/publish</c> and <c>/subscribe</c>.</summary>
    /// <remarks>
    /// <para>
    /// The paths are relative: <c>app.MapGroup("/push").MapCComet()</c> maps <c>/push/sub</c>. They are endpoints like any other, so that
    /// <c>RequireAuthorization()</c>, <c>RequireCors()</c>, <c>RequireHost()</c> and rate limits hold for all of them, WebSocket included.
    /// </para>
    /// <para>
    /// Pages of other origins may call when a policy given by <c>RequireCors()</c> allows their origin; without one, only the
    /// application's own pages may. That holds for JSONP, forms and WebSockets too.
    /// </para>
    /// </remarks>
    /// <param name="endpoints">The application, or a group of its endpoints.</param>
    /// <returns>The endpoints, for further conventions.</returns>
    /// <exception cref="InvalidOperationException"><c>AddCComet()</c> was not called.</exception>
    public static IEndpointConventionBuilder MapCComet(this IEndpointRouteBuilder endpoints) => Map(endpoints, static path => path is { IsVerb: true, IsOfAdministration: false });

    /// <summary>Maps <c>/health/live</c> and <c>/health/ready</c>, apart from the others, as a probe has no user.</summary>
    /// <param name="endpoints">The application, or a group of its endpoints.</param>
    /// <returns>The endpoints, for further conventions.</returns>
    /// <exception cref="InvalidOperationException"><c>AddCComet()</c> was not called.</exception>
    public static IEndpointConventionBuilder MapCCometHealth(this IEndpointRouteBuilder endpoints) => Map(endpoints, static path => path.IsOfHealth);

    /// <summary>Maps what is below <c>/admin</c>, apart from the others, as it is for operators alone.</summary>
    /// <remarks>
    /// Each path needs the right <see cref="CComet.Access.ChannelRight.Admin"/>: on the channel that it is about, else on <c>*</c>. In the mode
    /// <see cref="CComet.Access.AuthMode.Open"/>, in which nobody has rights, they are 404 unless the endpoints have an authorization of the host
    /// (<c>RequireAuthorization()</c>), a handler of <see cref="ChannelRequirement"/> is registered, or the application runs in Development and the request
    /// comes from this machine, and not through a proxy. A node on which it is not mapped does not do what is asked for on others.
    /// </remarks>
    /// <param name="endpoints">The application, or a group of its endpoints.</param>
    /// <returns>The endpoints, for further conventions.</returns>
    /// <exception cref="InvalidOperationException"><c>AddCComet()</c> was not called.</exception>
    public static IEndpointConventionBuilder MapCCometAdmin(this IEndpointRouteBuilder endpoints)
    {
        var mapped = Map(endpoints, static path => path.IsOfAdministration);
        endpoints.ServiceProvider.GetRequiredService<AdminOperations>().Enable();
        return mapped;
    }

    private static RouteGroupBuilder Map(IEndpointRouteBuilder endpoints, Func<WirePath, bool> isMeant)
    {
        var paths = endpoints.ServiceProvider.GetService<WirePaths>() ?? throw new InvalidOperationException("services.AddCComet() must be called before MapCComet().");
        var pipeline = endpoints.ServiceProvider.GetRequiredService<RequestPipeline>();
        var group = endpoints.MapGroup("");
        foreach (var path in paths.All.Where(isMeant))
        {
            group.MapMethods(path.Path.Value!, path.Methods!, (RequestDelegate)new MappedPath(path, pipeline).AnswerAsync)
                .WithDisplayName($"CComet {path.Path}")
                .WithMetadata(path)
                .ExcludeFromDescription();
        }

        return group;
    }
}
