using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace CComet;

/// <content>
/// Quotas of one client address (IPv6 is counted by /64), one user (as the caller's grant names it) or one channel, on this node. Each is
/// met before the bound on the whole. A rate may be used up at once and comes back evenly; a batch that is larger is taken when nothing of the
/// rate is in use, and what follows waits until all of it has come back.
/// </content>
public sealed partial record LimitOptions
{
    /// <summary>
    /// Connections of one client address at a time: 1 to 10,000,000, or 0 for half of <see cref="Connections"/>, and no more than seven
    /// eighths of those that the limit of open files allows. A connection too many is closed at once. The proxies that the server lists
    /// (<c>CComet:Proxies</c>) are not counted. It holds where <c>UseCCometKestrel()</c> was called.
    /// </summary>
    [Range(0, 10_000_000)]
    [Description("connections of one client address, one too many is closed; 0: half of Connections")]
    public int ConnectionsPerAddress { get; set; }

    /// <summary>
    /// Subscriptions of one user at a time, one for each channel of each subscriber: 1 to 10,000,000, or 0 for no bound but that of each
    /// address. One more is a 429. A bound costs some 150 bytes for each user that follows.
    /// </summary>
    [Range(0, 10_000_000)]
    [Description("subscriptions of one user; 0: no bound")]
    public int SubscribersPerUser { get; set; }

    /// <summary>
    /// Channels that one user holds open as their first subscriber, and channels that it makes by publishing or signing in within
    /// <see cref="HistoryOptions.MaxAge"/>: 1 to 100,000,000, or 0 for half of <see cref="Channels"/> of those it makes, and no bound on
    /// those it holds open but that of each address. Over it a channel too many is a 429; publishes to channels that exist go on.
    /// </summary>
    [Range(0, 100_000_000)]
    [Description("channels that one user opens or makes; 0: half of Channels, those made alone")]
    public int ChannelsPerUser { get; set; }

    /// <summary>Messages that one client address publishes in a second, each of a batch and each sign-in counted: 1 to 10,000,000, or 0 for no bound. More are a 429, and nothing of them is stored.</summary>
    [Range(0, 10_000_000)]
    [Description("messages that one client address publishes in a second; 0: no bound")]
    public int PublishesPerSecondPerAddress { get; set; }

    /// <summary>The same of one user: 1 to 10,000,000, or 0 for no bound.</summary>
    [Range(0, 10_000_000)]
    [Description("messages that one user publishes in a second; 0: no bound")]
    public int PublishesPerSecondPerUser { get; set; }

    /// <summary>The same to one channel, by all clients of this node together: 1 to 10,000,000, or 0 for no bound. What the application itself publishes does not count.</summary>
    [Range(0, 10_000_000)]
    [Description("messages that clients publish to one channel in a second; 0: no bound")]
    public int PublishesPerSecondPerChannel { get; set; }

    /// <summary>Bytes of UTF-8 of the msg of what one client address publishes in a second: 1 to 10 GB, or 0 for no bound. More are a 429, and nothing of them is stored.</summary>
    [Range(0L, 10_000_000_000L)]
    [Description("bytes that one client address publishes in a second; 0: no bound")]
    public long PublishBytesPerSecondPerAddress { get; set; }

    /// <summary>The same of one user: 1 to 10 GB, or 0 for no bound.</summary>
    [Range(0L, 10_000_000_000L)]
    [Description("bytes that one user publishes in a second; 0: no bound")]
    public long PublishBytesPerSecondPerUser { get; set; }

    /// <summary>Tickets that one client address takes in a minute: 1 to 10,000,000, or 0 for no bound. One more is a 429.</summary>
    [Range(0, 10_000_000)]
    [Description("tickets that one client address takes in a minute; 0: no bound")]
    public int TicketsPerMinutePerAddress { get; set; }

    /// <summary>The same of one user: 1 to 10,000,000, or 0 for no bound.</summary>
    [Range(0, 10_000_000)]
    [Description("tickets that one user takes in a minute; 0: no bound")]
    public int TicketsPerMinutePerUser { get; set; }

    /// <summary>
    /// Idempotency ids that one user publishes with in five minutes, repeated ones counted once: 1 to 100,000,000, or 0 for no bound. A
    /// publish with one more is a 429. As ids come back evenly, up to twice as many are remembered.
    /// </summary>
    [Range(0, 100_000_000)]
    [Description("ids that one user publishes with in five minutes; 0: no bound")]
    public int IdsPerUser { get; set; }

    /// <summary>
    /// Bytes of messages as JSON that one user has stored within <see cref="HistoryOptions.MaxAge"/>, whatever is still kept of them: 1 to
    /// 256 TiB, or 0 for no bound. More are a 429, and nothing of them is stored. As bytes come back evenly, up to twice as many are kept.
    /// </summary>
    [Range(0L, 1L << 48)]
    [Description("bytes that one user has stored within History:MaxAge; 0: no bound")]
    public long HistoryBytesPerUser { get; set; }
}
