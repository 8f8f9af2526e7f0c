using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace CComet.Http;

/// <summary>
/// Tells a client that its connection takes no further request where the web server will close it because of a body that was not read:
/// one over the limit, or one of unknown length that may be. A request sent behind it would be lost without an answer.
/// </summary>
internal static class UnreadBody
{
    private static readonly StringValues Close = "close";

    /// <summary>Makes the answer to a body over the limit the connection's last, by <c>Connection: close</c>. HTTP/2 ends only the stream.</summary>
    /// <param name="context">The request, whose answer has not begun.</param>
    /// <param name="maxBytes">The largest body that is read.</param>
    public static void AnnounceOversized(HttpContext context, long maxBytes)
    {
        if (context.Request.ContentLength > maxBytes) AnnounceClose(context);
    }

    /// <summary>The same for the answer to a body of unknown length that is not read, or not to its end.</summary>
    public static void AnnounceChunked(HttpContext context)
    {
        if (context.Request.Headers.TransferEncoding.Count > 0) AnnounceClose(context);
    }

    private static void AnnounceClose(HttpContext context)
    {
        if (HttpProtocol.IsHttp11(context.Request.Protocol)) context.Response.Headers.Connection = Close;
    }
}
