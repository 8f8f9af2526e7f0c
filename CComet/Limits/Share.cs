using System.Runtime.CompilerServices;

namespace CComet.Limits;

/// <summary>What is held until it is given back.</summary>
internal enum Held
{
    /// <summary>Connections that are open.</summary>
    Connections,

    /// <summary>Subscriptions: one for each channel of each subscriber.</summary>
    Subscriptions,

    /// <summary>Channels that are open, by the first subscriber of each.</summary>
    Channels,
}

/// <summary>What is taken for good, and comes back as time passes.</summary>
internal enum Meter
{
    /// <summary>Channels made by publishing or signing in.</summary>
    Made,

    /// <summary>Messages published.</summary>
    Publishes,

    /// <summary>The bytes of their msg.</summary>
    PublishedBytes,

    /// <summary>Tickets.</summary>
    Tickets,

    /// <summary>Idempotency ids.</summary>
    Ids,

    /// <summary>Bytes of stored messages.</summary>
    HistoryBytes,
}

/// <summary>One number for each <see cref="Meter"/>.</summary>
[InlineArray(Count)]
internal struct Metered
{
    /// <summary>How many there are.</summary>
    public const int Count = 6;

    private long _first;

    /// <summary>The number of a meter.</summary>
    public long this[Meter meter]
    {
        readonly get => this[(int)meter];
        set => this[(int)meter] = value;
    }
}

/// <summary>What one client address, one user or one channel takes of the server.</summary>
/// <remarks>
/// 80 bytes; it is its own lock, under which no other is taken. Those who look one up may find it forgotten: then null is returned, and a
/// new one is to be looked up.
/// </remarks>
internal sealed class Share
{
    private int _connections;
    private int _subscriptions;
    private int _channels;
    private Metered _fullAt;
    private bool _forgotten;

    /// <summary>Holds more; false when that would be too much, null when the share has been forgotten.</summary>
    public bool? TryHold(Held what, int amount, int most)
    {
        lock (this)
        {
            if (_forgotten) return null;
            ref var held = ref CountOf(what);
            if (held > most - amount) return false;
            held += amount;
            return true;
        }
    }

    /// <summary>Gives back what was held.</summary>
    public void Release(Held what, int amount)
    {
        lock (this) CountOf(what) -= amount;
    }

    /// <summary>Whether one more may be held.</summary>
    public bool HasRoom(Held what, int most)
    {
        lock (this) return CountOf(what) < most;
    }

    /// <summary>Takes amounts by all rates or by none; false when one of them refuses, null when the share has been forgotten.</summary>
    /// <param name="rates">The rates, by their meters; null for those that are not bounded.</param>
    /// <param name="amounts">What is to be taken of each.</param>
    /// <param name="now">This moment, by the clock's timestamp.</param>
    /// <param name="refusing">The rate that refuses.</param>
    /// <param name="wait">When it would not, in ticks from now on.</param>
    public bool? TryTake(ReadOnlySpan<Rate?> rates, in Metered amounts, long now, out Meter refusing, out long wait)
    {
        (refusing, wait) = (default, 0);
        lock (this)
        {
            if (_forgotten) return null;
            for (var i = 0; i < rates.Length; i++)
            {
                if (rates[i]?.WaitFor(amounts[i], _fullAt[i], now) is not (> 0 and var ticks)) continue;
                (refusing, wait) = ((Meter)i, ticks);
                return false;
            }

            for (var i = 0; i < rates.Length; i++) rates[i]?.Take(ref _fullAt[i], amounts[i], now);
            return true;
        }
    }

    /// <summary>Gives back amounts that were taken.</summary>
    public void GiveBack(ReadOnlySpan<Rate?> rates, in Metered amounts)
    {
        lock (this)
        {
            for (var i = 0; i < rates.Length; i++) rates[i]?.GiveBack(ref _fullAt[i], amounts[i]);
        }
    }

    /// <summary>Takes what cannot be refused any more; false when the share has been forgotten.</summary>
    public bool TryCharge(Rate rate, Meter meter, long amount, long now)
    {
        lock (this)
        {
            if (!_forgotten) rate.Take(ref _fullAt[(int)meter], amount, now);
            return !_forgotten;
        }
    }

    /// <summary>Returns how long it takes until one more may be taken, in ticks of the clock.</summary>
    public long WaitForOne(Rate rate, Meter meter, long now)
    {
        lock (this) return rate.WaitFor(1, _fullAt[meter], now);
    }

    /// <summary>Ends the share when it holds nothing and everything that was taken has come back.</summary>
    public bool TryForget(long now)
    {
        lock (this)
        {
            if (_connections > 0 || _subscriptions > 0 || _channels > 0) return false;
            foreach (var fullAt in _fullAt)
            {
                if (fullAt > now) return false;
            }

            return _forgotten = true;
        }
    }

    private ref int CountOf(Held what)
    {
        if (what == Held.Connections) return ref _connections;
        if (what == Held.Subscriptions) return ref _subscriptions;
        return ref _channels;
    }
}
