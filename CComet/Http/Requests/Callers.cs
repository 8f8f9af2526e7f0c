using CComet.Access;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CComet.Http.Requests;

/// <summary>Tells the hub for which client a request is.</summary>
internal static class Callers
{
    /// <summary>
    /// The client's address is the connection's, or what a listed proxy has forwarded in its place. It is read from the feature:
    /// <see cref="HttpContext.Connection"/> makes an object that a waiting request would hold.
    /// </summary>
    public static CallerContext CallerOf(this HttpContext context) => new(context.Features.Get<IHttpConnectionFeature>()?.RemoteIpAddress);
}
