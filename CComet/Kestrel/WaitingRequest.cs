using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CComet.Kestrel;

/// <summary>A request that is about to wait, for seconds or for hours.</summary>
internal static class WaitingRequest
{
    /// <summary>The web server's type of an HTTP/1.1 connection, which is its own request feature.</summary>
    private const string ConnectionType = "Microsoft.AspNetCore.Server.Kestrel.Core.Internal.Http.Http1Connection, Microsoft.AspNetCore.Server.Kestrel.Core";

    private const string TargetField = "_parsedRawTarget";
    private const string QueryField = "_parsedQueryString";

    /// <summary>The type, if it has the fields that are cleared: another version of the web server may hold the target otherwise.</summary>
    private static readonly Type? Connection = FindConnection();

    /// <summary>
    /// Clears the request's headers and its target so that their strings, a kilobyte or two of a browser's and as much again of a token or
    /// a ticket, can be collected while the request is parked.
    /// </summary>
    public static void Lighten(HttpRequest request)
    {
        ClearHeaders(request.Headers);
        ClearTarget(request);
    }

    /// <summary>
    /// The web server, when it clears the headers, keeps the strings of those it knows for the connection's next request; so these are set
    /// to none first.
    /// </summary>
    private static void ClearHeaders(IHeaderDictionary headers)
    {
        headers.Accept = default;
        headers.AcceptEncoding = default;
        headers.AcceptLanguage = default;
        headers.Authorization = default;
        headers.Baggage = default;
        headers.CacheControl = default;
        headers.Connection = default;
        headers.ContentType = default;
        headers.Cookie = default;
        headers.Host = default;
        headers.IfModifiedSince = default;
        headers.IfNoneMatch = default;
        headers.Origin = default;
        headers.Pragma = default;
        headers.ProxyAuthorization = default;
        headers.Range = default;
        headers.Referer = default;
        headers.TraceParent = default;
        headers.TraceState = default;
        headers.Upgrade = default;
        headers.UserAgent = default;
        headers.Via = default;
        headers.Clear();
    }

    /// <summary>The path alone is left, for the request's line in the log. The web server keeps the target for a next request that is the same.</summary>
    private static void ClearTarget(HttpRequest request)
    {
        if (request.HttpContext.Features.Get<IHttpRequestFeature>() is not { } feature) return;
        feature.QueryString = "";
        feature.RawTarget = "";
        if (Connection?.IsInstanceOfType(feature) != true) return;
        ParsedTarget(feature) = null;
        ParsedQuery(feature) = null;
    }

    private static Type? FindConnection()
    {
        const BindingFlags Fields = BindingFlags.NonPublic | BindingFlags.Instance;
        var type = Type.GetType(ConnectionType);
        return type?.GetField(TargetField, Fields)?.FieldType == typeof(string) && type.GetField(QueryField, Fields)?.FieldType == typeof(string) ? type : null;
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = TargetField)]
    private static extern ref string? ParsedTarget([UnsafeAccessorType(ConnectionType)] object connection);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = QueryField)]
    private static extern ref string? ParsedQuery([UnsafeAccessorType(ConnectionType)] object connection);
}
