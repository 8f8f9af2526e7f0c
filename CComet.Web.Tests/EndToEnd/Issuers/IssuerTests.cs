using CComet.Access;
using CComet.Web.Hosting.Access;
using CComet.Web.Tests.Access;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.EndToEnd.Issuers;

/// <summary>Tokens of issuers that know nothing of CComet, by nothing but their address and an audience.</summary>
public sealed class IssuerTests
{
    private readonly VerifierFixture _fixture = new();
    private readonly int _port = Ports.Take();

    public IssuerTests() => _fixture.Time.SetUtcNow(DateTimeOffset.UtcNow);

    [Fact]
    public async Task Access_token_of_oidc_provider_gives_its_grant()
    {
        await using var issuer = await RunningIssuer.StartAsync("provider.mjs", _port);
        var grant = await GrantAsync(Create(issuer), await issuer.TokenAsync());
        Assert.Equal("chat", grant.User);
        Assert.True(grant.Allows(ChannelRight.Publish, "news") && !grant.Allows(ChannelRight.Subscribe, "news"));
    }

    [Theory]
    [InlineData("RS256")]
    [InlineData("PS384")]
    [InlineData("ES256")]
    [InlineData("ES512")]
    public async Task Token_of_oauth2_mock_server_gives_its_grant(string algorithm)
    {
        await using var issuer = await StartMockAsync(algorithm);
        var grant = await GrantAsync(Create(issuer), await issuer.TokenAsync());
        Assert.Equal("ann", grant.User);
        Assert.True(grant.Allows(ChannelRight.Subscribe, "room.1"));
    }

    [Fact]
    public async Task Token_of_another_audience_is_refused()
    {
        await using var issuer = await StartMockAsync();
        var verifier = _fixture.Create($"Bearer:Authority={issuer.Url}", "Bearer:ValidAudience=other");
        Assert.Equal("The token's audience is not one of this server's.", await VerifierFixture.RefuseAsync(verifier, await issuer.TokenAsync()));
    }

    [Fact]
    public async Task First_token_of_a_new_key_is_taken_and_those_of_the_old_one_go_on()
    {
        await using var issuer = await StartMockAsync();
        var verifier = Create(issuer);
        var old = await issuer.TokenAsync();
        await GrantAsync(verifier, old);
        await GrantAsync(verifier, await issuer.RotateAsync());
        await GrantAsync(verifier, old);
    }

    [Fact]
    public async Task Known_keys_go_on_while_the_issuer_is_stopped_and_new_ones_count_when_it_is_back()
    {
        var issuer = await StartMockAsync();
        var verifier = Create(issuer);
        var token = await issuer.TokenAsync();
        await GrantAsync(verifier, token);
        await issuer.DisposeAsync();

        // Asked in vain, as every hour.
        _fixture.Time.Advance(IssuerKeys.DefaultRenewal / 2);
        await verifier.RefreshAsync();
        await GrantAsync(verifier, token);

        // It has forgotten its old key.
        await using var back = await StartMockAsync();
        await GrantAsync(verifier, await back.TokenAsync());
        Assert.Equal("The token's signature is not of a known key.", await VerifierFixture.RefuseAsync(verifier, token));
    }

    [Fact]
    public async Task Token_is_undecided_while_the_issuer_was_never_reached()
    {
        var issuer = await StartMockAsync();
        var token = await issuer.TokenAsync();
        var verifier = Create(issuer);
        await issuer.DisposeAsync();
        await Assert.ThrowsAsync<AccessUnavailableException>(() => GrantAsync(verifier, token));
        Assert.Equal(1, _fixture.Log.Count("Cannot read the keys of"));

        await using var back = await StartMockAsync();
        _fixture.Time.Advance(IssuerKeys.RetryInterval);
        await GrantAsync(verifier, await back.TokenAsync());
    }

    [Fact]
    public async Task Tokens_of_two_issuers_are_verified_beside_each_other()
    {
        await using var mock = await StartMockAsync();
        await using var provider = await RunningIssuer.StartAsync("provider.mjs", Ports.Take());
        var verifier = _fixture.Create([.. VerifierFixture.Authority(mock.Url), .. VerifierFixture.Authority(provider.Url, "Partner")]);
        Assert.Equal("chat", (await GrantAsync(verifier, await provider.TokenAsync())).User);
        Assert.Equal("ann", (await GrantAsync(verifier, await mock.TokenAsync())).User);
    }

    private static async Task<Grant> GrantAsync(JwtVerifier verifier, string token) =>
        new GrantFactory(new AuthOptions()).Create(await VerifierFixture.AcceptAsync(verifier, token));

    private JwtVerifier Create(RunningIssuer issuer) => _fixture.Create(VerifierFixture.Authority(issuer.Url));

    private Task<RunningIssuer> StartMockAsync(string algorithm = "RS256") => RunningIssuer.StartAsync("mock.mjs", _port, algorithm);
}
