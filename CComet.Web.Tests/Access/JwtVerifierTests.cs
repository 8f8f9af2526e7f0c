using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CComet.Access;
using CComet.Web.Tests.Support;
using Microsoft.IdentityModel.Logging;

namespace CComet.Web.Tests.Access;

/// <summary>Tokens by a key of the settings: which hold, and why the others do not.</summary>
public sealed class JwtVerifierTests : IDisposable
{
    private readonly VerifierFixture _fixture = new();
    private readonly RSA _rsa = RSA.Create(2048);

    public static TheoryData<string, string> Refused => new()
    {
        { "expired", "The token has expired at 2026-03-01T11:00:00Z." },
        { "not yet valid", "The token is not yet valid; it will be at 2026-03-01T12:05:00Z." },
        { "other audience", "The token's audience is not one of this server's." },
        { "no audience", "The token has no audience." },
        { "no expiry", "The token has no expiry." },
        { "expiry is no number", "The token is no JWT." },
        { "other issuer", "The token's issuer is not one of this server's." },
        { "no issuer", "The token's issuer is not one of this server's." },
        { "too long a life", "The token's life is too long: it may have 100.00:00:00 left at most (CComet:Auth:MaxTokenLife)." },
        { "expiry beyond time", "The token's life is too long: it may have 100.00:00:00 left at most (CComet:Auth:MaxTokenLife)." },
        { "alg none", "The token's algorithm is not allowed." },
        { "alg None without signature", "The token's algorithm is not allowed." },
        { "no alg", "The token's algorithm is not allowed." },
        { "RS256", "The token's algorithm is not allowed." },
        { "alg says RS256", "The token's algorithm is not allowed." },
        { "other key", "The token's signature is not of a known key." },
        { "no signature", "The token's signature is not of a known key." },
        { "changed claims", "The token's signature is not of a known key." },
        { "changed header", "The token's signature is not of a known key." },
        { "HS512 by a key of 32 bytes", "The token's signature is not of a known key." },
        { "key in jwk", "The token's algorithm is not allowed." },
        { "crit", "The token has a crit header, which this server does not know." },
        { "crit null", "The token has a crit header, which this server does not know." },
        { "two subs", "The token is no JWT." },
        { "two jtis", "The token is no JWT." },
        { "17 kB", "The token is longer than 16 KiB." },
        { "encrypted", "The token is encrypted, which this server does not read." },
        { "empty", "The token is no JWT." },
        { "text", "The token is no JWT." },
        { "dots", "The token is no JWT." },
        { "no JSON", "The token is no JWT." },
        { "claims that are a list", "The token is no JWT." },
        { "not base64url", "The token's signature is not of a known key." },
        { "space at its end", "The token's signature is not of a known key." },
    };

    public void Dispose() => _rsa.Dispose();

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Token_that_does_not_hold_is_refused_with_the_reason(string what, string reason) =>
        Assert.Equal(reason, await VerifierFixture.RefuseAsync(_fixture.Create(VerifierFixture.Shared), Make(what)));

    [Fact]
    public async Task Token_that_holds_gives_the_grant_of_its_claims()
    {
        var token = Token().With("ccomet:publish", "room.1").With("ccomet:admin", "*").Sign(VerifierFixture.Key);
        var principal = await VerifierFixture.AcceptAsync(_fixture.Create(VerifierFixture.Shared), token);
        Assert.Equal("ann", principal.Identity!.Name);
        var grant = new GrantFactory(new AuthOptions()).Create(principal);
        Assert.Equal(("ann", _fixture.Time.GetUtcNow().AddHours(1)), (grant.User, grant.Expires!.Value));
        Assert.Equal(((uint)_fixture.Time.GetUtcNow().ToUnixTimeSeconds(), Grant.HashId("t-1")), (grant.IssuedAt, grant.Id));
        Assert.True(grant.Allows(ChannelRight.Subscribe, "room.7") && grant.Allows(ChannelRight.Subscribe, "inbox.ann") && grant.Allows(ChannelRight.Publish, "room.1") && grant.Allows(ChannelRight.Admin, "x"));
        Assert.False(grant.Allows(ChannelRight.Publish, "room.2") || grant.Allows(ChannelRight.Subscribe, "inbox.bob") || grant.Allows(ChannelRight.Presence, "room.1"));
    }

    [Theory]
    [InlineData(8)]
    [InlineData(15)]
    public async Task Token_of_many_rights_holds(int kilobytes)
    {
        var token = Token().With("ccomet:subscribe", Rights(kilobytes)).Sign(VerifierFixture.Key);
        Assert.InRange(token.Length, kilobytes * 1000, 16 * 1024);
        Assert.True(new GrantFactory(new AuthOptions()).Create(await VerifierFixture.AcceptAsync(_fixture.Create(VerifierFixture.Shared), token)).Allows(ChannelRight.Subscribe, "room.10"));
    }

    /// <summary>The clocks of an issuer and of the server may be 30 s apart.</summary>
    [Theory]
    [InlineData("exp", -29, true)]
    [InlineData("exp", -31, false)]
    [InlineData("nbf", 29, true)]
    [InlineData("nbf", 31, false)]
    [InlineData("exp", (100 * 86_400) + 29, true)]
    [InlineData("exp", (100 * 86_400) + 31, false)]
    public async Task Clock_that_is_30_s_off_is_taken_and_no_more(string claim, int seconds, bool holds)
    {
        var token = Token().With(claim, _fixture.Time.GetUtcNow().AddSeconds(seconds).ToUnixTimeSeconds()).Sign(VerifierFixture.Key);
        var verifier = _fixture.Create(VerifierFixture.Shared);
        if (holds) await VerifierFixture.AcceptAsync(verifier, token);
        else await VerifierFixture.RefuseAsync(verifier, token);
    }

    [Theory]
    [InlineData("HS384", 48)]
    [InlineData("HS512", 64)]
    public async Task Longer_key_verifies_by_the_algorithms_of_its_length(string algorithm, int bytes)
    {
        var key = RandomNumberGenerator.GetBytes(bytes);
        var verifier = _fixture.Create([.. VerifierFixture.Shared[..3], $"Bearer:SigningKeys:0:Value={Convert.ToBase64String(key)}"]);
        var token = Token().WithHeader("alg", algorithm);
        await VerifierFixture.AcceptAsync(verifier, token.Join(content => bytes == 48 ? HMACSHA384.HashData(key, content) : HMACSHA512.HashData(key, content)));
    }

    [Fact]
    public async Task Audience_of_several_is_enough()
    {
        var verifier = _fixture.Create([.. VerifierFixture.Shared, "Bearer:ValidAudiences:0=chat"]);
        await VerifierFixture.AcceptAsync(verifier, Token().With("aud", new JsonArray("other", "chat")).Sign(VerifierFixture.Key));
    }

    /// <summary>As while one key follows another: JwtBearer itself takes one key of an issuer.</summary>
    [Fact]
    public async Task Issuer_may_have_several_keys_and_each_token_is_tried_with_all()
    {
        var second = RandomNumberGenerator.GetBytes(32);
        var verifier = _fixture.Create([.. VerifierFixture.Shared, $"Bearer:SigningKeys:1:Issuer={TestToken.Issuer}", $"Bearer:SigningKeys:1:Value={Convert.ToBase64String(second)}"]);
        await VerifierFixture.AcceptAsync(verifier, Token().Sign(VerifierFixture.Key));
        await VerifierFixture.AcceptAsync(verifier, Token().Sign(second));
        await VerifierFixture.AcceptAsync(verifier, Token().WithHeader("kid", "unknown").Sign(second));
    }

    [Fact]
    public async Task Key_of_one_issuer_signs_no_token_of_another()
    {
        var other = RandomNumberGenerator.GetBytes(32);
        var verifier = _fixture.Create(
        [
            .. VerifierFixture.Shared,
            "Bearer:ValidIssuers:0=https://partner.example",
            "Bearer:SigningKeys:1:Issuer=https://partner.example",
            $"Bearer:SigningKeys:1:Value={Convert.ToBase64String(other)}",
        ]);
        await VerifierFixture.AcceptAsync(verifier, Token().With("iss", "https://partner.example").Sign(other));
        Assert.Equal("The token's signature is not of a known key.", await VerifierFixture.RefuseAsync(verifier, Token().Sign(other)));
    }

    [Fact]
    public async Task Token_is_verified_by_the_scheme_of_its_issuer()
    {
        var other = RandomNumberGenerator.GetBytes(32);
        var verifier = _fixture.Create(
        [
            .. VerifierFixture.Shared,
            "Partner:ValidIssuer=https://partner.example",
            "Partner:ValidAudience=partners",
            "Partner:SigningKeys:0:Issuer=https://partner.example",
            $"Partner:SigningKeys:0:Value={Convert.ToBase64String(other)}",
        ]);
        await VerifierFixture.AcceptAsync(verifier, Token().Sign(VerifierFixture.Key));
        await VerifierFixture.AcceptAsync(verifier, Token().With("iss", "https://partner.example").With("aud", "partners").Sign(other));
        Assert.Equal("The token's audience is not one of this server's.", await VerifierFixture.RefuseAsync(verifier, Token().With("iss", "https://partner.example").Sign(other)));
    }

    [Fact]
    public async Task Schemes_of_one_issuer_are_tried_in_turn()
    {
        var second = VerifierFixture.Shared.Select(s => s.Replace("Bearer", "Second", StringComparison.Ordinal).Replace($"Audience={TestToken.Audience}", "Audience=chat", StringComparison.Ordinal));
        var verifier = _fixture.Create([.. VerifierFixture.Shared, .. second]);
        await VerifierFixture.AcceptAsync(verifier, Token().With("aud", "chat").Sign(VerifierFixture.Key));
        await VerifierFixture.AcceptAsync(verifier, Token().Sign(VerifierFixture.Key));
        Assert.Equal("The token's audience is not one of this server's.", await VerifierFixture.RefuseAsync(verifier, Token().With("aud", "no").Sign(VerifierFixture.Key)));
    }

    /// <summary>A setting of JwtBearer would otherwise loosen what must hold.</summary>
    [Theory]
    [InlineData("MapInboundClaims=true")]
    [InlineData("SaveToken=true")]
    [InlineData("IncludeErrorDetails=true")]
    public async Task Setting_of_JwtBearer_changes_no_claim(string setting)
    {
        var principal = await VerifierFixture.AcceptAsync(_fixture.Create([.. VerifierFixture.Shared, $"Bearer:{setting}"]), Token().Sign(VerifierFixture.Key));
        Assert.Equal("ann", principal.FindFirst("sub")?.Value);
    }

    [Fact]
    public async Task Token_is_in_no_line_and_the_library_tells_none()
    {
        foreach (var (what, _) in Refused.Select(row => ((string)row[0], row[1]))) await VerifierFixture.RefuseAsync(_fixture.Create(VerifierFixture.Shared), Make(what));
        Assert.Empty(_fixture.Log.Lines);
        Assert.False(IdentityModelEventSource.ShowPII || IdentityModelEventSource.LogCompleteSecurityArtifact);
        Assert.False(AppContext.TryGetSwitch("Switch.Microsoft.IdentityModel.DoNotScrubExceptions", out var isOn) && isOn);
    }

    /// <summary>Whatever comes, it is a refusal: anything else would be answered as a failure of the server.</summary>
    [Fact]
    public async Task Broken_token_is_refused_and_fails_nothing()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var verifier = _fixture.Create(VerifierFixture.Shared);
        var good = Token().Sign(VerifierFixture.Key);
        string[] values = ["1e400", "-1", "[1,2]", "{}", "\"x\"", "true", "99999999999999999999", "1.5", "[[[]]]", "[]", "[null]", "[1,{}]", "\"\""];
        string[] claims = ["exp", "nbf", "iat", "sub", "aud", "iss", "jti", "ccomet:subscribe"];
        for (var i = 0; i < 2000; i++)
        {
            var broken = new StringBuilder(good);
            for (var n = random.Next(1, 4); n > 0; n--) broken[random.Next(broken.Length)] = (char)random.Next(0, 300);
            await RefusedAsync(broken.ToString());
            await RefusedAsync(Token().With(claims[random.Next(claims.Length)], JsonNode.Parse(values[random.Next(values.Length)])).Sign(VerifierFixture.Key));
            await RefusedAsync($"{good.Split('.')[0]}.{Encode(values[random.Next(values.Length)])}.{good.Split('.')[2]}");
        }

        // Or taken, where a value is of another type and does no harm.
        async Task RefusedAsync(string token)
        {
            var failure = await Record.ExceptionAsync(async () => new GrantFactory(new AuthOptions()).Create(await verifier.VerifyAsync(token)));
            Assert.True(failure is null or TokenRefusedException, $"seed {seed}: {token}: {failure}");
        }
    }

    private static JsonArray Rights(int kilobytes) => [.. Enumerable.Range(0, kilobytes * 70).Select(i => (JsonNode)$"room.{i}")];

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));

    private TestToken Token() => _fixture.NewToken();

    private JsonNode At(double minutes) => _fixture.Time.GetUtcNow().AddMinutes(minutes).ToUnixTimeSeconds();

    private string Make(string what)
    {
        var key = VerifierFixture.Key;
        var good = Token().Sign(key).Split('.');
        return what switch
        {
            "expired" => Token().With("exp", At(-60)).Sign(key),
            "not yet valid" => Token().With("nbf", At(5)).Sign(key),
            "other audience" => Token().With("aud", "other").Sign(key),
            "no audience" => Token().With("aud", null).Sign(key),
            "no expiry" => Token().With("exp", null).Sign(key),
            "expiry is no number" => Token().With("exp", "tomorrow").Sign(key),
            "other issuer" => Token().With("iss", "https://other.example").Sign(key),
            "no issuer" => Token().With("iss", null).Sign(key),
            "too long a life" => Token().With("exp", At(101 * 24 * 60)).Sign(key),
            "expiry beyond time" => Token().With("exp", 99_999_999_999_999).Sign(key),
            "alg none" => Token().WithHeader("alg", "none").Sign(key),
            "alg None without signature" => Token().WithHeader("alg", "None").Join(_ => []),
            "no alg" => Token().WithHeader("alg", null).Sign(key),
            "RS256" => Token().Sign(_rsa),
            "alg says RS256" => Token().WithHeader("alg", "RS256").Sign(key),
            "other key" => Token().Sign(RandomNumberGenerator.GetBytes(32)),
            "no signature" => $"{good[0]}.{good[1]}.",
            "changed claims" => $"{good[0]}.{Token().With("sub", "bob").Sign(key).Split('.')[1]}.{good[2]}",
            "changed header" => $"{Token().WithHeader("kid", "1").Sign(key).Split('.')[0]}.{good[1]}.{good[2]}",
            "HS512 by a key of 32 bytes" => Token().WithHeader("alg", "HS512").Join(content => HMACSHA512.HashData(key, content)),
            "key in jwk" => Token().WithHeader("jwk", new JsonObject { ["kty"] = "RSA", ["e"] = "AQAB", ["n"] = Base64Url.EncodeToString(_rsa.ExportParameters(false).Modulus) }).Sign(_rsa),
            "crit" => Token().WithHeader("crit", new JsonArray("b64")).WithHeader("b64", false).Sign(key),
            "crit null" => Token().Join(_ => []) switch { var token => $"{Encode("""{"alg":"HS256","crit":null}""")}.{token.Split('.')[1]}.{good[2]}" },
            "two subs" => Token().With("sub", new JsonArray("ann", "bob")).Sign(key),
            "two jtis" => Token().With("jti", new JsonArray("1", "2")).Sign(key),
            "17 kB" => Token().With("ccomet:subscribe", Rights(17)).Sign(key),
            "encrypted" => "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA",
            "empty" => "",
            "text" => "open sesame",
            "dots" => "..",
            "no JSON" => $"{Encode("alg")}.{Encode("sub")}.{good[2]}",
            "claims that are a list" => $"{good[0]}.{Encode("[1]")}.{good[2]}",
            "not base64url" => $"{good[0]}.{good[1]}.{good[2][..^2]}+/",
            "space at its end" => $"{good[0]}.{good[1]}.{good[2]} ",
            _ => throw new ArgumentException(what),
        };
    }
}
