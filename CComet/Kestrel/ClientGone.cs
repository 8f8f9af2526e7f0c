using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace CComet.Kestrel;

/// <summary>Finds the token that says most cheaply that a client has gone.</summary>
internal static class ClientGone
{
    /// <summary>
    /// Returns the connection's token for HTTP/1.1, which carries one request at a time: a request's own token takes eight times the
    /// memory while it is parked. A stream of HTTP/2 may end by itself, and has the request's token.
    /// </summary>
    public static CancellationToken TokenOf(HttpContext context) =>
        HttpProtocol.IsHttp11(context.Request.Protocol) && context.Features.Get<IConnectionLifetimeFeature>() is { } connection
            ? connection.ConnectionClosed
            : context.RequestAborted;
}
