using Microsoft.IdentityModel.Tokens;

namespace CComet.Web.Hosting.Access;

/// <summary>A key of the settings, and the issuer whose tokens it verifies.</summary>
internal sealed record SharedKey(string Issuer, SymmetricSecurityKey Key);

/// <summary>
/// A scheme under <c>Authentication:Schemes</c>, checked. ASP.NET's JwtBearer would take one without keys, without an audience or
/// without an issuer, and refuse every token, or take tokens that were made for others.
/// </summary>
/// <param name="Section">The section.</param>
/// <param name="Issuers">The issuers that it names.</param>
/// <param name="Keys">Its keys, each of one of these issuers. An issuer may have several, as while one follows another.</param>
internal sealed record SchemeSettings(IConfigurationSection Section, IReadOnlyList<string> Issuers, IReadOnlyList<SharedKey> Keys)
{
    /// <summary>The section of all schemes.</summary>
    public const string Root = "Authentication:Schemes";

    /// <summary>What HS256 needs, in bytes.</summary>
    private const int MinKeyBytes = 32;

    /// <summary>The name of the scheme.</summary>
    public string Name => Section.Key;

    /// <summary>Reads and checks all schemes.</summary>
    /// <exception cref="StartException">There is none, or one cannot verify a token.</exception>
    public static IReadOnlyList<SchemeSettings> Read(IConfiguration configuration, bool isDevelopment)
    {
        var problems = new List<string>();
        var sections = configuration.GetSection(Root).GetChildren().ToList();
        if (sections.Count == 0) sections.Add(configuration.GetSection($"{Root}:Bearer"));
        var schemes = sections.Select(section => Read(section, isDevelopment, problems)).ToList();
        return problems.Count == 0 ? schemes : throw new StartException(string.Join(" ", problems));
    }

    private static SchemeSettings Read(IConfigurationSection section, bool isDevelopment, List<string> problems)
    {
        var issuers = List(section, "ValidIssuer", "ValidIssuers");
        var keys = new List<SharedKey>();
        var hasAuthority = CheckAddress(section.GetSection("Authority"), isDevelopment, problems) | CheckAddress(section.GetSection("MetadataAddress"), isDevelopment, problems);
        var written = section.GetSection("SigningKeys").GetChildren().ToList();
        if (!hasAuthority && written.Count == 0)
        {
            problems.Add($"{section.Path} has no key, which CComet:Auth:Mode=Token needs: write {section.Path}:Authority=https://ISSUER, or a key of {MinKeyBytes} bytes or more in base64 as {section.Path}:SigningKeys:0:Value and its issuer as {section.Path}:SigningKeys:0:Issuer{(isDevelopment ? " (dotnet user-jwts create writes one)" : "")}.");
        }

        if (List(section, "ValidAudience", "ValidAudiences").Count == 0)
            problems.Add($"{section.Path} names no audience, without which tokens for other services would count: write {section.Path}:ValidAudiences:0=NAME, the aud of the tokens for this server.");
        foreach (var key in written)
        {
            if (ReadKey(key, problems) is { } read && issuers.Contains(read.Issuer, StringComparer.Ordinal)) keys.Add(read);
        }

        if (!hasAuthority && written.Count > 0 && keys.Count == 0 && problems.Count == 0)
            problems.Add($"{section.Path}:SigningKeys has no key of an issuer in ValidIssuers: write {section.Path}:ValidIssuers:0={written[0]["Issuer"]}, if its tokens count.");
        return new SchemeSettings(section, issuers, keys);
    }

    /// <summary>Checks an address that keys come from, and returns whether there is one.</summary>
    private static bool CheckAddress(IConfigurationSection setting, bool isDevelopment, List<string> problems)
    {
        if (string.IsNullOrEmpty(setting.Value)) return false;
        if (!HttpAddress.TryParse(setting.Value, out var address)) problems.Add($"{setting.Path} is no address such as https://issuer.example.");
        else if (address.Scheme != "https" && !isDevelopment) problems.Add($"{setting.Path} must begin with https://: keys that come over http could be anyone's. Only the environment Development takes http.");
        return true;
    }

    /// <summary>Reads a key. Nothing of it is in a problem.</summary>
    private static SharedKey? ReadKey(IConfigurationSection key, List<string> problems)
    {
        var value = key["Value"] ?? "";
        var bytes = new byte[value.Length];
        var isBase64 = Convert.TryFromBase64String(value, bytes, out var length);
        var problem = string.IsNullOrEmpty(key["Issuer"]) ? $"{key.Path}:Issuer is missing: write the iss of the tokens that the key verifies."
            : !isBase64 || value.Length == 0 ? $"{key.Path}:Value is no base64: write a key of {MinKeyBytes} bytes or more, as openssl rand -base64 {MinKeyBytes} prints one."
            : length < MinKeyBytes ? $"{key.Path}:Value has {length} bytes: write a key of {MinKeyBytes} bytes or more, as openssl rand -base64 {MinKeyBytes} prints one."
            : null;
        if (problem is not null) problems.Add(problem);
        return problem is null ? new SharedKey(key["Issuer"]!, new SymmetricSecurityKey(bytes[..length])) : null;
    }

    private static List<string> List(IConfigurationSection section, string one, string several) =>
        [.. section.GetSection(several).GetChildren().Append(section.GetSection(one)).Select(s => s.Value).OfType<string>().Where(s => s.Length > 0).Distinct(StringComparer.Ordinal)];
}
