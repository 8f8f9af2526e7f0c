using CComet.Access;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Features.Authentication;

namespace CComet.Http.Requests;

/// <summary>Tells the hub for which client a request is.</summary>
internal static class Callers
{
    /// <summary>
    /// The client's address is the connection's, or what a listed proxy has forwarded in its place. It is read from the feature:
    /// <see cref="HttpContext.Connection"/> makes an object that a waiting request would hold; so does <see cref="HttpContext.User"/>.
    /// </summary>
    public static CallerContext CallerOf(this HttpContext context) => new(
        context.Features.Get<IHttpConnectionFeature>()?.RemoteIpAddress,
        context.Features.Get<IHttpAuthenticationFeature>()?.User);
}
