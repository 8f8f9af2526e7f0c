using Microsoft.AspNetCore.Http;

namespace CComet.Kestrel;

/// <summary>A request that is about to wait, for seconds or for hours.</summary>
internal static class WaitingRequest
{
    /// <summary>
    /// Lets go of the headers that clients send: of a browser's they are a kilobyte or two, and nobody reads them any more. The web
    /// server, when it clears them, keeps the text of those it knows for the connection's next request; so they are set to none first.
    /// </summary>
    public static void Lighten(HttpRequest request)
    {
        var headers = request.Headers;
        headers.Host = default;
        headers.UserAgent = default;
        headers.Accept = default;
        headers.AcceptEncoding = default;
        headers.AcceptLanguage = default;
        headers.CacheControl = default;
        headers.Cookie = default;
        headers.Origin = default;
        headers.Referer = default;
        headers.Clear();
    }
}
