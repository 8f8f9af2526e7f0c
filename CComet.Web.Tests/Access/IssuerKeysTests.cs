using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CComet.Web.Hosting.Access;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Access;

/// <summary>Tokens by the keys that an issuer publishes, which change while the server runs.</summary>
public sealed class IssuerKeysTests : IAsyncLifetime
{
    private const string UnknownKey = "The token's signature is not of a known key.";

    private readonly VerifierFixture _fixture = new();
    private readonly RSA _first = RSA.Create(2048);
    private readonly RSA _second = RSA.Create(2048);
    private readonly ECDsa _curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private TestIssuer _issuer = null!;

    public async Task InitializeAsync()
    {
        _issuer = await TestIssuer.StartAsync();
        _issuer.Keys = _issuer.Keys.Add("1", _first);
    }

    public async Task DisposeAsync()
    {
        await _issuer.DisposeAsync();
        _first.Dispose();
        _second.Dispose();
        _curve.Dispose();
    }

    [Fact]
    public async Task Keys_are_fetched_once_for_all_tokens()
    {
        var verifier = Create();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => VerifierFixture.AcceptAsync(verifier, Sign(_first, "1"))));
        Assert.Equal(1, _issuer.Fetches);
    }

    [Fact]
    public async Task Keys_of_both_kinds_verify_with_an_id_and_without()
    {
        _issuer.Keys = _issuer.Keys.Add("2", _curve);
        var verifier = Create();
        await VerifierFixture.AcceptAsync(verifier, Sign(_first, "1"));
        await VerifierFixture.AcceptAsync(verifier, Token().WithHeader("kid", "2").Sign(_curve));
        await VerifierFixture.AcceptAsync(verifier, Token().Sign(_curve));
        await VerifierFixture.AcceptAsync(verifier, Token().WithHeader("kid", "1").WithHeader("alg", "PS256").Join(content => _first.SignData(content, HashAlgorithmName.SHA256, RSASignaturePadding.Pss)));
    }

    /// <summary>The public key is public: were it taken as the secret of HS256, anyone could sign.</summary>
    [Theory]
    [InlineData("HS256")]
    [InlineData("HS384")]
    [InlineData("HS512")]
    public async Task Public_key_is_no_secret_of_HMAC(string algorithm)
    {
        var verifier = Create();
        await VerifierFixture.AcceptAsync(verifier, Sign(_first, "1"));
        byte[][] secrets = [_first.ExportSubjectPublicKeyInfo(), Encoding.ASCII.GetBytes(_first.ExportSubjectPublicKeyInfoPem()), Encoding.ASCII.GetBytes(_first.ExportRSAPublicKeyPem()), _first.ExportParameters(false).Modulus!];
        foreach (var secret in secrets)
        {
            var token = Token().WithHeader("kid", "1").WithHeader("alg", algorithm).Join(content => algorithm switch
            {
                "HS256" => HMACSHA256.HashData(secret, content),
                "HS384" => HMACSHA384.HashData(secret, content),
                _ => HMACSHA512.HashData(secret, content),
            });
            Assert.Equal("The token's algorithm is not allowed.", await VerifierFixture.RefuseAsync(verifier, token));
        }
    }

    /// <summary>The maker of a token can write any address, and any key, into it.</summary>
    [Theory]
    [InlineData("jku")]
    [InlineData("x5u")]
    [InlineData("jwk")]
    public async Task Key_that_a_token_brings_or_points_to_is_not_used(string header)
    {
        await using var foreign = await TestIssuer.StartAsync();
        foreign.Keys = foreign.Keys.Add("9", _second);
        var jwk = new JsonObject { ["kty"] = "RSA", ["kid"] = "9", ["e"] = "AQAB", ["n"] = System.Buffers.Text.Base64Url.EncodeToString(_second.ExportParameters(false).Modulus) };
        var token = Token().WithHeader("kid", "9").WithHeader(header, header == "jwk" ? jwk : $"{foreign.Url}/jwks").Sign(_second);
        Assert.Equal(UnknownKey, await VerifierFixture.RefuseAsync(Create(), token));
        Assert.Equal(0, foreign.Fetches);
    }

    [Fact]
    public async Task First_token_of_a_new_key_is_taken()
    {
        var verifier = Create();
        var changes = 0;
        verifier.Changed += () => changes++;
        await VerifierFixture.AcceptAsync(verifier, Sign(_first, "1"));
        _issuer.Keys = _issuer.Keys.Add("2", _second);
        await VerifierFixture.AcceptAsync(verifier, Sign(_second, "2"));
        await VerifierFixture.AcceptAsync(verifier, Sign(_first, "1"));
        Assert.Equal((2, 1), (_issuer.Fetches, changes));
    }

    [Fact]
    public async Task Tokens_of_unknown_keys_make_one_fetch_in_the_interval()
    {
        var verifier = Create("Bearer:RefreshInterval=00:01:00");
        await VerifierFixture.AcceptAsync(verifier, Sign(_first, "1"));
        for (var i = 0; i < 10; i++) Assert.Equal(UnknownKey, await VerifierFixture.RefuseAsync(verifier, Sign(_second, $"{i}")));
        Assert.Equal(2, _issuer.Fetches);

        _issuer.Keys = _issuer.Keys.Add("2", _second);
        await VerifierFixture.RefuseAsync(verifier, Sign(_second, "2"));
        _fixture.Time.Advance(TimeSpan.FromSeconds(61));
        await VerifierFixture.AcceptAsync(verifier, Sign(_second, "2"));
        Assert.Equal(3, _issuer.Fetches);
    }

    [Fact]
    public async Task Key_that_the_issuer_no_longer_has_stops_to_count_within_an_hour()
    {
        var verifier = Create();
        var changes = 0;
        verifier.Changed += () => changes++;
        await VerifierFixture.AcceptAsync(verifier, Sign(_first, "1"));
        _issuer.Keys = ImmutableDictionary<string, AsymmetricAlgorithm>.Empty.Add("2", _second);
        await verifier.RefreshAsync();
        Assert.Equal((1, 0), (_issuer.Fetches, changes));

        _fixture.Time.Advance(IssuerKeys.DefaultRenewal);
        await verifier.RefreshAsync();
        Assert.Equal((2, 1), (_issuer.Fetches, changes));
        Assert.Equal(UnknownKey, await VerifierFixture.RefuseAsync(verifier, Sign(_first, "1")));
        await VerifierFixture.AcceptAsync(verifier, Sign(_second, "2"));
    }

    [Fact]
    public async Task Keys_that_are_the_same_change_nothing()
    {
        var verifier = Create("Bearer:AutomaticRefreshInterval=00:10:00");
        var changes = 0;
        verifier.Changed += () => changes++;
        await verifier.RefreshAsync();
        _fixture.Time.Advance(TimeSpan.FromMinutes(10));
        await verifier.RefreshAsync();
        Assert.Equal((2, 0), (_issuer.Fetches, changes));
    }

    [Fact]
    public async Task Known_keys_go_on_while_the_issuer_is_away()
    {
        var verifier = Create();
        await VerifierFixture.AcceptAsync(verifier, Sign(_first, "1"));
        _issuer.IsAway = true;
        for (var i = 0; i < 3; i++)
        {
            _fixture.Time.Advance(IssuerKeys.DefaultRenewal);
            await verifier.RefreshAsync();
            await VerifierFixture.AcceptAsync(verifier, Sign(_first, "1"));
            Assert.Equal(UnknownKey, await VerifierFixture.RefuseAsync(verifier, Sign(_second, "2")));
        }

        Assert.Equal(1, _fixture.Log.Count("Cannot read the keys of"));
        _issuer.IsAway = false;
        _issuer.Keys = _issuer.Keys.Add("2", _second);
        _fixture.Time.Advance(IssuerKeys.RetryInterval);
        await VerifierFixture.AcceptAsync(verifier, Sign(_second, "2"));
        Assert.Equal(1, _fixture.Log.Count("again"));
    }

    [Fact]
    public async Task Issuer_that_was_never_reached_makes_its_tokens_undecided_and_is_asked_again_later()
    {
        _issuer.IsAway = true;
        var verifier = Create();
        await Assert.ThrowsAsync<AccessUnavailableException>(() => VerifierFixture.AcceptAsync(verifier, Sign(_first, "1")));
        var fetches = _issuer.Fetches;
        var refusal = await Assert.ThrowsAsync<AccessUnavailableException>(() => VerifierFixture.AcceptAsync(verifier, Sign(_first, "1")));
        Assert.DoesNotContain("127.0.0.1", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(fetches, _issuer.Fetches);

        _issuer.IsAway = false;
        _fixture.Time.Advance(IssuerKeys.RetryInterval);
        await VerifierFixture.AcceptAsync(verifier, Sign(_first, "1"));
    }

    [Fact]
    public async Task Issuer_without_keys_counts_as_away()
    {
        _issuer.Keys = _issuer.Keys.Clear();
        await Assert.ThrowsAsync<AccessUnavailableException>(() => VerifierFixture.AcceptAsync(Create(), Sign(_first, "1")));
    }

    [Fact]
    public async Task Issuer_that_is_away_does_not_touch_the_tokens_of_others()
    {
        _issuer.IsAway = true;
        var verifier = _fixture.Create([.. VerifierFixture.Authority(_issuer.Url), .. VerifierFixture.Shared.Select(s => s.Replace("Bearer", "Own", StringComparison.Ordinal))]);
        await VerifierFixture.AcceptAsync(verifier, _fixture.NewToken().Sign(VerifierFixture.Key));
        Assert.Equal("The token has no audience.", await VerifierFixture.RefuseAsync(verifier, _fixture.NewToken().With("aud", null).Sign(VerifierFixture.Key)));
        Assert.Equal(0, _issuer.Fetches);
        await Assert.ThrowsAsync<AccessUnavailableException>(() => VerifierFixture.AcceptAsync(verifier, Sign(_first, "1")));
    }

    [Fact]
    public async Task Issuer_signs_no_token_of_an_issuer_that_has_a_key_of_its_own()
    {
        var verifier = _fixture.Create([$"Bearer:Authority={_issuer.Url}", .. VerifierFixture.Shared]);
        await VerifierFixture.AcceptAsync(verifier, Sign(_first, "1"));
        await VerifierFixture.AcceptAsync(verifier, _fixture.NewToken().Sign(VerifierFixture.Key));
        Assert.Equal(UnknownKey, await VerifierFixture.RefuseAsync(verifier, _fixture.NewToken().WithHeader("kid", "1").Sign(_first)));
        Assert.Equal("The token's algorithm is not allowed.", await VerifierFixture.RefuseAsync(verifier, Token().Sign(VerifierFixture.Key)));
    }

    /// <summary>JwtBearer itself does not check the issuer of a scheme that has an Authority alone.</summary>
    [Fact]
    public async Task Issuer_of_a_token_is_checked_when_the_settings_name_the_address_alone()
    {
        var verifier = Create();
        await VerifierFixture.AcceptAsync(verifier, Sign(_first, "1"));
        Assert.Equal("The token's issuer is not one of this server's.", await VerifierFixture.RefuseAsync(verifier, Token().With("iss", "https://other.example").WithHeader("kid", "1").Sign(_first)));
    }

    [Fact]
    public async Task Issuer_that_goes_by_another_name_than_its_address_is_known_by_what_it_says()
    {
        var verifier = _fixture.Create(VerifierFixture.Authority(_issuer.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal)));
        await VerifierFixture.AcceptAsync(verifier, Sign(_first, "1"));
    }

    private JwtVerifier Create(params string[] more) => _fixture.Create([.. VerifierFixture.Authority(_issuer.Url), .. more]);

    private TestToken Token() => _fixture.NewToken().With("iss", _issuer.Url);

    private string Sign(RSA key, string id) => Token().WithHeader("kid", id).Sign(key);
}
