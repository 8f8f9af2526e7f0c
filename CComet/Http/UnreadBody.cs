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

    /// <summary>Makes the answer the connection's last by <c>Connection: close</c>. HTTP/2 ends only the stream.</summary>
    /// <param name="context">The request, whose answer has not begun.</param>
    /// <param name="maxBytes">The largest body that is read.</param>
    /// <param name="isRead">Whether a body within the limit is read to its end.</param>
    public static void Announce(HttpContext context, long maxBytes, bool isRead)
    {
        var request = context.Request;
        if (!HttpProtocol.IsHttp11(request.Protocol)) return;
        if (request.ContentLength > maxBytes || (!isRead && request.Headers.TransferEncoding.Count > 0)) context.Response.Headers.Connection = Close;
    }
}
