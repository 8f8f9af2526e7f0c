using CComet.Dialects.Native;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace CComet.Http;

/// <summary>
/// Decides which pages may call. Where origins are named, a browser's request for any other page is refused before it does
/// anything: CORS alone hides the answer, and leaves the form that publishes, the script that reads and the WebSocket.
/// </summary>
internal sealed class CrossOrigin
{
    private const string FetchSite = "Sec-Fetch-Site";

    private static readonly StringValues AnyOrigin = "*";
    private static readonly StringValues Yes = "true";
    private static readonly StringValues Methods = "GET, POST";
    private static readonly StringValues ExposedHeaders = $"{ResponseWriter.CursorHeader}, {ResponseWriter.RetryHeader}, Retry-After";
    private static readonly StringValues TwoHours = "7200";
    private static readonly StringValues PreflightVary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

    private readonly OriginList? _pages;
    private readonly OriginList? _sockets;
    private readonly StringValues _vary;
    private readonly StringValues _varyByAccept;

    /// <summary>Reads the settings.</summary>
    public CrossOrigin(IOptions<EndpointOptions> options)
    {
        _pages = options.Value.Cors.Enabled ? OriginList.Create(options.Value.Cors.Origins) : new OriginList([]);
        _sockets = OriginList.Create(options.Value.WebSocket.Origins);
        _vary = _pages is null ? "Origin" : $"Origin, {FetchSite}, Referer";
        _varyByAccept = $"Accept, {_vary}";
    }

    /// <summary>Whether pages of every origin may call.</summary>
    public bool IsOpen => _pages is null;

    /// <summary>Sets the headers by which a browser lets a page read the answer, and those by which a cache keeps answers apart.</summary>
    public void SetHeaders(HttpContext context, bool variesByAccept)
    {
        var headers = context.Response.Headers;
        headers.Vary = variesByAccept ? _varyByAccept : _vary;
        var origin = context.Request.Headers.Origin;
        if (origin.Count == 0) return;
        var allowed = Allowed(origin);
        if (allowed.Count == 0) return;
        headers.AccessControlAllowOrigin = allowed;
        headers.AccessControlExposeHeaders = ExposedHeaders;

        // Never with *, which would hand a page of any origin what the user may see.
        if (_pages is not null) headers.AccessControlAllowCredentials = Yes;
    }

    /// <summary>Sets what a file that caches may keep needs: where every page may load it, the answer is the same for all.</summary>
    public void SetFileHeaders(IHeaderDictionary headers)
    {
        if (_pages is not null) return;
        headers.Vary = default;
        headers.AccessControlAllowOrigin = AnyOrigin;
        headers.AccessControlExposeHeaders = default;
    }

    /// <summary>Whether a browser asks by this request what a page may send.</summary>
    public static bool IsPreflight(HttpRequest request) =>
        request.Method == HttpMethods.Options && request.Headers.Origin.Count > 0 && request.Headers.AccessControlRequestMethod.Count > 0;

    /// <summary>Answers a preflight: GET and POST, and whatever headers the page wants to send.</summary>
    public void AnswerPreflight(HttpContext context)
    {
        Check(context.Request);
        var headers = context.Response.Headers;
        headers.Vary = PreflightVary;
        headers.AccessControlExposeHeaders = default;
        headers.AccessControlAllowMethods = Methods;
        headers.AccessControlAllowHeaders = context.Request.Headers.AccessControlRequestHeaders;
        headers.AccessControlMaxAge = TwoHours;
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>Refuses a request that a browser sends for a page of an origin that may not call.</summary>
    /// <exception cref="WireException">403.</exception>
    public void Check(HttpRequest request)
    {
        if (_pages is null) return;
        var site = request.Headers[FetchSite];
        if (IsOwnSite(site)) return;
        var origin = request.Headers.Origin;
        if (origin.Count > 0)
        {
            CheckOrigin(request, origin.ToString(), _pages, "CComet:Cors:Origins");
            return;
        }

        // A script, an image or a link tells no origin, but where it stands; a page can withhold that, and cannot forge it.
        if (site.ToString() is not ("cross-site" or "same-site") || IsNamedOrOwn(request, OriginOf(request.Headers.Referer), _pages)) return;
        throw WireException.Forbidden(FetchSite, $"{site}, and the Referer names no page of this server's own origin or of one in CComet:Cors:Origins.");
    }

    /// <summary>Refuses a WebSocket for a page of an origin that may not open one.</summary>
    /// <exception cref="WireException">403.</exception>
    public void CheckSocket(HttpRequest request)
    {
        var origin = request.Headers.Origin;
        if (_sockets is not null && origin.Count > 0 && !IsOwnSite(request.Headers[FetchSite])) CheckOrigin(request, origin.ToString(), _sockets, "CComet:WebSocket:Origins");
    }

    private static void CheckOrigin(HttpRequest request, string origin, OriginList named, string setting)
    {
        if (!IsNamedOrOwn(request, origin, named))
            throw WireException.Forbidden("Origin", $"{origin} is neither in {setting} nor this server's own, which is {OwnOrigin(request)} by the request.");
    }

    private static bool IsNamedOrOwn(HttpRequest request, string? origin, OriginList named) =>
        origin is not null && (named.Find(origin).Count > 0 || string.Equals(origin, OwnOrigin(request), StringComparison.OrdinalIgnoreCase));

    /// <summary>The browser itself says so, and no page can make it. It knows the scheme where a proxy in front is not listed.</summary>
    private static bool IsOwnSite(StringValues site) => site.Count == 1 && site[0] == "same-origin";

    private static string? OwnOrigin(HttpRequest request) => OriginList.TryParse($"{request.Scheme}://{request.Host.Value}");

    private static string? OriginOf(StringValues referer) =>
        Uri.TryCreate(referer.ToString(), UriKind.Absolute, out var uri) ? OriginList.TryParse(uri.GetLeftPart(UriPartial.Authority)) : null;

    private StringValues Allowed(StringValues origin) => _pages is null ? AnyOrigin : _pages.Find(origin.ToString());
}
