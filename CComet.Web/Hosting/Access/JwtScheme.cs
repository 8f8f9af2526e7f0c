using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace CComet.Web.Hosting.Access;

/// <summary>Verifies tokens by one scheme: as JwtBearer's handler does, without a request.</summary>
/// <param name="settings">What the settings say.</param>
/// <param name="options">What JwtBearer makes of them.</param>
/// <param name="authority">The keys of the scheme's <c>Authority</c>; null when it has none.</param>
internal sealed class JwtScheme(SchemeSettings settings, JwtBearerOptions options, IssuerKeys? authority)
{
    /// <summary>The keys of its <c>Authority</c>; null when it has none.</summary>
    public IssuerKeys? Authority => authority;

    /// <summary>Whether the tokens of an issuer are verified by this scheme, as far as is known.</summary>
    public bool IsOf(string issuer) =>
        settings.Issuers.Contains(issuer, StringComparer.Ordinal)
        || (authority is not null && (authority.Known is { } known ? known.Issuer == issuer : options.Authority?.TrimEnd('/') == issuer.TrimEnd('/')));

    /// <summary>Verifies a token.</summary>
    /// <param name="token">The token, read.</param>
    /// <param name="cancellation">Ends the waiting for keys.</param>
    /// <exception cref="TokenRefusedException">The token does not hold.</exception>
    /// <exception cref="AccessUnavailableException">The keys cannot be reached now.</exception>
    public async ValueTask<ClaimsIdentity> VerifyAsync(JsonWebToken token, CancellationToken cancellation)
    {
        var shared = settings.Keys.Where(key => key.Issuer == token.Issuer).Select(key => key.Key).ToList();

        // Tokens by a key of the settings do not wait for an address.
        if (authority is not null && shared.Count == 0) await authority.GetAsync(cancellation);
        var known = authority?.Known;
        var result = await ValidateAsync(token, shared, known);
        if (result.Exception is SecurityTokenInvalidSignatureException && authority is not null && options.RefreshOnIssuerKeyNotFound && SigningAlgorithms.IsAsymmetric(token.Alg)
            && await authority.RenewAsync(known, cancellation))
        {
            result = await ValidateAsync(token, shared, authority.Known);
        }

        return result.IsValid ? result.ClaimsIdentity : throw TokenRefusal.Create(token, result.Exception);
    }

    private Task<TokenValidationResult> ValidateAsync(JsonWebToken token, List<SymmetricSecurityKey> shared, OpenIdConnectConfiguration? known)
    {
        // A key counts for its own issuer alone: the one of a partner signs no token of one's own.
        var published = known is not null && (shared.Count == 0 || known.Issuer == token.Issuer) ? known.SigningKeys.Where(key => key is not SymmetricSecurityKey) : [];
        SecurityKey[] keys = [.. shared, .. published];
        var isAllowed = SigningAlgorithms.IsAsymmetric(token.Alg) ? authority is not null : keys.Any(key => SigningAlgorithms.Fits(token.Alg, key));
        if (!isAllowed) throw new TokenRefusedException(TokenRefusal.Algorithm);
        var parameters = options.TokenValidationParameters.Clone();
        parameters.ValidIssuers = known is null ? settings.Issuers : [.. settings.Issuers, known.Issuer];
        parameters.IssuerSigningKeys = keys;
        return options.TokenHandlers[0].ValidateTokenAsync(token, parameters);
    }
}
