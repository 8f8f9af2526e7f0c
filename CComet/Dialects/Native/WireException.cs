using CComet.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace CComet.Dialects.Native;

/// <summary>A refusal that is sent to the client: its status, the parameter at fault, and what is wrong with it.</summary>
internal sealed class WireException : Exception
{
    private WireException(int status, string title, string detail, string? parameter = null, string? code = null, TimeSpan? retryAfter = null)
        : base(detail)
    {
        Status = status;
        Title = title;
        Parameter = parameter;
        Code = code ?? status.ToString(System.Globalization.CultureInfo.InvariantCulture);
        RetryAfter = retryAfter;
    }

    /// <summary>The HTTP status of the JSON form.</summary>
    public int Status { get; }

    /// <summary>The kind of refusal, in a few words.</summary>
    public string Title { get; }

    /// <summary>The parameter at fault, or null.</summary>
    public string? Parameter { get; }

    /// <summary>The number of the dialect of 2014; the status, but for 402.</summary>
    public string Code { get; }

    /// <summary>When trying again may help, or null.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>The right that a token would have to name, for <c>WWW-Authenticate</c>; null when none is missing.</summary>
    public string? Scope { get; private init; }

    /// <summary>Whether a credential was given, and does not hold.</summary>
    public bool IsTokenRefused { get; private init; }

    /// <summary>Why it was refused, as it is counted: one of <see cref="RequestRefusal"/>.</summary>
    public string Reason
    {
        get => field ?? Status switch
        {
            StatusCodes.Status401Unauthorized => RequestRefusal.Credential,
            StatusCodes.Status403Forbidden => RequestRefusal.Right,
            StatusCodes.Status429TooManyRequests => RequestRefusal.Limit,
            _ => RequestRefusal.Request,
        };
        private init;
    }

    /// <summary>401: a credential that does not hold.</summary>
    public static WireException Unauthorized(string what) =>
        new(StatusCodes.Status401Unauthorized, "Unauthorized", what) { IsTokenRefused = true };

    /// <summary>400: a parameter is missing or wrong.</summary>
    public static WireException Bad(string parameter, string what) =>
        new(StatusCodes.Status400BadRequest, "Bad parameter", $"{parameter}: {what}", parameter);

    /// <summary>413: something is over its limit.</summary>
    public static WireException TooLarge(string parameter, string what) =>
        new(StatusCodes.Status413PayloadTooLarge, "Too large", $"{parameter}: {what}", parameter);

    /// <summary>408: a request's body did not come in time.</summary>
    public static WireException TooSlow() =>
        new(StatusCodes.Status408RequestTimeout, "Request timeout", "body: came too slowly.", "body");

    /// <summary>415: a body of a kind that this path does not take.</summary>
    public static WireException UnsupportedType(string what) =>
        new(StatusCodes.Status415UnsupportedMediaType, "Unsupported media type", $"Content-Type: {what}", "Content-Type");

    /// <summary>415: a body in a coding that is not undone.</summary>
    public static WireException UnsupportedCoding(string what) =>
        new(StatusCodes.Status415UnsupportedMediaType, "Unsupported content coding", $"Content-Encoding: {what}", "Content-Encoding");

    /// <summary>403: not allowed.</summary>
    public static WireException Forbidden(string parameter, string what) =>
        new(StatusCodes.Status403Forbidden, "Forbidden", $"{parameter}: {what}", parameter);

    /// <summary>403: a right was revoked while it was in use.</summary>
    public static WireException Revoked() => Forbidden("channel", "the right to follow was revoked.");

    /// <summary>426: the path speaks another protocol.</summary>
    public static WireException UpgradeRequired(string what) =>
        new(StatusCodes.Status426UpgradeRequired, "Upgrade required", $"Upgrade: {what}", "Upgrade");

    /// <summary>A status that something below the endpoints chose.</summary>
    public static WireException FromStatus(int status) => status switch
    {
        StatusCodes.Status404NotFound => new(status, "Not found", "There is no such path."),
        StatusCodes.Status405MethodNotAllowed => new(status, "Method not allowed", "This path does not take that method; the Allow header lists those it takes."),
        StatusCodes.Status408RequestTimeout => TooSlow(),
        StatusCodes.Status413PayloadTooLarge => TooLarge("body", "is over the limit."),
        StatusCodes.Status500InternalServerError => new(status, "Internal server error", "The server failed; its log says why."),
        _ => new(status, "Refused", "The request was refused."),
    };

    /// <summary>What the hub refused, in the words of the wire.</summary>
    public static WireException? From(Exception exception) => exception switch
    {
        WireException error => error,
        SeqidBeyondEndException e => new(StatusCodes.Status409Conflict, "Seqid beyond the end", e.Message, "seqid", "402"),
        LimitException e => new(StatusCodes.Status429TooManyRequests, "Over a limit", e.Message, e.Parameter, retryAfter: e.RetryAfter),
        AccessDeniedException { IsAnonymous: true } e => new(StatusCodes.Status401Unauthorized, "Unauthorized", e.Message, e.Parameter) { Scope = e.Scope },
        AccessDeniedException e => new(StatusCodes.Status403Forbidden, "Forbidden", e.Message, e.Parameter) { Scope = e.Scope },
        TokenRefusedException e => Unauthorized(e.Message),
        AccessUnavailableException e => new(StatusCodes.Status503ServiceUnavailable, "Access cannot be decided", e.Message, retryAfter: TimeSpan.FromSeconds(5)) { Reason = RequestRefusal.Undecided },
        UnknownException e => new(StatusCodes.Status404NotFound, "Not found", e.Message, e.Parameter),
        RefusedException e => new(StatusCodes.Status400BadRequest, "Bad parameter", e.Message, e.Parameter),
        StoreUnavailableException e => new(StatusCodes.Status503ServiceUnavailable, "Store unavailable", e.Message, retryAfter: TimeSpan.FromSeconds(1)) { Reason = RequestRefusal.Store },
        DrainingException e => new(StatusCodes.Status503ServiceUnavailable, "Draining", e.Message, retryAfter: TimeSpan.FromSeconds(1)) { Reason = RequestRefusal.Draining },
        BadHttpRequestException e => FromStatus(e.StatusCode),
        _ => null,
    };
}
