using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using CComet.Access;
using CComet.Presence;
using CComet.Webhooks;
using Microsoft.Extensions.Options;

namespace CComet;

/// <summary>The settings under <c>CComet</c> that the hub obeys; every bound has its default here and in appsettings.json.</summary>
/// <remarks>They are read once. A value out of its bounds stops the start of the application.</remarks>
[Settings("CComet")]
public sealed record HubOptions
{
    /// <summary>Long polls.</summary>
    [ValidateObjectMembers]
    public PollOptions Poll { get; set; } = new();

    /// <summary>Streams (server-sent events, JSON lines, WebSocket), and the buffers of connections.</summary>
    [ValidateObjectMembers]
    public StreamOptions Stream { get; set; } = new();

    /// <summary>What happens to clients when the application stops.</summary>
    [ValidateObjectMembers]
    public DrainOptions Drain { get; set; } = new();

    /// <summary>How much of each channel is kept.</summary>
    [ValidateObjectMembers]
    public HistoryOptions History { get; set; } = new();

    /// <summary>What clients may make grow, and how far.</summary>
    [ValidateObjectMembers]
    public LimitOptions Limits { get; set; } = new();

    /// <summary>Who may do what.</summary>
    [ValidateObjectMembers]
    public AuthOptions Auth { get; set; } = new();

    /// <summary>Who is in channels.</summary>
    [ValidateObjectMembers]
    public PresenceOptions Presence { get; set; } = new();

    /// <summary>Addresses of the application to which events of channels are posted: at most 100.</summary>
    [Description("webhooks: addresses of the application to which events of channels are posted")]
    public IReadOnlyList<WebhookOptions> Hooks { get; set; } = [];
}

/// <summary>Settings of long polls.</summary>
public sealed record PollOptions
{
    /// <summary>
    /// How long a poll is held when nothing comes: 0.1 s to 10 min. Then it is answered with an empty array. A client may ask for less. To
    /// be below 30 s, or the 2014 client's own timer fires first.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00", ParseLimitsInInvariantCulture = true)]
    [Description("how long a poll is held; stay below 30 s for the client of 2014")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(28);
}

/// <summary>Settings of streams.</summary>
public sealed record StreamOptions
{
    /// <summary>How often a silent stream is told that it lives: 0.1 s to 10 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00", ParseLimitsInInvariantCulture = true)]
    [Description("how often a silent stream is told that it lives")]
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a client may take nothing of what is written to it before it is cut off: 0.1 s to 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00", ParseLimitsInInvariantCulture = true)]
    [Description("how long a client may take nothing before it is cut off")]
    public TimeSpan StallTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// What the kernel may hold of what was written to a connection and not taken by its client, in bytes: 4 KiB to 16 MiB. Linux
    /// counts twice as much, its own overhead included. A client that leaves it full for <see cref="StallTimeout"/> is cut off. It holds
    /// where <c>UseCCometKestrel()</c> was called.
    /// </summary>
    [Range(4 << 10, 16 << 20)]
    [Description("what the kernel holds of what a client does not take, for each connection")]
    public int SendBufferBytes { get; set; } = 64 << 10;

    /// <summary>
    /// What the kernel may hold of what a client sent and the server has not read, in bytes: 4 KiB to 16 MiB. Linux counts twice as
    /// much, its own overhead included. A client far away sends at most this much in the time of its round trip. It holds where
    /// <c>UseCCometKestrel()</c> was called.
    /// </summary>
    [Range(4 << 10, 16 << 20)]
    [Description("what the kernel holds of what the server has not read, for each connection")]
    public int ReceiveBufferBytes { get; set; } = 64 << 10;
}

/// <summary>Settings of a planned stop.</summary>
public sealed record DrainOptions
{
    /// <summary>
    /// How long readiness and new subscribers are refused before anything else happens, for balancers to notice: 0 to 10 min. Then every
    /// subscriber is sent away. <c>AddCComet()</c> makes it 0 unless it is set.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00", ParseLimitsInInvariantCulture = true)]
    [Description("on a stop: how long only readiness is refused")]
    public TimeSpan Grace { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How many of the clients sent away may come back in one second, on this server's behalf elsewhere: 1 to 1,000,000. Each is told a
    /// moment of its own, from 1 s on, within subscribers ÷ this seconds (at least 1 s).
    /// </summary>
    [Range(1, 1_000_000)]
    [Description("on a stop: over how long the clients' return is spread")]
    public int ReconnectsPerSecond { get; set; } = 1_000;
}

/// <summary>
/// How much of each channel is kept; whichever bound is met first drops the oldest messages. A subscriber that had not read them is told
/// of the gap.
/// </summary>
public sealed record HistoryOptions
{
    /// <summary>Messages: 1 to 10,000,000.</summary>
    [Range(1, 10_000_000)]
    [Description("messages kept of each channel")]
    public int MaxMessages { get; set; } = 1_000;

    /// <summary>Bytes of the messages as JSON: 1 to 1 TiB. The newest message is kept even when it alone is larger.</summary>
    [Range(1L, 1L << 40)]
    [Description("bytes kept of each channel")]
    public long MaxBytes { get; set; } = 1 << 20;

    /// <summary>Age: 1 ms to 3,650 days.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "3650.00:00:00", ParseLimitsInInvariantCulture = true)]
    [Description("how long a message is kept")]
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromHours(24);

    /// <summary>
    /// Bytes that the histories of all channels may take together: 0 to 256 TiB. Over it the channels that hold most lose
    /// their oldest messages first; a publish for which nothing larger than itself can go is refused with 429. 0 takes the bound
    /// from the machine: a quarter of the memory that the process may use (Memory), or what the file has and half of the
    /// disk's free space (Sqlite). Redis has a bound of its own, <c>maxmemory</c>.
    /// </summary>
    [Range(0L, 1L << 48)]
    [Description("bytes kept of all channels together; 0: by the memory or the disk there is")]
    public long TotalBytes { get; set; }
}

/// <summary>Bounds of what clients can make grow.</summary>
public sealed partial record LimitOptions
{
    /// <summary>A message's msg, in bytes of UTF-8: 1 to 16 MiB. A longer one is a 413.</summary>
    [Range(1, 16 << 20)]
    [Description("a message, in bytes of UTF-8")]
    public int MessageBytes { get; set; } = 64 << 10;

    /// <summary>Messages in one published array: 1 to 100,000. A longer one is a 413, and nothing of it is stored.</summary>
    [Range(1, 100_000)]
    [Description("messages in one published array")]
    public int BatchMessages { get; set; } = 1_000;

    /// <summary>
    /// A request's body, in bytes, as it is sent and as it decodes to: 1 to 256 MiB. A longer one is a 413. A body that may hold one message
    /// at its limit is always taken.
    /// </summary>
    [Range(1, 256 << 20)]
    [Description("a request's body; one message at its limit always fits")]
    public int BodyBytes { get; set; } = 1 << 20;

    /// <summary>Parameters of one request, known or not, in its query and its body together; members of a JSON object: 256 to 100,000. More are a 400.</summary>
    [Range(256, 100_000)]
    [Description("parameters of a request, or members of a JSON object")]
    public int Parameters { get; set; } = 1_024;

    /// <summary>
    /// How long a request's body, or a message or frame on a WebSocket, may take from its beginning until it is whole: 0.1 s to 1 h.
    /// A body over it is answered 408, a WebSocket closed with 1008.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00", ParseLimitsInInvariantCulture = true)]
    [Description("how long a request's body, or a message on a WebSocket, may take to come whole")]
    public TimeSpan BodyTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Channels that are open on this node at a time, and, except with Redis, channels that the store keeps: 1 to 100,000,000. Over it
    /// channels without subscribers, or without messages, are closed; one more is a 429 when there is none of these.
    /// </summary>
    [Range(1, 100_000_000)]
    [Description("channels at a time")]
    public int Channels { get; set; } = 100_000;

    /// <summary>
    /// How long a channel without subscribers stays open, and how long a store holds one in memory that is empty and unused: 1 s to
    /// 365 days. It goes earlier when a bound needs its place.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00", ParseLimitsInInvariantCulture = true)]
    [Description("how long an empty, unused channel is remembered")]
    public TimeSpan IdleChannel { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Idempotency ids remembered for each channel, each for five minutes: 1 to 100,000,000. A publish with one more is a 429, until the
    /// oldest is forgotten.
    /// </summary>
    [Range(1, 100_000_000)]
    [Description("ids remembered of each channel")]
    public int IdsPerChannel { get; set; } = 250_000;

    /// <summary>
    /// Idempotency ids remembered in all: 1 to 100,000,000. A channel may remember as many as are free, so one alone can take half
    /// of them and the next ones always find some; a publish with one more is a 429. The memory store takes about 100 bytes for each, and
    /// for all of them a sixteenth of the memory that the process may use at most. Redis has a bound of its own, <c>maxmemory</c>.
    /// </summary>
    [Range(1, 100_000_000)]
    [Description("ids remembered in all")]
    public int Ids { get; set; } = 1_000_000;

    /// <summary>Publishes that wait for the store at a time: 1 to 1,000,000. One more is a 503. The memory store has none that wait.</summary>
    [Range(1, 1_000_000)]
    [Description("publishes that wait for the store")]
    public int WaitingWrites { get; set; } = 10_000;

    /// <summary>
    /// How much of a channel's newest messages is held in memory while it has subscribers, in bytes: 4 KiB to 1 GiB. Older
    /// ones that are kept are read from the store.
    /// </summary>
    [Range(4 << 10, 1 << 30)]
    [Description("newest messages of a channel held in memory while it has subscribers")]
    public int ChannelMemoryBytes { get; set; } = 1 << 20;

    /// <summary>Subscribers of one channel on this node at a time: 1 to 10,000,000. One more is a 429.</summary>
    [Range(1, 10_000_000)]
    [Description("subscribers of one channel")]
    public int SubscribersPerChannel { get; set; } = 100_000;

    /// <summary>Subscribers of this node at a time: 1 to 10,000,000. One more is a 429.</summary>
    [Range(1, 10_000_000)]
    [Description("subscribers in all")]
    public int Subscribers { get; set; } = 200_000;

    /// <summary>
    /// Connections of the whole server at a time: 1 to 10,000,000. More wait to be accepted. The limit of open files may allow fewer,
    /// which is told at the start. It holds where <c>UseCCometKestrel()</c> was called.
    /// </summary>
    [Range(1, 10_000_000)]
    [Description("connections at a time; more wait until one is closed")]
    public int Connections { get; set; } = 250_000;

    /// <summary>
    /// How long a connection may stay open without a request, before its first one and between two: 1 s to 1 day. To be longer than a
    /// proxy in front keeps its idle connections, or it sends requests into connections that are being closed. It holds where
    /// <c>UseCCometKestrel()</c> was called.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00", ParseLimitsInInvariantCulture = true)]
    [Description("how long a connection may stay open without a request; longer than a proxy keeps its idle ones")]
    public TimeSpan IdleConnection { get; set; } = TimeSpan.FromSeconds(130);

    /// <summary>
    /// Warnings, errors and lines of failed requests that are logged of each kind in one second: 1 to 1,000,000. The others are
    /// counted, and the log has their number. It holds for the log of the server CComet.Web, not for that of another application.
    /// </summary>
    [Range(1, 1_000_000)]
    [Description("lines logged of one kind of failure in a second; the others are counted")]
    public int LogLinesPerSecond { get; set; } = 20;

    /// <summary>
    /// Subscriptions of one client address at a time, one for each channel of each subscriber: 1 to 10,000,000, or 0 for half of
    /// <see cref="Subscribers"/>. IPv6 is counted by /64. A client too many gets a 429.
    /// </summary>
    [Range(0, 10_000_000)]
    [Description("subscriptions of one client address; 0: half of Subscribers")]
    public int SubscribersPerAddress { get; set; }

    /// <summary>
    /// Channels that one client address holds open as their first subscriber, and channels that it makes by publishing or signing
    /// in within <see cref="HistoryOptions.MaxAge"/>: 1 to 100,000,000, or 0 for half of <see cref="Channels"/>. Over it a channel
    /// too many is a 429; publishes to channels that exist go on.
    /// </summary>
    [Range(0, 100_000_000)]
    [Description("channels that one client address opens or makes; 0: half of Channels")]
    public int ChannelsPerAddress { get; set; }

    /// <summary>
    /// Messages that the hub holds in memory beside the store, for all channels and answers, in bytes: 1 to 1 TiB, or 0 for an
    /// eighth of the memory that the process may use (in a container, three quarters of its limit). Over it idle channels leave
    /// memory first, then the oldest messages of the others, which are read from the store; only a sign-in with a long history may
    /// get a 429.
    /// </summary>
    [Range(0L, 1L << 40)]
    [Description("messages held in memory beside the store, in bytes; 0: an eighth of the memory there is")]
    public long MemoryBytes { get; set; }

    /// <summary>
    /// Request bodies and WebSocket messages in memory at a time, until they are stored, in bytes: 1 to 1 TiB, or 0 for a
    /// sixteenth of the memory that the process may use. The first 16 KiB of each are not counted. Over it a larger one is a 429.
    /// </summary>
    [Range(0L, 1L << 40)]
    [Description("request bodies in memory at a time, in bytes; 0: a sixteenth of the memory there is")]
    public long BodiesInFlightBytes { get; set; }
}

/// <summary>Checks the hub's settings at the start; generated, so that it costs no reflection.</summary>
[OptionsValidator]
internal sealed partial class HubOptionsValidator : IValidateOptions<HubOptions>;
