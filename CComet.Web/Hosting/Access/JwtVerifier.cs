using System.Security.Claims;
using CComet.Access;
using Microsoft.IdentityModel.JsonWebTokens;

namespace CComet.Web.Hosting.Access;

/// <summary>Verifies JWTs by the schemes under <c>Authentication:Schemes</c>: a token by those of its issuer.</summary>
internal sealed class JwtVerifier : ITokenVerifier
{
    /// <summary>The longest token, in bytes.</summary>
    public const int MaxTokenBytes = 16 * 1024;

    private readonly JwtSchemes _reader;
    private IReadOnlyList<JwtScheme> _schemes = [];
    private KeyValuePair<string, string?>[] _settings = [];

    /// <summary>Reads the schemes.</summary>
    /// <exception cref="StartException">There is none, or one cannot verify a token.</exception>
    public JwtVerifier(JwtSchemes reader, IConfiguration configuration)
    {
        _reader = reader;
        Reload(configuration);
    }

    /// <inheritdoc/>
    public event Action? Changed;

    /// <inheritdoc/>
    public async ValueTask<ClaimsPrincipal> VerifyAsync(string token, CancellationToken cancellation = default)
    {
        var jwt = Read(token);
        var schemes = Volatile.Read(ref _schemes);
        var candidates = schemes.Where(scheme => scheme.IsOf(jwt.Issuer)).ToList();

        // The name of an issuer that has not been reached yet is not known.
        if (candidates.Count == 0) candidates = [.. schemes.Where(scheme => scheme.Authority is { Known: null })];
        Exception refusal = new TokenRefusedException(TokenRefusal.Issuer);
        foreach (var (i, scheme) in candidates.Index())
        {
            try
            {
                return new ClaimsPrincipal(await scheme.VerifyAsync(jwt, cancellation));
            }
            catch (TokenRefusedException e)
            {
                if (i == 0) refusal = e;
            }
            catch (AccessUnavailableException e)
            {
                refusal = e;
                break;
            }
        }

        throw refusal;
    }

    /// <summary>Reads the schemes again, where the settings of them are others than before.</summary>
    /// <returns>Whether they are.</returns>
    /// <exception cref="StartException">There is none, or one cannot verify a token: those before stay.</exception>
    public bool Reload(IConfiguration configuration)
    {
        var settings = configuration.GetSection(SchemeSettings.Root).AsEnumerable().OrderBy(pair => pair.Key, StringComparer.OrdinalIgnoreCase).ToArray();
        if (_schemes.Count > 0 && settings.SequenceEqual(_settings)) return false;
        Volatile.Write(ref _schemes, _reader.Read(configuration, _schemes, () => Changed?.Invoke()));
        _settings = settings;
        Changed?.Invoke();
        return true;
    }

    /// <summary>Fetches the keys of issuers when it is time to.</summary>
    public Task RefreshAsync() => Task.WhenAll(Volatile.Read(ref _schemes).Select(scheme => scheme.Authority?.RefreshAsync() ?? Task.CompletedTask));

    /// <summary>Reads a token, without believing it.</summary>
    /// <exception cref="TokenRefusedException">It is none, or one that is not read.</exception>
    private static JsonWebToken Read(string token)
    {
        if (token.Length > MaxTokenBytes) throw new TokenRefusedException(TokenRefusal.TooLong);
        var dots = token.AsSpan().Count('.');
        if (dots != 2) throw new TokenRefusedException(dots == 4 ? TokenRefusal.Encrypted : TokenRefusal.NoJwt);
        JsonWebToken jwt;
        bool hasCritical;
        try
        {
            jwt = new JsonWebToken(token);
            hasCritical = jwt.TryGetHeaderValue<object>("crit", out _);

            // What is not of its type fails here, and not behind the signature.
            _ = (jwt.Alg, jwt.Kid, jwt.Issuer, jwt.Audiences.Count(), jwt.ValidFrom, jwt.ValidTo);
        }
        catch (Exception)
        {
            // The library has many exceptions for it, and some of them repeat the token.
            throw new TokenRefusedException(TokenRefusal.NoJwt);
        }

        return hasCritical ? throw new TokenRefusedException(TokenRefusal.Critical) : jwt;
    }
}
