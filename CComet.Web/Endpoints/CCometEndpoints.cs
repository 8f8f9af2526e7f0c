using CComet.Web.Hub;
using Microsoft.AspNetCore.Cors.Infrastructure;

namespace CComet.Web.Endpoints;

/// <summary>All of the wire, in one list.</summary>
public static class CCometEndpoints
{
    /// <summary>Maps every path of the contract.</summary>
    public static void MapCComet(this IEndpointRouteBuilder routes)
    {
        var hub = routes.ServiceProvider.GetRequiredService<ChannelHub>();
        var verb = new Verb(hub);
        routes.MapSign(verb, hub);
        routes.MapPub(verb, hub);
        routes.MapSub(verb, hub);
        routes.MapStreams(verb, hub);
        routes.MapWebSocket(verb, hub);
        routes.MapHealth(hub, routes.ServiceProvider.GetRequiredService<IMessageStore>());
    }

    /// <summary>Refusals that come from below the endpoints (no such path, wrong method, a failure) are told in the same form.</summary>
    public static void UseCCometErrors(this IApplicationBuilder app)
    {
        app.UseExceptionHandler(handler => handler.Run(context => Answers.WriteErrorAsync(context, null, WireException.Of(StatusCodes.Status500InternalServerError))));
        app.UseStatusCodePages(pages => Answers.WriteErrorAsync(pages.HttpContext, null, WireException.Of(pages.HttpContext.Response.StatusCode)));
    }

    /// <summary>The CORS policy of the settings: GET and POST, every header, and the headers a client must be able to read.</summary>
    public static CorsPolicy PolicyOf(CorsSettings settings)
    {
        var policy = new CorsPolicyBuilder()
            .WithMethods(HttpMethods.Get, HttpMethods.Post)
            .AllowAnyHeader()
            .WithExposedHeaders(Answers.CursorHeader, Answers.RetryHeader, "Retry-After")
            .SetPreflightMaxAge(TimeSpan.FromHours(2));
        if (!settings.Enabled) policy.SetIsOriginAllowed(_ => false);
        else if (settings.Origins.Count == 0) policy.AllowAnyOrigin();
        else policy.WithOrigins([.. settings.Origins]);
        return policy.Build();
    }
}
