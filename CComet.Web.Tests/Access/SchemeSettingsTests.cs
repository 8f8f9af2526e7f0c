using CComet.Web.Hosting.Access;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Access;

/// <summary>Settings that could verify no token, or would take one that was made for others, stop the start, and say what to write.</summary>
public sealed class SchemeSettingsTests
{
    private static readonly string ShortKey = Convert.ToBase64String(new byte[31]);

    public static TheoryData<string, string[]> Refused => new()
    {
        { "Authentication:Schemes:Bearer has no key, which CComet:Auth:Mode=Token needs: write Authentication:Schemes:Bearer:Authority=https://ISSUER, or a key of 32 bytes or more in base64 as Authentication:Schemes:Bearer:SigningKeys:0:Value and its issuer as Authentication:Schemes:Bearer:SigningKeys:0:Issuer.", ["ValidAudience=a"] },
        { "Authentication:Schemes:Bearer names no audience, without which tokens for other services would count: write Authentication:Schemes:Bearer:ValidAudiences:0=NAME, the aud of the tokens for this server.", ["Authority=https://a.example"] },
        { "Authentication:Schemes:Bearer:Authority must begin with https://", ["ValidAudience=a", "Authority=http://127.0.0.1:1"] },
        { "Authentication:Schemes:Bearer:MetadataAddress must begin with https://", ["ValidAudience=a", "Authority=https://a.example", "MetadataAddress=http://a.example/x"] },
        { "Authentication:Schemes:Bearer:Authority is no address such as https://issuer.example.", ["ValidAudience=a", "Authority=a.example"] },
        { "Authentication:Schemes:Bearer:SigningKeys:0:Value is no base64: write a key of 32 bytes or more, as openssl rand -base64 32 prints one.", ["ValidAudience=a", "ValidIssuer=i", "SigningKeys:0:Issuer=i", "SigningKeys:0:Value=s3cret!"] },
        { "Authentication:Schemes:Bearer:SigningKeys:0:Value is no base64: write", ["ValidAudience=a", "ValidIssuer=i", "SigningKeys:0:Issuer=i"] },
        { "Authentication:Schemes:Bearer:SigningKeys:1:Value has 31 bytes: write a key of 32 bytes or more, as openssl rand -base64 32 prints one.", [.. Key(0), "SigningKeys:1:Issuer=i", $"SigningKeys:1:Value={ShortKey}"] },
        { "Authentication:Schemes:Bearer:SigningKeys:1:Issuer is missing: write the iss of the tokens that the key verifies.", [.. Key(0), $"SigningKeys:1:Value={Convert.ToBase64String(VerifierFixture.Key)}"] },
        { "Authentication:Schemes:Bearer:SigningKeys has no key of an issuer in ValidIssuers: write Authentication:Schemes:Bearer:ValidIssuers:0=i, if its tokens count.", [.. Key(0).Where(s => !s.StartsWith("ValidIssuer", StringComparison.Ordinal))] },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Scheme_that_could_not_do_its_work_is_refused_in_one_line(string message, string[] settings)
    {
        var refusal = Assert.Throws<StartException>(() => SchemeSettings.Read(VerifierFixture.Configure([.. settings.Select(s => $"Bearer:{s}")]), isDevelopment: false));
        Assert.StartsWith(message, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
        Assert.DoesNotContain("s3cret", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(ShortKey, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_without_a_scheme_are_refused_with_what_to_write()
    {
        var refusal = Assert.Throws<StartException>(() => SchemeSettings.Read(VerifierFixture.Configure(), isDevelopment: true));
        Assert.Contains("Authentication:Schemes:Bearer has no key", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("dotnet user-jwts create", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_scheme_is_checked()
    {
        var refusal = Assert.Throws<StartException>(() => SchemeSettings.Read(VerifierFixture.Configure([.. VerifierFixture.Shared, "Partner:ValidAudience=a"]), isDevelopment: false));
        Assert.StartsWith("Authentication:Schemes:Partner has no key", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Key_of_an_issuer_that_is_not_named_is_left_out()
    {
        var scheme = Assert.Single(SchemeSettings.Read(
            VerifierFixture.Configure([.. VerifierFixture.Shared, "Bearer:SigningKeys:1:Issuer=other", $"Bearer:SigningKeys:1:Value={Convert.ToBase64String(VerifierFixture.Key)}"]), isDevelopment: false));
        Assert.Equal(TestToken.Issuer, Assert.Single(scheme.Keys).Issuer);
    }

    [Theory]
    [InlineData("RefreshInterval=soon")]
    [InlineData("AutomaticRefreshInterval=soon")]
    [InlineData("BackchannelTimeout=x")]
    public void Time_that_is_none_is_refused_by_the_name_of_its_scheme(string setting)
    {
        var refusal = Assert.Throws<StartException>(() => new VerifierFixture().Create([.. VerifierFixture.Authority("https://a.example"), $"Bearer:{setting}"]));
        Assert.StartsWith("Authentication:Schemes:Bearer: ", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>As an operator sees it, and before anything has begun to listen.</summary>
    [Theory]
    [InlineData("Authentication:Schemes:Bearer has no key", "--CComet:Auth:Mode=Token")]
    [InlineData("Authentication:Schemes:Bearer names no audience", "--CComet:Auth:Mode=Token", "--Authentication:Schemes:Bearer:Authority=https://issuer.example")]
    [InlineData("Authentication:Schemes:Bearer: ", "--CComet:Auth:Mode=Token", "--Authentication:Schemes:Bearer:Authority=https://issuer.example", "--Authentication:Schemes:Bearer:ValidAudiences:0=a", "--Authentication:Schemes:Bearer:RefreshInterval=soon")]
    public async Task Server_that_could_verify_no_token_does_not_start(string message, params string[] arguments)
    {
        await using var server = ServerProcess.Start(arguments);
        Assert.Equal(1, await server.ExitAsync());
        Assert.StartsWith($"CComet cannot start: {message}", Assert.Single(server.Errors), StringComparison.Ordinal);
        Assert.DoesNotContain(server.Output, line => line.Contains("Now listening", StringComparison.Ordinal));
    }

    private static string[] Key(int number) => ["ValidAudience=a", "ValidIssuer=i", $"SigningKeys:{number}:Issuer=i", $"SigningKeys:{number}:Value={Convert.ToBase64String(VerifierFixture.Key)}"];
}
