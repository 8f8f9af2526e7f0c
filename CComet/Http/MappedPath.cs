using CComet.Http.Admin;
using CComet.Http.Credentials;
using CComet.Http.Requests;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Primitives;

namespace CComet.Http;

/// <summary>A path of the contract as an endpoint of a host: behind the host's routing, authorisation and CORS.</summary>
internal sealed class MappedPath(WirePath path, RequestPipeline pipeline)
{
    private readonly StringValues _vary = path.VariesByAccept ? $"Accept, {PageOrigin.Headers}" : PageOrigin.Headers;

    /// <summary>Answers a request.</summary>
    /// <remarks>
    /// Routing takes a path in any case, and percent-encoded. A path has one spelling here, so that no other one gets past a rule of a proxy.
    /// </remarks>
    public Task AnswerAsync(HttpContext context)
    {
        if (!IsPlain(context) || (path.IsOfAdministration && !IsOpenTo(context)))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        context.Response.Headers.Vary = _vary;
        pipeline.Prepare(context, isBodyRead: HttpMethods.IsPost(context.Request.Method));
        return context.GetEndpoint()?.Metadata.GetMetadata<ICorsMetadata>() switch
        {
            ICorsPolicyMetadata inline => AnswerByAsync(context, inline.Policy),
            IEnableCorsAttribute named => AnswerByAsync(context, named.PolicyName),
            _ => path.Answer(context),
        };
    }

    /// <summary>Whether the path came in its one spelling. A proxy in front may have told of a path base that did not come with it.</summary>
    private bool IsPlain(HttpContext context)
    {
        var raw = RawPath.Read(context);
        if (raw.LastIndexOf(AdminPath.Channels, StringComparison.Ordinal) is >= 0 and var at && AdminPath.PatternOf(raw[at..]) == path.Path.Value) return true;
        var whole = context.Request.PathBase.Add(context.Request.Path).ToUriComponent();
        return raw.EndsWith(path.Path.Value, StringComparison.Ordinal) && whole.AsSpan().EndsWith(raw, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Whether administration exists for a request: its caller has rights, or the host has let it in, or it is a developer's.</summary>
    private bool IsOpenTo(HttpContext context) =>
        pipeline.Access.IsOn
        || context.GetEndpoint()?.Metadata.GetMetadata<IAuthorizeData>() is not null
        || PolicyAuthorizer.IsAsked(context.RequestServices)
        || (context.RequestServices.GetRequiredService<IHostEnvironment>().IsDevelopment() && LocalRequest.IsLocal(context));

    private async Task AnswerByAsync(HttpContext context, string? policyName) =>
        await AnswerByAsync(context, await context.RequestServices.GetRequiredService<ICorsPolicyProvider>().GetPolicyAsync(context, policyName));

    private Task AnswerByAsync(HttpContext context, CorsPolicy? policy)
    {
        context.Features.Set(policy);
        return path.Answer(context);
    }
}
