using System.Collections.Concurrent;
using CComet.Http;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace CComet.Web.Hosting.Cors;

/// <summary>
/// Decides which pages may call. Where origins are named, a browser's request for any other page is refused before it does
/// anything: CORS alone hides the answer, and leaves the form that publishes, the script that reads and the WebSocket.
/// </summary>
internal sealed class CrossOrigin : IOriginPolicy
{
    private static readonly StringValues AnyOrigin = "*";
    private static readonly StringValues Yes = "true";
    private static readonly StringValues Methods = "GET, POST";
    private static readonly StringValues MethodsOfSession = "POST, DELETE";
    private static readonly StringValues ExposedHeaders = $"{ResponseWriter.CursorHeader}, {ResponseWriter.RetryHeader}, Retry-After";
    private static readonly StringValues TwoHours = "7200";
    private static readonly StringValues PreflightVary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

    private readonly OriginList? _pages;
    private readonly OriginList? _sockets;
    private readonly StringValues _vary;
    private readonly StringValues _varyByAccept;
    private readonly ConcurrentDictionary<string, string> _lines = new();

    /// <summary>Reads the settings.</summary>
    public CrossOrigin(IOptions<ServerOptions> options)
    {
        _pages = options.Value.Cors.Enabled ? OriginList.Create(options.Value.Cors.Origins) : new OriginList([]);
        _sockets = OriginList.Create(options.Value.WebSocket.Origins);
        _vary = _pages is null ? "Origin" : PageOrigin.Headers;
        _varyByAccept = $"Accept, {_vary}";
    }

    /// <inheritdoc/>
    public bool IsOpen => _pages is null && _sockets is null;

    /// <summary>Sets the headers by which a browser lets a page read the answer, and those by which a cache keeps answers apart.</summary>
    public void SetHeaders(IHeaderDictionary headers, StringValues origin, bool variesByAccept)
    {
        headers.Vary = variesByAccept ? _varyByAccept : _vary;
        if (origin.Count == 0) return;
        var allowed = Allowed(origin);
        if (allowed.Count == 0) return;
        headers.AccessControlAllowOrigin = allowed;
        headers.AccessControlExposeHeaders = ExposedHeaders;

        // Never with *, which would hand a page of any origin what the user may see.
        if (_pages is not null) headers.AccessControlAllowCredentials = Yes;
    }

    /// <summary>The headers but Vary of an answer to a page, as lines of its head; empty where a browser is to hide it from the page.</summary>
    public string LinesOf(string origin)
    {
        var allowed = Allowed(origin);
        if (allowed.Count == 0) return "";
        return _lines.GetOrAdd(
            allowed.ToString(),
            static (allowed, isListed) => $"Access-Control-Allow-Origin: {allowed}\r\nAccess-Control-Expose-Headers: {ExposedHeaders}\r\n{(isListed ? $"Access-Control-Allow-Credentials: {Yes}\r\n" : "")}",
            _pages is not null);
    }

    /// <summary>The header Vary of an answer to a request without an origin.</summary>
    public string VaryOf(bool variesByAccept) => (variesByAccept ? _varyByAccept : _vary).ToString();

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

    /// <summary>Answers a preflight: GET and POST, or what the path takes that takes DELETE, and whatever headers the page wants to send.</summary>
    public void AnswerPreflight(HttpContext context, bool takesDelete)
    {
        Check(PageOrigin.Create(context));
        var headers = context.Response.Headers;
        headers.Vary = PreflightVary;
        headers.AccessControlExposeHeaders = default;
        headers.AccessControlAllowMethods = takesDelete ? MethodsOfSession : Methods;
        headers.AccessControlAllowHeaders = context.Request.Headers.AccessControlRequestHeaders;
        headers.AccessControlMaxAge = TwoHours;
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <inheritdoc/>
    public void Check(in PageOrigin page)
    {
        if (_pages is not null) page.Check(_pages.Contains, "CComet:Cors:Origins");
    }

    /// <inheritdoc/>
    public void CheckSocket(in PageOrigin page)
    {
        if (_sockets is not null) page.CheckSocket(_sockets.Contains, "CComet:WebSocket:Origins");
    }

    /// <inheritdoc/>
    public bool TakesCookies(in PageOrigin page) => _pages is not null;

    private StringValues Allowed(StringValues origin) => _pages is null ? AnyOrigin : _pages.Find(origin.ToString());
}
