namespace CComet.Http;

/// <summary>Lets pages call that the host's CORS policy for the endpoint allows, and the host's own.</summary>
/// <remarks>
/// The policy is that of <c>RequireCors()</c>, or of the attribute, on what <c>MapCComet()</c> returned. The host's CORS middleware
/// sets the headers and answers preflights; this holds the policy for JSONP, forms and WebSockets as well, which CORS does not cover.
/// </remarks>
internal sealed class HostOrigins : IOriginPolicy
{
    private const string Where = "the CORS policy of these endpoints (RequireCors on MapCComet)";

    /// <inheritdoc/>
    public bool IsOpen => false;

    /// <inheritdoc/>
    public void Check(in PageOrigin page) => page.Check(AllowsOf(page), Where);

    /// <inheritdoc/>
    public void CheckSocket(in PageOrigin page) => page.CheckSocket(AllowsOf(page), Where);

    /// <inheritdoc/>
    public bool TakesCookies(in PageOrigin page) => page.Policy?.AllowAnyOrigin != true;

    private static Func<string, bool> AllowsOf(in PageOrigin page) => page.Policy is { } policy ? policy.IsOriginAllowed : static _ => false;
}
