using Microsoft.AspNetCore.Http;

namespace CComet.Kestrel;

/// <summary>A request that is about to wait, for seconds or for hours.</summary>
internal static class WaitingRequest
{
    /// <summary>
    /// Clears the request headers so that their strings, a kilobyte or two of a browser's, can be collected while the request is parked.
    /// The web server, when it clears them, keeps the strings of the headers it knows for the connection's next request; so these are
    /// set to none first.
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
