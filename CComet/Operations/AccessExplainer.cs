using System.Globalization;
using System.Security.Claims;
using CComet.Access;
using Microsoft.Extensions.Options;

namespace CComet.Operations;

/// <summary>What <see cref="AccessExplainer"/> found.</summary>
/// <param name="IsAllowed">Whether the caller may.</param>
/// <param name="By">The rule or the claim that lets it; null when none does.</param>
/// <param name="Reason">A sentence for operators.</param>
internal sealed record AccessExplanation(bool IsAllowed, string? By, string Reason)
{
    /// <summary>What was looked at and does not match; empty where the caller may, or its token does not hold.</summary>
    public IReadOnlyList<string> Considered { get; init; } = [];
}

/// <summary>Says which rule or claim gives a caller a right in the mode <see cref="AuthMode.Token"/>, or what is missing. Revocations are not looked at, and the hook is not asked.</summary>
internal sealed class AccessExplainer(IOptions<HubOptions> hub, GrantFactory grants, ITokenVerifier? verifier = null)
{
    /// <summary>Explains.</summary>
    /// <param name="token">The caller's token; null for a caller without one.</param>
    /// <param name="right">The right.</param>
    /// <param name="channel">The channel; for <see cref="ChannelRight.Sname"/> the sname.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <returns>What was found, and the grant; null where the token does not hold.</returns>
    /// <exception cref="AccessUnavailableException">The keys cannot be reached now.</exception>
    public async ValueTask<(AccessExplanation Explanation, Grant? Grant)> ExplainAsync(string? token, ChannelRight right, string channel, CancellationToken cancellation)
    {
        var (grant, claims) = (grants.Anonymous, (IReadOnlyList<Claim>)[]);
        if (token is not null)
        {
            try
            {
                if (verifier is null) throw new TokenRefusedException("This server takes no tokens.");
                var principal = await verifier.VerifyAsync(token, cancellation);
                (grant, claims) = (grants.Create(principal), [.. principal.Claims]);
            }
            catch (TokenRefusedException e)
            {
                return (new AccessExplanation(false, null, $"the token does not hold: {e.Message}"), null);
            }
        }

        return (Explain(grant, claims, right, channel), grant);
    }

    private AccessExplanation Explain(Grant grant, IReadOnlyList<Claim> claims, ChannelRight right, string channel)
    {
        var who = grant.User is { } user ? $"user '{user}'" : grant.IsAnonymous ? "a caller without a token" : "a token without a user (sub)";
        var (name, what) = (GrantFactory.NameOf(right), $"{PhraseOf(right)} '{channel}'");
        if (grant.FindSource(right, channel) is { } source)
        {
            var until = grant.Expires is { } expires ? $", until {expires.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)}" : "";
            return new AccessExplanation(true, source, $"{who} may {what}, by {source}{until}.");
        }

        var auth = hub.Value.Auth;
        return new AccessExplanation(false, null, $"{who} may not {what}: no claim {GrantFactory.ClaimPrefix}{name} and no rule of CComet:Auth:Rules matches.")
        {
            Considered =
            [
                .. claims.Where(claim => claim.Type.StartsWith(GrantFactory.ClaimPrefix, StringComparison.Ordinal)).Select(claim => $"claim {claim.Type}: {claim.Value}"),
                .. auth.Rules.Select((rule, i) => $"CComet:Auth:Rules:{i}: {rule.Who}: {string.Join(", ", rule.Verbs)}: {string.Join(", ", rule.Channels)}"),
                .. auth.Hook.Url.Length > 0 ? (string[])["The server would ask the application (CComet:Auth:Hook:Url)."] : [],
            ],
        };
    }

    /// <summary>What a right lets do, as the end of "may" before the channel.</summary>
    public static string PhraseOf(ChannelRight right) => right switch
    {
        ChannelRight.Subscribe => "subscribe to",
        ChannelRight.Publish => "publish to",
        ChannelRight.Presence => "see who is in",
        ChannelRight.Admin => "administer",
        _ => "go by the sname",
    };
}
