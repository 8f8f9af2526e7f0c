using CComet.Dialects.Native;
using CComet.Http.Requests;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary>How a dialect names a request's parameters, and how it tells a refusal.</summary>
/// <param name="Names">The parameters that it knows.</param>
internal sealed record RequestForm(ParameterNames Names)
{
    /// <summary>Of the native dialect.</summary>
    public static readonly RequestForm Native = new(ParameterNames.Native);

    /// <summary>Of the native dialect's long poll.</summary>
    public static readonly RequestForm NativePoll = Native with { HoldsBackErrors = true };

    /// <summary>Of administration.</summary>
    public static readonly RequestForm Administration = new(ParameterNames.OfAdministration) { IsOfAdministration = true };

    /// <summary>Whether it is of administration: without tokens, a page of another origin may not ask, wherever pages may call otherwise.</summary>
    public bool IsOfAdministration { get; init; }

    /// <summary>Whether a refusal as JSONP is held back.</summary>
    public bool HoldsBackErrors { get; init; }

    /// <summary>Whether its handler looks at the credential itself, and is called without a grant.</summary>
    public bool IsAuthenticatedByHandler { get; init; }

    /// <summary>Answers with a refusal: of a callback, if there is one, else as the dialect does without.</summary>
    public Func<HttpResponse, string?, WireException, Task> WriteErrorAsync { get; init; } = ResponseWriter.WriteErrorAsync;

    /// <summary>The same to a request that waits below the web server, which is no more than an output and what was read of it.</summary>
    public Func<IResponseOutput, string?, WireException, Task> WriteWaitingErrorAsync { get; init; } = ResponseWriter.WriteErrorAsync;
}
