using CComet.Dialects.Native;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary>What a browser says of the page for which it sends a request, and how the request names the server.</summary>
/// <param name="Origin">The header <c>Origin</c>; empty when there is none.</param>
/// <param name="FetchSite">The header <c>Sec-Fetch-Site</c>; empty when there is none.</param>
/// <param name="Referer">The header <c>Referer</c>; empty when there is none.</param>
/// <param name="Scheme">The scheme of the request.</param>
/// <param name="Host">The host and port of the request.</param>
/// <param name="Policy">The CORS policy that the host's endpoint metadata name; null when they name none.</param>
internal readonly record struct PageOrigin(string Origin, string FetchSite, string Referer, string Scheme, string Host, CorsPolicy? Policy = null)
{
    private const string FetchSiteHeader = "Sec-Fetch-Site";

    /// <summary>The headers by which <see cref="Check"/> decides, for <c>Vary</c>.</summary>
    public const string Headers = $"Origin, {FetchSiteHeader}, Referer";

    private string? OwnOrigin => Normalize($"{Scheme}://{Host}");

    /// <summary>Reads them from a request.</summary>
    public static PageOrigin Create(HttpContext context)
    {
        var (request, headers) = (context.Request, context.Request.Headers);
        return new PageOrigin(headers.Origin.ToString(), headers[FetchSiteHeader].ToString(), headers.Referer.ToString(), request.Scheme, request.Host.Value ?? "", context.Features.Get<CorsPolicy>());
    }

    /// <summary>Returns an origin as a browser writes it: lower case, no default port, no slash at its end; null for a text that is none.</summary>
    public static string? Normalize(string text)
    {
        if (text.Contains('*', StringComparison.Ordinal) || !Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Host.Length == 0) return null;
        if (uri.UserInfo.Length > 0 || uri.Fragment.Length > 0 || uri.PathAndQuery is not ("" or "/")) return null;
        var host = uri.HostNameType == UriHostNameType.Dns ? uri.IdnHost : uri.Host;
        return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{uri.Scheme}://{host}{(uri.IsDefaultPort ? "" : $":{uri.Port}")}");
    }

    /// <summary>Refuses the request of a page that is neither the server's own nor allowed.</summary>
    /// <param name="isAllowed">Whether an origin is allowed.</param>
    /// <param name="where">Where the allowed origins are named, as the refusal says it.</param>
    /// <exception cref="WireException">403.</exception>
    public void Check(Func<string, bool> isAllowed, string where)
    {
        // The browser itself says so, and no page can make it. It knows the scheme where a proxy in front is not listed.
        if (FetchSite == "same-origin") return;
        if (Origin.Length > 0)
        {
            CheckOrigin(isAllowed, where);
            return;
        }

        // A script, an image or a link tells no origin, but the page it is in; a page can withhold that, and cannot forge it.
        if (FetchSite is not ("cross-site" or "same-site") || IsAllowedOrOwn(OriginOfReferer(), isAllowed)) return;
        throw WireException.Forbidden(FetchSiteHeader, $"{FetchSite}, and the Referer names no page of this server's own origin or of one in {where}.");
    }

    /// <summary>The same by the <c>Origin</c> alone, which a browser always sends with a WebSocket's handshake.</summary>
    /// <exception cref="WireException">403.</exception>
    public void CheckSocket(Func<string, bool> isAllowed, string where)
    {
        if (Origin.Length > 0 && FetchSite != "same-origin") CheckOrigin(isAllowed, where);
    }

    private void CheckOrigin(Func<string, bool> isAllowed, string where)
    {
        if (!IsAllowedOrOwn(Origin, isAllowed))
            throw WireException.Forbidden("Origin", $"{Origin} is neither in {where} nor this server's own, which is {OwnOrigin} by the request.");
    }

    private bool IsAllowedOrOwn(string? origin, Func<string, bool> isAllowed) =>
        origin is not null && (isAllowed(origin) || string.Equals(origin, OwnOrigin, StringComparison.OrdinalIgnoreCase));

    private string? OriginOfReferer() => Uri.TryCreate(Referer, UriKind.Absolute, out var uri) ? Normalize(uri.GetLeftPart(UriPartial.Authority)) : null;
}
