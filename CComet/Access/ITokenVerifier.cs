using System.Security.Claims;

namespace CComet.Access;

/// <summary>Verifies bearer tokens: of the header, the cookie, <c>/session</c>, and the <c>auth</c> frame of a WebSocket.</summary>
/// <remarks>It is asked once for each token; what it returned is remembered until the token's expiry. Called on many threads at once.</remarks>
public interface ITokenVerifier
{
    /// <summary>
    /// Raised when tokens are verified by other keys or settings than before: what was remembered of tokens is forgotten, and each is
    /// verified again. A verifier whose keys never change need not have it. Raised on any thread; handlers do not block.
    /// </summary>
    event Action? Changed
    {
        add { }
        remove { }
    }

    /// <summary>Verifies a token.</summary>
    /// <param name="token">The token, at most 16 KiB.</param>
    /// <param name="cancellation">Ends the waiting for keys.</param>
    /// <returns>
    /// Its claims: <c>sub</c>, <c>exp</c>, <c>iat</c> and <c>jti</c> by these names, and <c>ccomet:subscribe</c>, <c>ccomet:publish</c>,
    /// <c>ccomet:presence</c>, <c>ccomet:admin</c>, <c>ccomet:sname</c>, each as often as it has patterns.
    /// </returns>
    /// <exception cref="TokenRefusedException">The token does not hold.</exception>
    /// <exception cref="AccessUnavailableException">The keys cannot be reached now.</exception>
    ValueTask<ClaimsPrincipal> VerifyAsync(string token, CancellationToken cancellation = default);
}
