using Microsoft.Extensions.Primitives;

namespace CComet.Web.Endpoints;

/// <summary>
/// Tells a client whose body is over the limit that its connection takes no further request: whatever the request is answered, the web
/// server reads no such body, and closes the connection. A request sent behind it would be lost without an answer.
/// </summary>
internal static class OversizedBody
{
    private static readonly StringValues Close = "close";

    /// <summary>Makes the answer the connection's last by <c>Connection: close</c>. HTTP/2 ends only the stream.</summary>
    public static void Announce(HttpContext context, long maxBytes)
    {
        if (context.Request.ContentLength > maxBytes && HttpProtocol.IsHttp11(context.Request.Protocol)) context.Response.Headers.Connection = Close;
    }
}
