using System.Security.Claims;
using CComet.Access;
using CComet.Web.Hosting.Access;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Access;

/// <summary>A verifier with a clock that a test turns.</summary>
internal sealed class VerifierFixture
{
    /// <summary>A key of the settings.</summary>
    public static readonly byte[] Key = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    /// <summary>Settings with one issuer, and one key of it.</summary>
    public static readonly string[] Shared =
    [
        "Bearer:ValidIssuer=" + TestToken.Issuer,
        "Bearer:ValidAudience=" + TestToken.Audience,
        "Bearer:SigningKeys:0:Issuer=" + TestToken.Issuer,
        $"Bearer:SigningKeys:0:Value={Convert.ToBase64String(Key)}",
    ];

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    public LogLines<JwtVerifier> Log { get; } = new();

    /// <summary>A token of the issuer of <see cref="Shared"/> that holds once it is signed.</summary>
    public TestToken NewToken() => new(Time.GetUtcNow());

    /// <summary>Settings that take the keys of an issuer from its address, which has as long as a busy machine takes.</summary>
    public static string[] Authority(string url, string scheme = "Bearer") => [$"{scheme}:Authority={url}", $"{scheme}:ValidAudience={TestToken.Audience}", $"{scheme}:BackchannelTimeout={Patience.Limit}"];

    /// <summary>Settings below <c>Authentication:Schemes</c>, written <c>Bearer:Authority=https://issuer.example</c>.</summary>
    public static IConfiguration Configure(params string[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(s => s.Split('=', 2)).Select(s => KeyValuePair.Create($"{SchemeSettings.Root}:{s[0]}", (string?)s[1])).GroupBy(setting => setting.Key).Select(same => same.Last()))
        .Build();

    public JwtVerifier Create(params string[] settings) => Create(Configure(settings));

    public JwtVerifier Create(IConfiguration configuration) => new(new JwtSchemes(isDevelopment: true, new AuthOptions().MaxTokenLife, Time, Log), configuration);

    /// <summary>Verifies a token that must hold.</summary>
    public static Task<ClaimsPrincipal> AcceptAsync(JwtVerifier verifier, string token) => verifier.VerifyAsync(token).AsTask();

    /// <summary>Verifies a token that must not hold, and gives the reason, which has nothing of the token.</summary>
    public static async Task<string> RefuseAsync(JwtVerifier verifier, string token)
    {
        var refusal = await Assert.ThrowsAsync<TokenRefusedException>(() => verifier.VerifyAsync(token).AsTask());
        Assert.Null(refusal.InnerException);
        foreach (var part in token.Split('.').Where(part => part.Length > 3)) Assert.DoesNotContain(part, refusal.Message, StringComparison.Ordinal);
        return refusal.Message;
    }
}
