using Microsoft.IdentityModel.Tokens;

namespace CComet.Web.Hosting.Access;

/// <summary>Which algorithms count: those of the kinds of keys that are configured, so that a token cannot choose what its signature is checked by.</summary>
internal static class SigningAlgorithms
{
    /// <summary>Those of a key that two sides share.</summary>
    private static readonly string[] Symmetric = ["HS256", "HS384", "HS512"];

    private static readonly string[] Rsa = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

    private static readonly string[] EllipticCurve = ["ES256", "ES384", "ES512"];

    /// <summary>Whether an algorithm is one of a key pair.</summary>
    public static bool IsAsymmetric(string algorithm) => Rsa.Contains(algorithm) || EllipticCurve.Contains(algorithm);

    /// <summary>Whether a key may verify by an algorithm.</summary>
    public static bool Fits(string algorithm, SecurityKey key) => key switch
    {
        SymmetricSecurityKey => Symmetric.Contains(algorithm),
        RsaSecurityKey => Rsa.Contains(algorithm),
        ECDsaSecurityKey => EllipticCurve.Contains(algorithm),
        X509SecurityKey { PublicKey: System.Security.Cryptography.RSA } => Rsa.Contains(algorithm),
        X509SecurityKey => EllipticCurve.Contains(algorithm),
        JsonWebKey { Kty: JsonWebAlgorithmsKeyTypes.RSA } => Rsa.Contains(algorithm),
        JsonWebKey { Kty: JsonWebAlgorithmsKeyTypes.EllipticCurve } => EllipticCurve.Contains(algorithm),
        _ => false,
    };
}
