using System.Collections.Frozen;
using CComet.Web.Hub;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Extensions.Options;

namespace CComet.Web.Endpoints;

/// <summary>All of the wire, in one list.</summary>
public static class CCometEndpoints
{
    /// <summary>Marks the routes of the verbs, which write their line of the log themselves.</summary>
    private static readonly object WritesItsLine = new();

    /// <summary>Maps every path of the contract.</summary>
    public static void MapCComet(this IEndpointRouteBuilder routes)
    {
        foreach (var (path, methods, answer) in Verbs(routes.ServiceProvider)) routes.MapMethods(path, methods, answer).WithMetadata(WritesItsLine);
        routes.MapHealth(routes.ServiceProvider.GetRequiredService<ChannelHub>(), routes.ServiceProvider.GetRequiredService<IMessageStore>());
    }

    /// <summary>
    /// Answers requests for the verbs before any other middleware sees them: a waiting subscriber holds what each one on its way
    /// has put aside for it, which together is more than itself. What they would do for it (CORS, the line in the log, telling a
    /// failure) is done here, and holds nothing. Everything else goes on to the routes.
    /// </summary>
    public static void UseCCometVerbs(this WebApplication app)
    {
        var verbs = Verbs(app.Services).ToFrozenDictionary(v => v.Path, v => (v.Methods, v.Answer), StringComparer.Ordinal);
        var cors = app.Services.GetRequiredService<ICorsService>();
        var options = app.Services.GetRequiredService<IOptions<CorsOptions>>().Value;
        var policy = options.GetPolicy(options.DefaultPolicyName)!;
        app.Use(next => context =>
        {
            if (!verbs.TryGetValue(context.Request.Path.Value ?? "", out var verb) || !verb.Methods.Contains(context.Request.Method)) return next(context);
            if (context.Request.Headers.Origin.Count > 0) cors.ApplyResult(cors.EvaluatePolicy(context, policy), context.Response);
            return verb.Answer(context);
        });
    }

    /// <summary>Refusals that come from below the endpoints (no such path, wrong method, a failure) are told in the same form, and all have their line in the log.</summary>
    public static void UseCCometErrors(this WebApplication app)
    {
        var log = app.Services.GetRequiredService<RequestLog>();
        app.Use(async (context, next) =>
        {
            var began = log.Begin();
            await next(context);
            if (context.GetEndpoint()?.Metadata.Contains(WritesItsLine) != true) log.Write(context, began);
        });
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

    private static IEnumerable<(string Path, string[] Methods, RequestDelegate Answer)> Verbs(IServiceProvider services)
    {
        var hub = services.GetRequiredService<ChannelHub>();
        var verb = new Verb(hub, services.GetRequiredService<RequestLog>(), services.GetRequiredService<ILogger<Verb>>());
        yield return ("/sign", [HttpMethods.Get, HttpMethods.Post], SignEndpoint.Of(verb, hub));
        yield return ("/pub", [HttpMethods.Get, HttpMethods.Post], PubEndpoint.Of(verb, hub));
        yield return ("/sub", [HttpMethods.Get], SubEndpoint.Of(verb, hub));
        yield return ("/sse", [HttpMethods.Get], StreamEndpoints.OfEvents(verb, hub));
        yield return ("/stream", [HttpMethods.Get], StreamEndpoints.OfLines(verb, hub));
        yield return ("/ws", [HttpMethods.Get, HttpMethods.Connect], WebSocketEndpoint.Of(verb, hub, services));
    }
}
