using CComet.Access;
using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Operations;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace CComet.Http.Credentials;

/// <summary>Finds the credential of a request (bearer, ticket, cookie) and the grant that it gives.</summary>
/// <remarks>
/// One credential counts: the header, else the tickets, else the cookie. A browser adds a cookie to whatever a page of any site asks for,
/// so it counts for reading, and for a POST whose page is known to be the server's own or an allowed one; never for a script (JSONP),
/// which any page may load, and never where pages of all origins may call.
/// </remarks>
internal sealed class Carriers(AccessOperations access, IOriginPolicy origins, AccessAudit audit)
{
    /// <summary>The cookie that holds a token. Its prefix makes a browser take it for this host alone, and over TLS (or from this machine) alone.</summary>
    public const string CookieName = "__Host-ccomet";

    private const string Scheme = "Bearer ";

    private static readonly string[] QueryNames = ["token", "access_token", "jwt", "ticket"];

    /// <summary>Returns the caller with its grant; in <see cref="AuthMode.Open"/> without one.</summary>
    /// <param name="context">The request.</param>
    /// <param name="parameters">The parameters of its query.</param>
    /// <param name="isScript">Whether the answer is a script.</param>
    /// <param name="use">What the request does.</param>
    /// <exception cref="WireException">400: the query has a token.</exception>
    /// <exception cref="TokenRefusedException">The credential does not hold.</exception>
    /// <exception cref="AccessUnavailableException">Whether it holds cannot be decided now.</exception>
    public ValueTask<CallerContext> AuthenticateAsync(HttpContext context, Parameters parameters, bool isScript, CredentialUse use)
    {
        RefuseTokenInQuery(context.Request);
        var caller = context.CallerOf();
        if (!access.IsOn) return ValueTask.FromResult(caller);
        var headers = context.Request.Headers;
        if (headers.Origin.Count > 0) caller = caller with { Origin = headers.Origin.ToString() };
        if (!isScript && headers.Authorization is { Count: > 0 } header && TokenOf(header.ToString()) is { Length: > 0 } token && caller.User?.Identity?.IsAuthenticated != true)
            return VerifyAsync(caller, "bearer", token);
        if (parameters.Has(ParameterNames.Ticket)) return OpenAsync(caller, parameters.Many(ParameterNames.Ticket));
        if (use == CredentialUse.Change) CheckPage(context);
        if (caller.User?.Identity?.IsAuthenticated == true) return ValueTask.FromResult(caller with { Grant = access.Grants.Create(caller.User) });
        if (!isScript && CookieOf(context.Request) is { } cookie && Counts(context, use)) return VerifyAsync(caller, "cookie", cookie);
        return ValueTask.FromResult(caller with { Grant = access.Grants.Anonymous });
    }

    /// <summary>Returns the caller with the grant of what the first or a later frame of its WebSocket holds.</summary>
    public ValueTask<CallerContext> AuthenticateAsync(CallerContext caller, string? token, string? ticket)
    {
        if (!access.IsOn) return ValueTask.FromResult(caller);
        if (token is not null) return VerifyAsync(caller, "auth frame", token);
        return ticket is null ? throw new TokenRefusedException("token: is missing.") : OpenAsync(caller, [ticket]);
    }

    /// <summary>Whether a cookie of the request counts.</summary>
    public bool Counts(HttpContext context, CredentialUse use)
    {
        var page = PageOrigin.Create(context);
        if (!origins.TakesCookies(page)) return false;

        // The policy has let the page pass; a request that tells of no page may be one that hides it.
        var isPageKnown = page.Origin.Length > 0 || page.FetchSite == "same-origin";
        return use == CredentialUse.Read || (isPageKnown && (use == CredentialUse.Socket || !HttpMethods.IsGet(context.Request.Method)));
    }

    /// <summary>The token of an Authorization header; empty for another scheme, which may be meant for a proxy in front.</summary>
    public static ReadOnlySpan<char> TokenOf(string authorization) =>
        authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? authorization.AsSpan(Scheme.Length).Trim() : [];

    /// <summary>Refuses what a page of another site can have a browser send: without a token or a ticket, it may be nothing that its user wants.</summary>
    private void CheckPage(HttpContext context)
    {
        if (HttpMethods.IsGet(context.Request.Method) && context.Request.Headers.Authorization.Count == 0)
            throw new AccessDeniedException("method: in the mode Token a GET publishes with Authorization: Bearer or a ticket for publish alone; send a POST.", isAnonymous: true);

        // Where some pages alone may call, the policy has been held already.
        var page = PageOrigin.Create(context);
        if (!origins.TakesCookies(page)) page.Check(static _ => false, "CComet:Cors:Origins (which is empty)");
    }

    private static string? CookieOf(HttpRequest request) =>
        request.Headers.Cookie.Count > 0 && request.Cookies.TryGetValue(CookieName, out var value) && value.Length > 0 ? value : null;

    private static void RefuseTokenInQuery(HttpRequest request)
    {
        if (request.QueryString.Value is not { } query || !query.Contains("=eyJ", StringComparison.Ordinal)) return;
        foreach (var pair in new QueryStringEnumerable(query))
        {
            var name = Array.Find(QueryNames, known => pair.DecodeName().Span.SequenceEqual(known));
            if (name is not null && pair.DecodeValue().Span is var value && value.StartsWith("eyJ") && value.Count('.') == 2)
                throw WireException.Bad(name, "is a token, which must not stand in an address, where logs keep it. Send it as Authorization: Bearer, or get a ticket by POST /ticket.");
        }
    }

    private ValueTask<CallerContext> VerifyAsync(CallerContext caller, string carrier, ReadOnlySpan<char> token)
    {
        ValueTask<Grant> verifying;
        try
        {
            verifying = access.VerifyAsync(token, CancellationToken.None);
        }
        catch (TokenRefusedException e)
        {
            verifying = ValueTask.FromException<Grant>(e);
        }

        return verifying.IsCompletedSuccessfully ? ValueTask.FromResult(caller with { Grant = verifying.Result }) : AttachAsync(caller, carrier, verifying);
    }

    private ValueTask<CallerContext> OpenAsync(CallerContext caller, IReadOnlyList<string> tickets) => AttachAsync(caller, "ticket", access.OpenAsync(tickets, CancellationToken.None));

    private async ValueTask<CallerContext> AttachAsync(CallerContext caller, string carrier, ValueTask<Grant> verifying)
    {
        try
        {
            return caller with { Grant = await verifying };
        }
        catch (TokenRefusedException e)
        {
            audit.Refused(caller.Address, carrier, e.Message);
            throw;
        }
    }
}
