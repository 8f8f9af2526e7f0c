namespace CComet;

/// <summary>The client asked for a seqid the log has not reached, and gave no epoch that would explain it.</summary>
internal sealed class SeqidBeyondEndException(string channel, long seqid, long end)
    : Exception($"seqid: {seqid} is beyond the end of channel '{channel}', whose next seqid is {end}.");

/// <summary>Something would grow over its configured bound; answered with 429. Nothing was stored.</summary>
/// <param name="parameter">The request's parameter that the bound concerns: <c>channel</c>, <c>id</c>.</param>
/// <param name="reason">What the client is told, beginning with the parameter's name and a colon.</param>
/// <param name="retryAfter">When trying again may help: the client is told whole seconds, rounded up.</param>
/// <param name="setting">The setting that holds the bound, below <c>CComet:</c>, by which the meter counts the refusal; null for <c>Limits</c>.</param>
/// <param name="isGlobal">Whether the bound is one on the whole server: then readiness names it for a minute.</param>
public sealed class LimitException(string parameter, string reason, TimeSpan retryAfter, string? setting = null, bool isGlobal = false) : Exception(reason)
{
    /// <summary>When to come back after a bound was met, where nothing better is known: 5 s.</summary>
    public static readonly TimeSpan DefaultRetry = TimeSpan.FromSeconds(5);

    /// <summary>The request's parameter that the bound concerns.</summary>
    public string Parameter { get; } = parameter;

    /// <summary>The setting that holds the bound, below <c>CComet:</c> (<c>Limits:Channels</c>), or null.</summary>
    public string? Setting { get; } = setting;

    /// <summary>Whether the bound is one on the whole server, and not on one channel or client.</summary>
    public bool IsGlobal { get; } = isGlobal;

    /// <summary>When trying again may help, from now on.</summary>
    public TimeSpan RetryAfter { get; } = retryAfter;
}

/// <summary>The store cannot do what was asked, however often it is asked; answered with 400. Nothing was stored.</summary>
/// <param name="parameter">The request's parameter that is at fault, such as <c>channel</c>.</param>
/// <param name="reason">What the client is told, beginning with the parameter's name and a colon.</param>
public sealed class RefusedException(string parameter, string reason) : Exception(reason)
{
    /// <summary>The request's parameter that is at fault.</summary>
    public string Parameter { get; } = parameter;
}

/// <summary>The store cannot be reached, or refuses to store; answered with 503 and <c>Retry-After: 1</c>.</summary>
/// <param name="reason">What the client is told: one sentence that names no address and no secret.</param>
/// <param name="cause">What failed below, or null.</param>
public sealed class StoreUnavailableException(string reason, Exception? cause = null) : Exception(reason, cause);

/// <summary>The server is stopping and takes no new subscribers.</summary>
internal sealed class DrainingException() : Exception("The server is stopping; reconnect in a moment.");

/// <summary>What is to be administered does not exist; answered with 404.</summary>
/// <param name="parameter">The request's parameter that names it.</param>
/// <param name="reason">What the client is told, beginning with the parameter's name and a colon.</param>
internal sealed class UnknownException(string parameter, string reason) : Exception(reason)
{
    /// <summary>The request's parameter that names it.</summary>
    public string Parameter { get; } = parameter;

    /// <summary>Of a channel.</summary>
    public static UnknownException OfChannel(string channel) => new("channel", $"channel: '{channel}' has no messages, and no subscribers.");
}

/// <summary>The caller may not do what it asked for; answered with 401 when it has not authenticated, else with 403.</summary>
/// <param name="reason">What the client is told, beginning with the parameter's name and a colon.</param>
/// <param name="isAnonymous">Whether the caller has not authenticated, so that a credential may help.</param>
internal sealed class AccessDeniedException(string reason, bool isAnonymous = false) : Exception(reason)
{
    /// <summary>The request's parameter that is at fault.</summary>
    public string Parameter { get; } = reason[..reason.IndexOf(':', StringComparison.Ordinal)];

    /// <summary>Whether the caller has not authenticated, so that a credential may help.</summary>
    public bool IsAnonymous { get; } = isAnonymous;

    /// <summary>The missing right, by the name of its claim: <c>ccomet:subscribe</c>; null when no claim would help.</summary>
    public string? Scope { get; init; }
}

/// <summary>A token does not hold; answered with 401.</summary>
/// <param name="reason">Why, as the client is told: a sentence without anything of the token.</param>
public sealed class TokenRefusedException(string reason) : Exception(reason);

/// <summary>Whether a caller may cannot be decided now, as keys or the application's hook cannot be reached; answered with 503 and <c>Retry-After</c>.</summary>
/// <param name="reason">What the client is told: one sentence that names no address and no secret.</param>
/// <param name="cause">What failed below, or null.</param>
public sealed class AccessUnavailableException(string reason, Exception? cause = null) : Exception(reason, cause);
