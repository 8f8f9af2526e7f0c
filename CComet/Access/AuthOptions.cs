using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace CComet.Access;

/// <summary>Whether a caller needs a right.</summary>
public enum AuthMode
{
    /// <summary>Every caller may publish and subscribe.</summary>
    Open,

    /// <summary>Nothing without a right.</summary>
    Token,
}

/// <summary>Settings of who may do what.</summary>
public sealed record AuthOptions
{
    /// <summary>
    /// Whether a caller needs a right; null counts as <see cref="AuthMode.Open"/>. The server CComet.Web does not start with null outside
    /// Development when it listens on more than loopback.
    /// </summary>
    [EnumDataType(typeof(AuthMode))]
    [Description("whether callers need a right; to be stated when the server listens on more than loopback")]
    public AuthMode? Mode { get; set; }

    /// <summary>Rights that callers have without a token that names them.</summary>
    [Description("rights without a token: who (anonymous, user), verbs, channel patterns")]
    public IReadOnlyList<AuthRule> Rules { get; set; } = [];

    /// <summary>
    /// The longest life that a token may have left, in time: 1 min to 3,650 days. One with more is refused, so that a revocation, which is
    /// kept as long, outlives every token that it is about.
    /// </summary>
    [Range(typeof(TimeSpan), "00:01:00", "3650.00:00:00", ParseLimitsInInvariantCulture = true)]
    [Description("the longest life that a token may have left; revocations are kept as long")]
    public TimeSpan MaxTokenLife { get; set; } = TimeSpan.FromDays(100);

    /// <summary>How long a WebSocket may stay open without a right before its <c>auth</c> frame comes: 1 s to 10 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00", ParseLimitsInInvariantCulture = true)]
    [Description("how long a WebSocket may stay without a right until its auth frame")]
    public TimeSpan Deadline { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The application that is asked about a right which a grant does not have.</summary>
    [ValidateObjectMembers]
    public HookOptions Hook { get; set; } = new();
}

/// <summary>A rule that gives rights.</summary>
public sealed record AuthRule
{
    /// <summary>The <see cref="Who"/> of a rule for every caller.</summary>
    internal const string Anonymous = "anonymous";

    /// <summary>The <see cref="Who"/> of a rule for every caller that has authenticated.</summary>
    internal const string User = "user";

    /// <summary>Whose rights they are: <c>anonymous</c>, every caller; or <c>user</c>, every caller that has authenticated.</summary>
    [Description("anonymous: every caller; user: every caller that has authenticated")]
    public string Who { get; set; } = "";

    /// <summary>The rights: <c>subscribe</c>, <c>publish</c>, <c>presence</c>, <c>admin</c>, <c>sname</c>.</summary>
    [Description("subscribe, publish, presence, admin, sname")]
    public IReadOnlyList<string> Verbs { get; set; } = [];

    /// <summary>The patterns of channels: an exact name, a prefix that ends in <c>*</c>, either with <c>{sub}</c> for the user's own name.</summary>
    [Description("exact names, or prefixes that end in *; {sub} stands for the user's own name")]
    public IReadOnlyList<string> Channels { get; set; } = [];
}
