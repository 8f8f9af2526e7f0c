using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using CComet.Access;

namespace CComet.Limits;

/// <summary>
/// Holds what each client address takes of the server, so that no address alone can take all of it: one small object for each
/// address that takes something, none for each subscriber. IPv6 is counted by /64, which one client commonly has whole.
/// </summary>
internal sealed class AddressShares(HubOptions options, LimitMonitor monitor, TimeProvider time)
{
    private const string Behind = "Behind a proxy that CComet:Proxies does not list, all clients have its address.";

    private readonly ConcurrentDictionary<Key, AddressShare> _shares = new();
    private volatile bool _anyOver;

    /// <summary>How many subscriptions one address may hold: one for each channel of each subscriber.</summary>
    public int MaxSubscriptions { get; } = HalfOf(options.Limits.Subscribers, options.Limits.SubscribersPerAddress);

    /// <summary>How many channels one address may hold open, and how many it may make.</summary>
    public int MaxChannels { get; } = HalfOf(options.Limits.Channels, options.Limits.ChannelsPerAddress);

    /// <summary>Whether an address may make no more channels. Where none is over its share, which is nearly always, a publish asks no further.</summary>
    public bool AnyOver => _anyOver;

    /// <summary>How many addresses are known.</summary>
    public int Count => _shares.Count;

    /// <summary>Counts a subscriber in.</summary>
    /// <returns>Its address's share, to be left by <see cref="AddressShare.Leave"/>; null where there is no address.</returns>
    /// <exception cref="LimitException">The address holds its subscriptions already.</exception>
    public AddressShare? Enter(CallerContext caller, int channels)
    {
        if (KeyOf(caller.Address) is not { } key) return null;
        while (true)
        {
            var share = _shares.GetOrAdd(key, static _ => new AddressShare());
            if (share.TryEnter(channels, MaxSubscriptions) is not { } entered) Remove(key, share);
            else if (entered) return share;
            else throw monitor.Refuse("Limits:SubscribersPerAddress", isGlobal: false, "channel", $"this address holds its {MaxSubscriptions} subscriptions already (CComet:Limits:SubscribersPerAddress). {Behind}");
        }
    }

    /// <summary>Charges an address with channels that it has made by publishing.</summary>
    public void Made(CallerContext caller, int channels)
    {
        if (KeyOf(caller.Address) is not { } key) return;
        for (AddressShare share; ; Remove(key, share))
        {
            share = _shares.GetOrAdd(key, static _ => new AddressShare());
            if (share.TryMake(channels, Drained(), time) is not { } made) continue;
            if (IsOver(made)) _anyOver = true;
            return;
        }
    }

    /// <summary>Whether an address has made as many channels as it may.</summary>
    public bool IsOver(CallerContext caller) =>
        KeyOf(caller.Address) is { } key && _shares.TryGetValue(key, out var share) && IsOver(share.Made(Drained(), time));

    /// <summary>Makes the refusal of a channel to an address that has its share.</summary>
    public LimitException Refuse(string what)
    {
        var drained = TimeSpan.FromSeconds(1 / Drained());
        return monitor.Refuse("Limits:ChannelsPerAddress", isGlobal: false, "channel", $"this address {what} its {MaxChannels} channels already (CComet:Limits:ChannelsPerAddress). {Behind}", drained > LimitException.DefaultRetry ? drained : LimitException.DefaultRetry);
    }

    /// <summary>Forgets the addresses that take nothing.</summary>
    public void Sweep()
    {
        var over = false;
        foreach (var (key, share) in _shares)
        {
            if (share.TryForget(Drained(), time)) Remove(key, share);
            else over |= IsOver(share.Made(Drained(), time));
        }

        _anyOver = over;
    }

    /// <summary>An address as it is counted: an IPv4 address, written either way, or the first 64 bits of an IPv6 address.</summary>
    internal static (ulong Network, bool IsV6)? CountedAs(IPAddress? address) => KeyOf(address) is { } key ? (key.Network, key.IsV6) : null;

    private static int HalfOf(int whole, int configured) => configured > 0 ? configured : (whole + 1) / 2;

    private static Key? KeyOf(IPAddress? address)
    {
        if (address is null) return null;
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out var length)) return null;
        if (address.AddressFamily == AddressFamily.InterNetwork) return new Key(BinaryPrimitives.ReadUInt32BigEndian(bytes[..length]), false);
        return address.IsIPv4MappedToIPv6
            ? new Key(BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]), false)
            : new Key(BinaryPrimitives.ReadUInt64BigEndian(bytes), true);
    }

    /// <summary>
    /// How many made channels an address gets back in a second. The hub does not hear when a store forgets a channel; so a share
    /// drains evenly over the age at which the channel's messages are gone.
    /// </summary>
    private double Drained() => MaxChannels / options.History.MaxAge.TotalSeconds;

    /// <summary>Whether one more would be too many.</summary>
    private bool IsOver(double made) => made + 1 > MaxChannels;

    private void Remove(Key key, AddressShare share) => _shares.TryRemove(KeyValuePair.Create(key, share));

    private readonly record struct Key(ulong Network, bool IsV6);
}

/// <summary>What one client address takes of the server.</summary>
internal sealed class AddressShare
{
    private readonly Lock _lock = new();
    private int _subscriptions;
    private int _open;
    private double _made;
    private long _madeAt;
    private bool _forgotten;

    /// <summary>Counts subscriptions in; false when that would be too many, null when the share has been forgotten and a new one must be looked up.</summary>
    public bool? TryEnter(int channels, int most)
    {
        lock (_lock)
        {
            if (_forgotten) return null;
            if (_subscriptions + channels > most) return false;
            _subscriptions += channels;
            return true;
        }
    }

    /// <summary>Counts subscriptions out.</summary>
    public void Leave(int channels)
    {
        lock (_lock) _subscriptions -= channels;
    }

    /// <summary>Whether another channel may be opened.</summary>
    public bool MayOpen(int most)
    {
        lock (_lock) return _open < most;
    }

    /// <summary>Counts a channel to which this address is the first to subscribe. The caller holds a subscription.</summary>
    public bool TryOpen(int most)
    {
        lock (_lock)
        {
            if (_open >= most) return false;
            _open++;
            return true;
        }
    }

    /// <summary>Counts out a channel whose last subscriber has left.</summary>
    public void Close()
    {
        lock (_lock) _open--;
    }

    /// <summary>Counts made channels; gives how many there are then, or null when the share has been forgotten.</summary>
    public double? TryMake(int channels, double drained, TimeProvider time)
    {
        lock (_lock)
        {
            if (_forgotten) return null;
            Drain(drained, time);
            return _made += channels;
        }
    }

    /// <summary>How many made channels count at this moment.</summary>
    public double Made(double drained, TimeProvider time)
    {
        lock (_lock)
        {
            Drain(drained, time);
            return _made;
        }
    }

    /// <summary>Ends the share when it holds nothing.</summary>
    public bool TryForget(double drained, TimeProvider time)
    {
        lock (_lock)
        {
            Drain(drained, time);
            return _forgotten = _forgotten || (_subscriptions == 0 && _open == 0 && _made == 0);
        }
    }

    private void Drain(double drained, TimeProvider time)
    {
        if (_made > 0) _made = Math.Max(0, _made - (time.GetElapsedTime(_madeAt).TotalSeconds * drained));
        _madeAt = time.GetTimestamp();
    }
}
