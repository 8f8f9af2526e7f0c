using CComet.Access;
using CComet.Messages;

namespace CComet.Webhooks;

/// <summary>A log whose messages are events of a channel: the channel's own, that of its presence, or that of its occupancy.</summary>
/// <param name="Name">The log's name.</param>
/// <param name="Channel">The channel's name.</param>
/// <param name="Kind">Which of its logs it is.</param>
internal readonly record struct FollowedLog(string Name, string Channel, FollowedLogKind Kind)
{
    /// <summary>Finds out what a log is; null for one without events.</summary>
    public static FollowedLog? Parse(string name)
    {
        if (!Names.IsOfServer(name)) return new FollowedLog(name, name, FollowedLogKind.Messages);
        if (Names.FindPresenceOf(name) is { } present) return new FollowedLog(name, present, FollowedLogKind.Presence);
        return Names.FindOccupancyOf(name) is { } occupied ? new FollowedLog(name, occupied, FollowedLogKind.Occupancy) : null;
    }

    /// <summary>Returns the event that a message of the log is; null for one that is none.</summary>
    public WebhookEvent? EventOf(Message message) => (Kind, message.Type) switch
    {
        (FollowedLogKind.Messages, MessageType.Msg) => WebhookEvent.Message,
        (FollowedLogKind.Presence, MessageType.Join) => WebhookEvent.Join,
        (FollowedLogKind.Presence, MessageType.Leave) => WebhookEvent.Leave,
        (FollowedLogKind.Occupancy, MessageType.Join) => WebhookEvent.Occupied,
        (FollowedLogKind.Occupancy, MessageType.Leave) => WebhookEvent.Vacated,
        _ => null,
    };

    /// <summary>Returns the kind of log in which an event stands.</summary>
    public static FollowedLogKind KindOf(WebhookEvent wanted) => wanted switch
    {
        WebhookEvent.Message => FollowedLogKind.Messages,
        WebhookEvent.Join or WebhookEvent.Leave => FollowedLogKind.Presence,
        _ => FollowedLogKind.Occupancy,
    };
}

/// <summary>The kinds of logs whose messages are events.</summary>
internal enum FollowedLogKind
{
    /// <summary>What was published to the channel.</summary>
    Messages,

    /// <summary>Who has come and left.</summary>
    Presence,

    /// <summary>Whether there are subscribers.</summary>
    Occupancy,
}

/// <summary>Which logs a webhook follows.</summary>
internal sealed class FollowedLogs(WebhookOptions hook)
{
    private readonly ChannelPatterns _patterns = new(hook.Channels.Select(pattern => (pattern, pattern)));
    private readonly HashSet<FollowedLogKind> _kinds = [.. hook.WantedEvents.Select(FollowedLog.KindOf)];

    /// <summary>What the names of its logs begin with; together they cover all.</summary>
    public IReadOnlyList<string> Prefixes { get; } =
    [
        .. from kind in hook.WantedEvents.Select(FollowedLog.KindOf).Distinct()
           from pattern in hook.Channels
           select PrefixOf(kind) + (pattern.EndsWith('*') ? pattern[..^1] : pattern),
    ];

    /// <summary>Whether it follows a log.</summary>
    public bool Contains(string log) => FollowedLog.Parse(log) is { } followed && _kinds.Contains(followed.Kind) && _patterns.Find(followed.Channel, null) is not null;

    private static string PrefixOf(FollowedLogKind kind) => kind switch
    {
        FollowedLogKind.Messages => "",
        FollowedLogKind.Presence => Names.PresencePrefix,
        _ => Names.OccupancyPrefix,
    };
}
