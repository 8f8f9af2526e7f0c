using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace CComet.Access;

/// <summary>Settings of the application's hook: an address of its own that is asked about a right which a grant does not have.</summary>
public sealed record HookOptions
{
    /// <summary>
    /// The address that is asked by POST: absolute, <c>http</c> or <c>https</c>; empty for none. A user and a password in it are sent as
    /// HTTP Basic. It is never in a line of the log or in an answer.
    /// </summary>
    [Description("the application's address that is asked about a right which a token lacks; empty: none")]
    public string Url { get; set; } = "";

    /// <summary>How long an answer may take, waiting for a free place of <see cref="MaxConcurrent"/> included: 10 ms to 30 s. Then the caller is refused with 503.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:30", ParseLimitsInInvariantCulture = true)]
    [Description("how long the application may take for an answer; then the caller is refused with 503")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Questions under way at a time: 1 to 10,000. More wait.</summary>
    [Range(1, 10_000)]
    [Description("questions to the application under way at a time; more wait")]
    public int MaxConcurrent { get; set; } = 64;

    /// <summary>Questions that wait: 0 to 100,000. One more is refused with 503 at once.</summary>
    [Range(0, 100_000)]
    [Description("questions to the application that wait; one more is refused with 503")]
    public int MaxWaiting { get; set; } = 1_000;

    /// <summary>
    /// How long an answer holds that does not say so by <c>cacheSeconds</c>: 0 to 1 day. To be longer than a poll is held
    /// (<see cref="PollOptions.Timeout"/>), or each poll asks.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00", ParseLimitsInInvariantCulture = true)]
    [Description("how long an answer of the application holds that does not say so")]
    public TimeSpan DefaultCache { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long an answer holds at most, whatever its <c>cacheSeconds</c>: 0 to 1 day.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00", ParseLimitsInInvariantCulture = true)]
    [Description("how long an answer of the application holds at most, whatever it says")]
    public TimeSpan MaxCache { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Answers that are remembered at a time: 1 to 10,000,000. Over it those not used for longest go.</summary>
    [Range(1, 10_000_000)]
    [Description("answers of the application that are remembered")]
    public int CacheEntries { get; set; } = 100_000;
}
