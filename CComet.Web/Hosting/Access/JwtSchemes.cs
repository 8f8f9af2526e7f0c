using System.Globalization;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Tokens;

namespace CComet.Web.Hosting.Access;

/// <summary>Makes the schemes of the settings, and sets what no setting may loosen.</summary>
/// <remarks>
/// JwtBearer reads its options in a container of its own. In the server's, its services would have the host put the middleware of
/// authentication before everything: it would verify each token a second time, and every parked request would hold its state machine.
/// </remarks>
/// <param name="isDevelopment">Whether keys may come over http.</param>
/// <param name="maxLife">The longest life that a token may have left.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">For what fetches keys.</param>
internal sealed class JwtSchemes(bool isDevelopment, TimeSpan maxLife, TimeProvider time, ILogger logger)
{
    /// <summary>How far the clocks of an issuer and this server may be apart.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);

    /// <summary>How long a fetch of keys may take, where the settings do not say: tokens wait for it.</summary>
    private static readonly TimeSpan FetchTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Makes the schemes.</summary>
    /// <param name="configuration">The settings.</param>
    /// <param name="before">Those that they replace: what is known of their issuers is kept.</param>
    /// <param name="changed">Called when an issuer has other keys.</param>
    /// <exception cref="StartException">There is no scheme, or one cannot verify a token.</exception>
    public IReadOnlyList<JwtScheme> Read(IConfiguration configuration, IReadOnlyList<JwtScheme> before, Action changed)
    {
        var schemes = SchemeSettings.Read(configuration, isDevelopment);
        var services = new ServiceCollection().AddSingleton(configuration).AddSingleton(time);
        var authentication = services.AddAuthentication();
        foreach (var scheme in schemes) authentication.AddJwtBearer(scheme.Name, options => Harden(options, scheme.Section));
        using var provider = services.BuildServiceProvider();
        var monitor = provider.GetRequiredService<IOptionsMonitor<JwtBearerOptions>>();
        return [.. schemes.Select(scheme => Create(scheme, monitor, before, changed))];
    }

    private JwtScheme Create(SchemeSettings scheme, IOptionsMonitor<JwtBearerOptions> monitor, IReadOnlyList<JwtScheme> before, Action changed)
    {
        try
        {
            var options = monitor.Get(scheme.Name);
            if (string.IsNullOrEmpty(options.MetadataAddress)) return new JwtScheme(scheme, options, null);
            var documents = new HttpDocumentRetriever(options.Backchannel) { RequireHttps = options.RequireHttpsMetadata };
            var renewal = scheme.Section[nameof(options.AutomaticRefreshInterval)] is { } text ? TimeSpan.Parse(text, CultureInfo.InvariantCulture) : IssuerKeys.DefaultRenewal;
            return new JwtScheme(scheme, options, new IssuerKeys(options.MetadataAddress, documents, renewal, options.RefreshInterval, time, logger)
            {
                Known = before.FirstOrDefault(b => b.Authority?.Address == options.MetadataAddress)?.Authority?.Known,
                Changed = changed,
            });
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException or InvalidOperationException)
        {
            throw new StartException($"{scheme.Section.Path}: {e.Message}", e);
        }
    }

    /// <summary>Sets what holds whatever the settings say.</summary>
    private void Harden(JwtBearerOptions options, IConfigurationSection section)
    {
        options.MapInboundClaims = false;
        options.SaveToken = false;
        options.IncludeErrorDetails = false;
        options.RequireHttpsMetadata = !isDevelopment;
        if (section[nameof(options.BackchannelTimeout)] is null) options.BackchannelTimeout = FetchTimeout;
        var parameters = options.TokenValidationParameters;

        // JwtBearer takes one key of an issuer, and any for the tokens of any: a scheme gives each token those of its own issuer.
        parameters.IssuerSigningKeys = null;
        parameters.ValidateIssuer = parameters.ValidateAudience = parameters.ValidateLifetime = parameters.ValidateIssuerSigningKey = true;
        parameters.RequireSignedTokens = parameters.RequireAudience = parameters.RequireExpirationTime = true;
        parameters.ClockSkew = ClockSkew;
        parameters.NameClaimType = "sub";
        parameters.AlgorithmValidator = (algorithm, key, _, _) => SigningAlgorithms.Fits(algorithm, key);
        parameters.LifetimeValidator = IsAlive;
    }

    /// <summary>Checks a token's times by the server's own clock.</summary>
    /// <exception cref="TokenRefusedException">It does not hold now.</exception>
    private bool IsAlive(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters parameters)
    {
        if (expires is not { } end) throw new TokenRefusedException(TokenRefusal.NoExpiry);
        var now = time.GetUtcNow().UtcDateTime;
        var (earliest, latest) = (now - ClockSkew, now + ClockSkew);
        if (end <= earliest) throw new TokenRefusedException($"The token has expired at {Text(end)}.");
        if (notBefore is { } begin && begin > latest) throw new TokenRefusedException($"The token is not yet valid; it will be at {Text(begin)}.");
        if (end - latest > maxLife) throw new TokenRefusedException($"The token's life is too long: it may have {maxLife} left at most (CComet:Auth:MaxTokenLife).");
        return true;

        static string Text(DateTime time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
    }
}
