using CComet.Access;
using CComet.Channels;
using CComet.Messages;
using CComet.Presence;

namespace CComet.Webhooks;

/// <summary>Has the store keep which channels have subscribers, in a log for each: the same step as that of users in channels, with the channel as its one member.</summary>
/// <remarks>So a channel is occupied once, however many nodes have subscribers of it, and vacated by others when its node is gone.</remarks>
/// <param name="tracker">Keeps the members.</param>
/// <param name="hooks">The webhooks that are told of it.</param>
internal sealed class ChannelVisits(PresenceTracker tracker, IEnumerable<WebhookOptions> hooks) : IOccupancyListener
{
    private readonly ChannelPatterns _patterns = new(hooks.SelectMany(hook => hook.Channels).Select(pattern => (pattern, pattern)));

    /// <inheritdoc/>
    public void Occupied(string channel)
    {
        if (LogOf(channel) is { } log) tracker.Enter(log, channel);
    }

    /// <inheritdoc/>
    public void Vacated(string channel)
    {
        if (LogOf(channel) is { } log) tracker.Leave(log, channel);
    }

    private string? LogOf(string channel)
    {
        if (Names.IsOfServer(channel) || _patterns.Find(channel, null) is null) return null;
        var log = Names.OccupancyPrefix + channel;
        return Names.FindProblem(log) is null ? log : null;
    }
}
