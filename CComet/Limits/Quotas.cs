using System.Net;
using CComet.Access;

namespace CComet.Limits;

/// <summary>
/// Bounds what one client address and one user take of the server, so that none alone can take all of it. Each quota is met before the
/// bound on the whole, and names its setting.
/// </summary>
/// <remarks>
/// A caller without a user has its address's quotas alone. The server's own code, and a client without an address that has shown no
/// credential, have none. The subscribers of a user are counted where a setting bounds them, so that users who merely follow cost no memory.
/// </remarks>
internal sealed class Quotas
{
    /// <summary>How many shares there are room for beside those of connections and subscribers: of clients that only publish.</summary>
    private const int Spare = 1 << 16;

    private const string Behind = " Behind a proxy that CComet:Proxies does not list, all clients have its address.";

    private readonly LimitMonitor _monitor;
    private readonly bool _countsSubscribersOfUsers;
    private volatile bool _anyOver;

    /// <summary>Makes the quotas that the settings say.</summary>
    public Quotas(HubOptions options, LimitMonitor monitor, TimeProvider time)
    {
        _monitor = monitor;
        var limits = options.Limits;
        var ofAddress = new ShareBounds("address", Behind, monitor, time)
        {
            Subscriptions = HalfOf(limits.Subscribers, limits.SubscribersPerAddress),
            SubscriptionsSetting = nameof(LimitOptions.SubscribersPerAddress),
            OpenChannels = HalfOf(limits.Channels, limits.ChannelsPerAddress),
            MadeChannels = HalfOf(limits.Channels, limits.ChannelsPerAddress),
            ChannelsSetting = nameof(LimitOptions.ChannelsPerAddress),
        };
        BoundMade(ofAddress, options.History);
        BoundPublishes(ofAddress, nameof(LimitOptions.PublishesPerSecondPerAddress), limits.PublishesPerSecondPerAddress);
        BoundBytes(ofAddress, nameof(LimitOptions.PublishBytesPerSecondPerAddress), limits.PublishBytesPerSecondPerAddress);
        BoundTickets(ofAddress, nameof(LimitOptions.TicketsPerMinutePerAddress), limits.TicketsPerMinutePerAddress);

        var ofUser = new ShareBounds("user", "", monitor, time)
        {
            Subscriptions = OrNone(limits.SubscribersPerUser),
            SubscriptionsSetting = nameof(LimitOptions.SubscribersPerUser),
            OpenChannels = OrNone(limits.ChannelsPerUser),
            MadeChannels = HalfOf(limits.Channels, limits.ChannelsPerUser),
            ChannelsSetting = nameof(LimitOptions.ChannelsPerUser),
        };
        BoundMade(ofUser, options.History);
        BoundPublishes(ofUser, nameof(LimitOptions.PublishesPerSecondPerUser), limits.PublishesPerSecondPerUser);
        BoundBytes(ofUser, nameof(LimitOptions.PublishBytesPerSecondPerUser), limits.PublishBytesPerSecondPerUser);
        BoundTickets(ofUser, nameof(LimitOptions.TicketsPerMinutePerUser), limits.TicketsPerMinutePerUser);
        ofUser.Bound(Meter.Ids, nameof(LimitOptions.IdsPerUser), limits.IdsPerUser, TimeSpan.FromMinutes(5), "id", $"has used its {limits.IdsPerUser} ids of five minutes already");
        ofUser.Bound(Meter.HistoryBytes, nameof(LimitOptions.HistoryBytesPerUser), limits.HistoryBytesPerUser, options.History.MaxAge, "msg", $"has published its {limits.HistoryBytesPerUser} bytes of the history already");

        Addresses = new Shares<AddressKey>(ofAddress, Room(limits.Subscribers, limits.Connections), time);
        Users = new Shares<string>(ofUser, Room(limits.Subscribers, 0), time);
        Publishes = PublishQuotas.Create(this, limits, monitor, time);
        _countsSubscribersOfUsers = limits.SubscribersPerUser > 0 || limits.ChannelsPerUser > 0;
    }

    /// <summary>What each address takes.</summary>
    public Shares<AddressKey> Addresses { get; }

    /// <summary>What each user takes.</summary>
    public Shares<string> Users { get; }

    /// <summary>The rates of publishes; null when no setting bounds one, so that a publish asks no further.</summary>
    public PublishQuotas? Publishes { get; }

    /// <summary>Whether an address or a user may make no more channels. Where none is over its share, which is nearly always, a publish asks no further.</summary>
    public bool AnyOver => _anyOver;

    /// <summary>How many are told apart at a time, of what one setting and another let in.</summary>
    public static int Room(int one, int other) => (int)Math.Min(int.MaxValue, (long)one + other + Spare);

    /// <summary>A quota, or half of the whole.</summary>
    public static int HalfOf(int whole, int configured) => configured > 0 ? configured : (int)(((long)whole + 1) / 2);

    /// <summary>Counts a subscriber in.</summary>
    /// <returns>The shares it is counted in, to be given to <see cref="Leave"/>.</returns>
    /// <exception cref="LimitException">The address or the user holds its subscriptions already.</exception>
    public CallerShares Enter(in CallerContext caller, int channels)
    {
        Share? address = null;
        if (AddressKey.Create(caller.Address) is { } key)
            address = Addresses.TryHold(key, Held.Subscriptions, channels, Addresses.Bounds.Subscriptions) ?? throw Addresses.Bounds.RefuseSubscription();
        if (!_countsSubscribersOfUsers || caller.Grant?.User is not { } name) return new CallerShares(address, null);
        if (Users.TryHold(name, Held.Subscriptions, channels, Users.Bounds.Subscriptions) is { } user) return new CallerShares(address, user);
        address?.Release(Held.Subscriptions, channels);
        throw Users.Bounds.RefuseSubscription();
    }

    /// <summary>Counts a subscriber out.</summary>
    public static void Leave(CallerShares shares, int channels) => shares.Release(Held.Subscriptions, channels);

    /// <summary>Returns the refusal of a channel that a subscriber would open; null when it may.</summary>
    public LimitException? FindRefusal(CallerShares shares)
    {
        if (shares.User?.HasRoom(Held.Channels, Users.Bounds.OpenChannels) == false) return Users.Bounds.RefuseOpen();
        return shares.Address?.HasRoom(Held.Channels, Addresses.Bounds.OpenChannels) == false ? Addresses.Bounds.RefuseOpen() : null;
    }

    /// <summary>Charges a subscriber, which is counted in, with a channel that it is the first in.</summary>
    /// <returns>The refusal, or null.</returns>
    public LimitException? Open(CallerShares shares)
    {
        if (shares.User?.TryHold(Held.Channels, 1, Users.Bounds.OpenChannels) == false) return Users.Bounds.RefuseOpen();
        if (shares.Address?.TryHold(Held.Channels, 1, Addresses.Bounds.OpenChannels) != false) return null;
        shares.User?.Release(Held.Channels, 1);
        return Addresses.Bounds.RefuseOpen();
    }

    /// <summary>Ends the charge of a channel whose last subscriber has left.</summary>
    public static void Close(CallerShares shares) => shares.Release(Held.Channels, 1);

    /// <summary>Charges a caller with channels that it has made by publishing.</summary>
    public void Made(in CallerContext caller, int channels)
    {
        if (AddressKey.Create(caller.Address) is { } address && Addresses.Made(address, channels)) _anyOver = true;
        if (caller.Grant?.User is { } user && Users.Made(user, channels)) _anyOver = true;
    }

    /// <summary>Whether a caller has made as many channels as it may.</summary>
    public bool IsOver(in CallerContext caller) => WaitForMade(caller) != default;

    /// <summary>Makes the refusal of another channel to a caller that has made as many as it may.</summary>
    public LimitException RefuseMade(in CallerContext caller)
    {
        var (ofUser, ofAddress) = WaitForMade(caller);
        return ofUser > 0 ? Users.Bounds.Refuse(Meter.Made, ofUser) : Addresses.Bounds.Refuse(Meter.Made, ofAddress);
    }

    /// <summary>Takes a ticket for a caller.</summary>
    /// <exception cref="LimitException">The user or the address has taken its tickets already; nothing was taken.</exception>
    public void TakeTicket(in CallerContext caller)
    {
        var one = default(Metered);
        one[Meter.Tickets] = 1;
        var user = caller.Grant?.User is { } name && Users.Bounds.Has(Meter.Tickets) ? Users.Take(name, one) : null;
        if (AddressKey.Create(caller.Address) is not { } address || !Addresses.Bounds.Has(Meter.Tickets)) return;
        try
        {
            Addresses.Take(address, one);
        }
        catch (LimitException)
        {
            user?.GiveBack(Users.Bounds.Rates, one);
            throw;
        }
    }

    /// <summary>Counts a connection in.</summary>
    /// <param name="client">The address that it comes from.</param>
    /// <param name="most">How many an address may have.</param>
    /// <returns>The share that it is counted in; null, once the refusal is noted, when the address has as many already.</returns>
    public Share? TryConnect(IPAddress client, int most)
    {
        if (Addresses.TryHold(AddressKey.Create(client)!.Value, Held.Connections, 1, most) is { } share) return share;
        _monitor.Closed($"Limits:{nameof(LimitOptions.ConnectionsPerAddress)}");
        return null;
    }

    /// <summary>Forgets the addresses, users and channels that take nothing.</summary>
    public void Sweep()
    {
        var isAnyOver = Addresses.Sweep();
        isAnyOver |= Users.Sweep();
        _anyOver = isAnyOver;
        Publishes?.Sweep();
    }

    /// <summary>A quota; 0 is none.</summary>
    private static int OrNone(int configured) => configured > 0 ? configured : int.MaxValue;

    private static void BoundMade(ShareBounds bounds, HistoryOptions history) =>
        bounds.Bound(Meter.Made, bounds.ChannelsSetting, bounds.MadeChannels, history.MaxAge, "channel", $"has made its {bounds.MadeChannels} channels already");

    private static void BoundPublishes(ShareBounds bounds, string setting, long limit) =>
        bounds.Bound(Meter.Publishes, setting, limit, TimeSpan.FromSeconds(1), "channel", $"has published its {limit} messages of a second already");

    private static void BoundBytes(ShareBounds bounds, string setting, long limit) =>
        bounds.Bound(Meter.PublishedBytes, setting, limit, TimeSpan.FromSeconds(1), "msg", $"has published its {limit} bytes of a second already");

    private static void BoundTickets(ShareBounds bounds, string setting, long limit) =>
        bounds.Bound(Meter.Tickets, setting, limit, TimeSpan.FromMinutes(1), "channels", $"has taken its {limit} tickets of a minute already");

    /// <summary>How long it takes until one more channel may be made, in ticks of the clock: by the user's share, and by the address's.</summary>
    private (long OfUser, long OfAddress) WaitForMade(in CallerContext caller) => (
        caller.Grant?.User is { } user ? Users.WaitForMade(user) : 0,
        AddressKey.Create(caller.Address) is { } address ? Addresses.WaitForMade(address) : 0);
}
