using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CComet.Http.Requests;

/// <summary>
/// The path of a request as it came over the wire. It is what a proxy's rules go by, so it is what is matched here: the path
/// that the web server gives has its percent-encoding and its dots resolved already.
/// </summary>
internal static class RawPath
{
    /// <summary>Returns it, without the query; empty for a target that has none, such as <c>*</c>.</summary>
    public static ReadOnlySpan<char> Read(HttpContext context)
    {
        ReadOnlySpan<char> target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;

        // The server of the tests, which has no wire, has no target either.
        if (target.IsEmpty) return context.Request.Path.ToUriComponent();
        var query = target.IndexOf('?');
        if (query >= 0) target = target[..query];
        if (target.StartsWith('/')) return target;

        // GET http://host/pub, as a client sends it to what it takes for a proxy.
        var authority = target.IndexOf("://", StringComparison.Ordinal);
        if (authority < 0) return default;
        target = target[(authority + 3)..];
        var path = target.IndexOf('/');
        return path < 0 ? "/" : target[path..];
    }

    /// <summary>
    /// Whether a path as it came is the one spelling of the decoded path: nothing is percent-encoded that need not be, and there
    /// are no empty or dot segments. The decoded path differs from it in nothing else, so the case that is ignored is that of <c>%c3</c>.
    /// </summary>
    public static bool IsPlain(ReadOnlySpan<char> raw, PathString decoded) =>
        !raw.Contains("//", StringComparison.Ordinal) && raw.Equals(decoded.ToUriComponent(), StringComparison.OrdinalIgnoreCase);
}
