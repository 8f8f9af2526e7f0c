using System.Security.Cryptography;

namespace CComet.Web.Hosting.Commands;

/// <summary>A key for tokens, with the issuer and the audience by which the server takes them.</summary>
/// <param name="Bytes">The key.</param>
/// <param name="Issuer">The issuer.</param>
/// <param name="Audience">The audience.</param>
internal sealed record DevelopmentKey(byte[] Bytes, string Issuer, string Audience)
{
    private const string Scheme = "Authentication:Schemes:Bearer";
    private const string SigningKeys = $"{Scheme}:SigningKeys";
    private const string DefaultIssuer = "ccomet-dev";
    private const string DefaultAudience = "ccomet";

    /// <summary>What HS256 needs, in bytes.</summary>
    private const int MinBytes = 32;

    /// <summary>Finds the key in the settings; in Development what is missing is made, and stored in the user secrets.</summary>
    /// <param name="configuration">The settings.</param>
    /// <param name="environment">The environment.</param>
    /// <param name="issuer">The issuer that was asked for, or null.</param>
    /// <param name="audience">The audience that was asked for, or null.</param>
    /// <param name="note">Is told what was stored, and where.</param>
    /// <exception cref="StartException">The server would not take such a token, or has no key.</exception>
    public static DevelopmentKey Find(IConfiguration configuration, IHostEnvironment environment, string? issuer, string? audience, Action<string> note)
    {
        var issuers = List(configuration, "ValidIssuer", "ValidIssuers");
        var audiences = List(configuration, "ValidAudience", "ValidAudiences");
        var keys = configuration.GetSection(SigningKeys).GetChildren().ToList();
        var isDevelopment = environment.IsDevelopment();
        if (keys.Count == 0 && !isDevelopment)
            throw new StartException($"{SigningKeys} has no key, and one is made in Development alone: run it with --environment=Development, or have the issuer of your tokens make one. The environment is {environment.EnvironmentName}.");

        var key = keys.Count == 0 ? null
            : keys.FirstOrDefault(k => issuer is null ? issuers.Count == 0 || issuers.Contains(k["Issuer"]) : k["Issuer"] == issuer)
            ?? throw new StartException(issuer is null ? $"{SigningKeys} has no key of an issuer in {Scheme}:ValidIssuers." : $"--issuer: {SigningKeys} has no key of '{issuer}'.");
        var found = new DevelopmentKey(
            key is null ? RandomNumberGenerator.GetBytes(MinBytes) : ReadKey(key),
            (key is null ? issuer ?? issuers.FirstOrDefault() : key["Issuer"]) ?? DefaultIssuer,
            audience ?? audiences.FirstOrDefault() ?? DefaultAudience);
        var isIssuerNew = IsMissing(issuers, found.Issuer, "--issuer", "ValidIssuers", isDevelopment);
        var isAudienceNew = IsMissing(audiences, found.Audience, "--audience", "ValidAudiences", isDevelopment);
        if (key is null || isIssuerNew || isAudienceNew)
        {
            var stored = UserSecrets.Add(secrets =>
            {
                if (key is null) secrets.AddKey(SigningKeys, found.Bytes, found.Issuer);

                // By the names that dotnet user-jwts does not use, so that each leaves in place what the other wrote.
                if (isIssuerNew) secrets.Set($"{Scheme}:ValidIssuers", [found.Issuer]);
                if (isAudienceNew) secrets.Set($"{Scheme}:ValidAudience", found.Audience);
            });
            note($"Stored in {stored}, which the server reads in Development:{(key is null ? " a new key," : "")} issuer '{found.Issuer}', audience '{found.Audience}'. A server that runs reads it at its next start.");
        }

        return found;
    }

    /// <summary>Whether the settings name none, which Development makes good; one that they do not have beside others would be refused.</summary>
    private static bool IsMissing(List<string?> named, string value, string option, string setting, bool isDevelopment)
    {
        if (named.Contains(value)) return false;
        if (named.Count == 0 && isDevelopment) return true;
        throw new StartException(named.Count == 0 ? $"{Scheme}:{setting} is empty, and the server takes no token." : $"{option}: the server does not take '{value}', as {Scheme}:{setting} does not name it.");
    }

    private static byte[] ReadKey(IConfigurationSection key)
    {
        var bytes = new byte[key["Value"]?.Length ?? 0];
        if (!Convert.TryFromBase64String(key["Value"] ?? "", bytes, out var length) || length < MinBytes)
            throw new StartException($"{key.Path}:Value is no key of {MinBytes} bytes or more in base64.");
        return bytes[..length];
    }

    private static List<string?> List(IConfiguration configuration, string one, string several) =>
        [.. configuration.GetSection($"{Scheme}:{several}").GetChildren().Select(s => s.Value).Append(configuration[$"{Scheme}:{one}"]).Where(s => !string.IsNullOrEmpty(s))];
}
