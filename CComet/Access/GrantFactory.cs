using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Claims;
using System.Text.Json;

namespace CComet.Access;

/// <summary>Makes grants of rules, claims and tickets. Grants with the same rights share them.</summary>
internal sealed class GrantFactory
{
    /// <summary>What the claims of a right begin with.</summary>
    public const string ClaimPrefix = "ccomet:";

    /// <summary>The claim of what presence tells of a user.</summary>
    private const string InfoClaim = ClaimPrefix + "info";

    /// <summary>The longest of these, as JSON in UTF-8.</summary>
    private const int MaxInfoBytes = 1_024;

    /// <summary>How many different sets of rights are shared; when there are more, all are forgotten once, and those in use live on.</summary>
    private const int MaxShared = 10_000;

    private static readonly ChannelRight[] All = Enum.GetValues<ChannelRight>();

    private readonly ConcurrentDictionary<string, GrantRights> _shared = new(StringComparer.Ordinal);
    private readonly (ChannelRight, string, string)[] _ofUsers;

    /// <summary>Reads the rules.</summary>
    public GrantFactory(AuthOptions options)
    {
        var rules = options.Rules.SelectMany((rule, i) => ReadRule(rule, $"CComet:Auth:Rules:{i}")).ToList();
        _ofUsers = [.. rules.Select(r => (r.Right, r.Pattern, r.Source))];
        Anonymous = new Grant(new GrantRights(rules.Where(r => !r.NeedsUser).Select(r => (r.Right, r.Pattern, r.Source))));
    }

    /// <summary>The grant of a caller that has not authenticated: what the rules give everyone.</summary>
    public Grant Anonymous { get; }

    /// <summary>The name of a right as claims, rules and tickets write it, or of the subject of a revocation.</summary>
    public static string NameOf<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    /// <summary>Returns the right that a name stands for, or null.</summary>
    public static ChannelRight? ParseRight(string name)
    {
        foreach (var right in All)
        {
            if (NameOf(right) == name) return right;
        }

        return null;
    }

    /// <summary>Makes the grant of a user that a token, or the host, has authenticated.</summary>
    /// <exception cref="TokenRefusedException">A claim is not of its form.</exception>
    public Grant Create(ClaimsPrincipal principal)
    {
        var user = (principal.FindFirst("sub") ?? principal.FindFirst(ClaimTypes.NameIdentifier))?.Value;
        if (user is not null && Messages.Names.FindProblem(user) is { } problem) throw new TokenRefusedException($"sub: {problem}");
        var rights = new List<(ChannelRight Right, string Pattern, string Source)>();
        foreach (var claim in principal.Claims)
        {
            if (!claim.Type.StartsWith(ClaimPrefix, StringComparison.Ordinal) || ParseRight(claim.Type[ClaimPrefix.Length..]) is not { } right) continue;
            if (ChannelPatterns.FindProblem(claim.Value) is { } wrong) throw new TokenRefusedException($"{claim.Type}: {wrong}.");
            rights.Add((right, claim.Value, $"claim {claim.Type}"));
        }

        return new Grant(
            ShareOf(rights),
            user,
            ReadTime(principal, "exp") is { } expires ? checked(expires * 1000) : Grant.Never,
            (uint)Math.Clamp(ReadTime(principal, "iat") ?? 0, 0, uint.MaxValue),
            Grant.HashId(principal.FindFirst("jti")?.Value),
            info: ReadInfo(principal));
    }

    /// <summary>Makes the grant of tickets of one user: the right of each on its channels, and nothing else.</summary>
    public Grant Create(IReadOnlyList<Ticket> tickets)
    {
        var first = tickets[0];
        var key = string.Join('\r', tickets.Select(ticket => $"{NameOf(ticket.Right)}\n{string.Join('\n', ticket.Channels)}"));
        var rights = Share(key, () => new GrantRights(tickets.SelectMany(ticket => ticket.Channels.Select(channel => (ticket.Right, channel))), "ticket"));
        return new Grant(rights, first.Grant.User, tickets.Min(t => t.Grant.ExpiresAt), tickets.Min(t => t.Grant.IssuedAt), first.Grant.Id, first.Seconds);
    }

    /// <summary>Makes a grant of one right on one channel by its exact name, for a caller that another dialect has let in.</summary>
    public Grant Create(ChannelRight right, string channel, string source) => new(Share($"{NameOf(right)}\n{channel}", () => new GrantRights([(right, channel)], source)));

    /// <summary>The rights of a user: those of the claims, and those that the rules give every user.</summary>
    private GrantRights ShareOf(List<(ChannelRight Right, string Pattern, string Source)> rights) => Share(
        string.Join('\n', rights.Select(r => $"{NameOf(r.Right)}={r.Pattern}")),
        () => new GrantRights([.. rights, .. _ofUsers]));

    private GrantRights Share(string key, Func<GrantRights> create)
    {
        if (_shared.TryGetValue(key, out var found)) return found;
        if (_shared.Count >= MaxShared) _shared.Clear();
        return _shared.GetOrAdd(key, _ => create());
    }

    /// <summary>Reads what presence tells of a user: an object or another JSON value as it is, a text as a JSON string.</summary>
    private static byte[]? ReadInfo(ClaimsPrincipal principal)
    {
        if (principal.FindFirst(InfoClaim) is not { } claim) return null;
        byte[] info;
        try
        {
            info = claim.ValueType is ClaimValueTypes.String ? JsonSerializer.SerializeToUtf8Bytes(claim.Value) : JsonSerializer.SerializeToUtf8Bytes(JsonSerializer.Deserialize<JsonElement>(claim.Value));
        }
        catch (JsonException)
        {
            throw new TokenRefusedException($"{InfoClaim}: is no JSON value.");
        }

        return info.Length <= MaxInfoBytes ? info : throw new TokenRefusedException($"{InfoClaim}: is longer than {MaxInfoBytes} bytes.");
    }

    private static long? ReadTime(ClaimsPrincipal principal, string claim)
    {
        const long MaxSeconds = 253_402_300_799;
        if (principal.FindFirst(claim)?.Value is not { } text) return null;
        if (!double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) || !(seconds <= MaxSeconds)) throw new TokenRefusedException($"{claim}: is no time in Unix seconds.");
        return (long)seconds;
    }

    private static IEnumerable<(ChannelRight Right, string Pattern, string Source, bool NeedsUser)> ReadRule(AuthRule rule, string source) =>
        from verb in rule.Verbs
        from pattern in rule.Channels
        select (ParseRight(verb) ?? throw new ArgumentException($"{source}: '{verb}' is no verb."), pattern, source, rule.Who == AuthRule.User);
}
