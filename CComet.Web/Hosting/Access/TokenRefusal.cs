using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace CComet.Web.Hosting.Access;

/// <summary>Says why a token is refused, in words that hold nothing of it.</summary>
internal static class TokenRefusal
{
    public const string TooLong = "The token is longer than 16 KiB.";
    public const string NoJwt = "The token is no JWT.";
    public const string Encrypted = "The token is encrypted, which this server does not read.";
    public const string Critical = "The token has a crit header, which this server does not know.";
    public const string Issuer = "The token's issuer is not one of this server's.";
    public const string Algorithm = "The token's algorithm is not allowed.";
    public const string Signature = "The token's signature is not of a known key.";
    public const string Audience = "The token's audience is not one of this server's.";
    public const string NoAudience = "The token has no audience.";
    public const string NoExpiry = "The token has no expiry.";

    /// <summary>Makes the refusal for what the library has found.</summary>
    public static TokenRefusedException Create(JsonWebToken token, Exception? exception) => exception as TokenRefusedException ?? new TokenRefusedException(exception switch
    {
        SecurityTokenInvalidSignatureException => Signature,
        SecurityTokenInvalidSigningKeyException => "The token's key counts no more, or not yet.",
        SecurityTokenInvalidAlgorithmException => Algorithm,
        SecurityTokenInvalidIssuerException => Issuer,
        SecurityTokenInvalidAudienceException when !token.Audiences.Any() => NoAudience,
        SecurityTokenInvalidAudienceException => Audience,
        _ => "The token does not hold.",
    });
}
