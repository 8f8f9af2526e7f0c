using CComet.Access;
using CComet.Channels;
using CComet.Subscriptions;
using Microsoft.Extensions.Logging;

namespace CComet.Operations;

/// <summary>Verifies what callers show (tokens, tickets), gives out tickets, and revokes: the one way from every door to their grants.</summary>
internal sealed partial class AccessOperations
{
    /// <summary>The longest token that is looked at, in characters.</summary>
    public const int MaxTokenLength = 16 << 10;

    /// <summary>How many tickets a request may show.</summary>
    public const int MaxTickets = 4;

    /// <summary>The pattern that a right to revoke users and tokens must match.</summary>
    private const string Everything = "*";

    private readonly ChannelOperations _channels;
    private readonly ITokenVerifier? _verifier;
    private readonly ITicketSealer _sealer;
    private readonly Revocations _revocations;
    private readonly AccessAudit _audit;
    private readonly ILogger<AccessOperations> _logger;

    public AccessOperations(ChannelOperations channels, GrantFactory grants, ITicketSealer sealer, Revocations revocations, AccessAudit audit, ILogger<AccessOperations> logger, ITokenVerifier? verifier = null)
    {
        (_channels, Grants, _sealer, _revocations, _audit, _logger, _verifier) = (channels, grants, sealer, revocations, audit, logger, verifier);
        if (verifier is not null) verifier.Changed += Context.Grants.Clear;
    }

    /// <summary>Whether callers need a right.</summary>
    public bool IsOn => _channels.Context.Options.Auth.Mode == AuthMode.Token;

    /// <summary>What makes grants.</summary>
    public GrantFactory Grants { get; }

    private HubContext Context => _channels.Context;

    /// <summary>The time by the hub's clock.</summary>
    public DateTimeOffset Now => Context.Time.GetUtcNow();

    private long NowMilliseconds => Now.ToUnixTimeMilliseconds();

    /// <summary>Returns the grant of a bearer token. One that was shown before costs a hash and a look-up.</summary>
    /// <exception cref="TokenRefusedException">It does not hold, or was revoked.</exception>
    /// <exception cref="AccessUnavailableException">The keys, or what was revoked, cannot be reached now.</exception>
    public ValueTask<Grant> VerifyAsync(ReadOnlySpan<char> token, CancellationToken cancellation)
    {
        if (token.Length > MaxTokenLength) throw new TokenRefusedException($"The token is longer than {MaxTokenLength} characters.");
        var key = GrantCache.KeyOf(token);
        return Context.Grants.Find(key) is { } known && _revocations.AreKnown ? ValueTask.FromResult(CheckRevoked(known)) : VerifyAsync(token.ToString(), key, cancellation);
    }

    /// <summary>Returns the grant of a bearer token that was shown before; null where it has to be verified.</summary>
    /// <exception cref="TokenRefusedException">It was revoked.</exception>
    public Grant? Find(ReadOnlySpan<char> token) =>
        token.Length <= MaxTokenLength && Context.Grants.Find(GrantCache.KeyOf(token)) is { } known && _revocations.AreKnown ? CheckRevoked(known) : null;

    /// <summary>Returns the grant of tickets: what they say together.</summary>
    /// <exception cref="TokenRefusedException">One does not open.</exception>
    /// <exception cref="AccessUnavailableException">The keys, or what was revoked, cannot be reached now.</exception>
    public async ValueTask<Grant> OpenAsync(IReadOnlyList<string> texts, CancellationToken cancellation)
    {
        if (texts.Count > MaxTickets) throw new TokenRefusedException($"ticket: is given {texts.Count} times; the limit is {MaxTickets}.");
        await _revocations.KnowAsync(cancellation);
        var tickets = new Ticket[texts.Count];
        for (var i = 0; i < tickets.Length; i++) tickets[i] = Open(texts[i]);
        if (tickets.Any(ticket => ticket.Grant.User != tickets[0].Grant.User)) throw new TokenRefusedException("ticket: the tickets are of different users.");
        return CheckRevoked(Grants.Create(tickets));
    }

    /// <summary>Gives a ticket for one right on some channels, if the caller has that right on all of them.</summary>
    /// <exception cref="AccessDeniedException">It has not.</exception>
    /// <exception cref="LimitException">Its user or its address has taken its tickets already.</exception>
    public async ValueTask<(string Text, long Expires)> IssueAsync(CallerContext caller, ChannelRight right, IReadOnlyList<string> channels, int seconds, CancellationToken cancellation)
    {
        foreach (var channel in channels) await _channels.AuthorizeAsync(caller, right, channel, cancellation);
        Context.Quotas.TakeTicket(caller);
        var grant = caller.Grant ?? Grants.Anonymous;
        return Seal(grant, right, channels, (byte)seconds);
    }

    /// <summary>Gives the ticket that follows the one by which a subscriber came; null when there is none to give.</summary>
    public (string Text, long Expires)? IssueNext(Subscriber subscriber) =>
        subscriber.Grant is { IsNarrow: true } grant ? IssueNext(grant, [.. subscriber.Cursors.Select(c => c.Channel)]) : null;

    /// <summary>Gives the ticket that follows one for some channels; null when there is none to give.</summary>
    public (string Text, long Expires)? IssueNext(Grant? grant, IReadOnlyList<string> channels)
    {
        if (grant is not { IsNarrow: true } || NowMilliseconds >= grant.ExpiresAt || Context.Revocations.Covers(grant)) return null;
        try
        {
            return Seal(grant, ChannelRight.Subscribe, channels, grant.TicketSeconds);
        }
        catch (AccessUnavailableException e)
        {
            // The stream goes on; its client asks for a ticket itself.
            LogNoTicket(_logger, e.Message);
            return null;
        }
    }

    /// <summary>Revokes on every node what tokens give, and ends what is open by them.</summary>
    /// <exception cref="AccessDeniedException">The caller is no administrator of that.</exception>
    /// <exception cref="StoreUnavailableException">It cannot be kept now.</exception>
    public async ValueTask RevokeAsync(CallerContext caller, RevocationSubject subject, string value, CancellationToken cancellation)
    {
        if (!IsOn) throw new AccessDeniedException($"{GrantFactory.NameOf(subject)}: there is nothing to revoke in the mode Open, which takes no tokens.");
        await _channels.AuthorizeAsync(caller, ChannelRight.Admin, subject == RevocationSubject.Channel ? value : Everything, cancellation);
        await _revocations.AddAsync(new Revocation(subject, value, Now.ToUnixTimeSeconds()), cancellation);
        _audit.Done(caller.Grant?.User, caller.Address, $"revoke {GrantFactory.NameOf(subject)}", value);
    }

    private async ValueTask<Grant> VerifyAsync(string token, UInt128 key, CancellationToken cancellation)
    {
        if (_verifier is null) throw new TokenRefusedException("This server takes no tokens.");
        await _revocations.KnowAsync(cancellation);
        var grant = Grants.Create(await _verifier.VerifyAsync(token, cancellation));
        Context.Grants.Add(key, grant);
        return CheckRevoked(grant);
    }

    private Ticket Open(string text)
    {
        var ticket = _sealer.Open(text) ?? throw new TokenRefusedException("ticket: is none that this server has given.");
        if (NowMilliseconds >= ticket.OpensUntil) throw new TokenRefusedException("ticket: has expired; a ticket opens for a minute at most.");
        return ticket;
    }

    private (string Text, long Expires) Seal(Grant grant, ChannelRight right, IReadOnlyList<string> channels, byte seconds)
    {
        var opensUntil = Math.Min(NowMilliseconds + (seconds * 1000L), grant.ExpiresAt);
        return (_sealer.Seal(new Ticket(new TicketGrant(grant.User, grant.ExpiresAt, grant.IssuedAt, grant.Id), right, channels, opensUntil, seconds)), opensUntil);
    }

    private Grant CheckRevoked(Grant grant) => Context.Revocations.Covers(grant) ? throw new TokenRefusedException("The token was revoked.") : grant;

    [LoggerMessage(Level = LogLevel.Warning, Message = "No further ticket could be given: {Reason}")]
    private static partial void LogNoTicket(ILogger logger, string reason);
}
