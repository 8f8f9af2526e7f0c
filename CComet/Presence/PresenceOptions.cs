using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using CComet.Access;
using Microsoft.Extensions.Options;

namespace CComet.Presence;

/// <summary>Settings of who is in channels.</summary>
public sealed record PresenceOptions
{
    /// <summary>
    /// The channels of which it is known who is in them: patterns as those of rights, without <c>{sub}</c>; none by default. A channel whose
    /// name is longer than 190 characters has none.
    /// </summary>
    [Description("channels whose users are known to others: names, or prefixes that end in *")]
    public IReadOnlyList<string> Channels { get; set; } = [];

    /// <summary>
    /// How long a user is counted after its last connection has ended: 0.1 s to 10 min. To be longer than a page takes to load again, and
    /// than the hole between two polls.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00", ParseLimitsInInvariantCulture = true)]
    [Description("how long a user is counted after its last connection has ended")]
    public TimeSpan LeaveAfter { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Users in one channel: 1 to 1,000,000. One more may subscribe, but is not counted, nor told to others, until there is room.
    /// </summary>
    [Range(1, 1_000_000)]
    [Description("users counted in one channel; others may subscribe, and are not counted")]
    public int MaxUsers { get; set; } = 10_000;
}

/// <summary>Checks at the start what attributes cannot say of <see cref="PresenceOptions"/>.</summary>
internal sealed class PresenceOptionsValidator : IValidateOptions<HubOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, HubOptions options)
    {
        var failures = new List<string>();
        foreach (var pattern in options.Presence.Channels)
        {
            if (ChannelPatterns.FindProblemWithoutCaller(pattern) is { } problem) failures.Add($"CComet:Presence:Channels: {problem}");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
