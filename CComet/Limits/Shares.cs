using System.Collections.Concurrent;

namespace CComet.Limits;

/// <summary>Holds what each client address, each user or each channel takes: one small object for each that takes something, none for each subscriber.</summary>
/// <remarks>
/// Those that take nothing are forgotten by <see cref="Sweep"/>, and at the latest when there are <paramref name="max"/>. When all of so many
/// take something, those that come have one share in common: the quotas hold for them together, and memory stays bounded.
/// </remarks>
/// <param name="bounds">What each may take.</param>
/// <param name="max">How many are told apart at a time.</param>
/// <param name="time">The clock.</param>
internal sealed class Shares<TKey>(ShareBounds bounds, int max, TimeProvider time)
    where TKey : notnull
{
    private readonly ConcurrentDictionary<TKey, Share> _shares = new();
    private readonly Share _common = new();
    private int _count;
    private long _madeRoomAt = time.GetTimestamp() - time.TimestampFrequency;

    /// <summary>What each may take.</summary>
    public ShareBounds Bounds => bounds;

    /// <summary>How many are known.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Holds more; null, and nothing is held, when that would be too much.</summary>
    /// <returns>The share, to which it is given back.</returns>
    public Share? TryHold(TKey key, Held what, int amount, int most)
    {
        for (Share share; ; Remove(key, share))
        {
            share = Get(key);
            if (share.TryHold(what, amount, most) is { } isHeld) return isHeld ? share : null;
        }
    }

    /// <summary>Takes amounts of all rates, or of none.</summary>
    /// <returns>The share, to which they can be given back.</returns>
    /// <exception cref="LimitException">A rate refuses.</exception>
    public Share Take(TKey key, in Metered amounts)
    {
        var now = time.GetTimestamp();
        for (Share share; ; Remove(key, share))
        {
            share = Get(key);
            if (share.TryTake(bounds.Rates, amounts, now, out var refusing, out var wait) is not { } isTaken) continue;
            return isTaken ? share : throw bounds.Refuse(refusing, wait);
        }
    }

    /// <summary>Charges it with channels that it has made; true when it may make no more.</summary>
    public bool Made(TKey key, int channels)
    {
        if (bounds.Made is not { } rate) return false;
        var now = time.GetTimestamp();
        for (Share share; ; Remove(key, share))
        {
            share = Get(key);
            if (share.TryCharge(rate, Meter.Made, channels, now)) return share.WaitForOne(rate, Meter.Made, now) > 0;
        }
    }

    /// <summary>Returns how long it takes until it may make one more channel, in ticks of the clock; 0 for now.</summary>
    public long WaitForMade(TKey key) =>
        bounds.Made is { } rate && _shares.TryGetValue(key, out var share) ? share.WaitForOne(rate, Meter.Made, time.GetTimestamp()) : 0;

    /// <summary>Forgets those that take nothing; true when one of the others may make no more channels.</summary>
    public bool Sweep()
    {
        var (now, isAnyOver) = (time.GetTimestamp(), false);
        foreach (var (key, share) in _shares)
        {
            if (share.TryForget(now)) Remove(key, share);
            else isAnyOver |= bounds.Made is { } rate && share.WaitForOne(rate, Meter.Made, now) > 0;
        }

        return isAnyOver;
    }

    private Share Get(TKey key)
    {
        while (true)
        {
            if (_shares.TryGetValue(key, out var share)) return share;
            if (Count >= max && !TryMakeRoom()) return _common;
            share = new Share();
            if (!_shares.TryAdd(key, share)) continue;
            Interlocked.Increment(ref _count);
            return share;
        }
    }

    /// <summary>Forgets what can be forgotten, once a second at most: it looks at every share.</summary>
    private bool TryMakeRoom()
    {
        var (now, last) = (time.GetTimestamp(), Volatile.Read(ref _madeRoomAt));
        if (now - last >= time.TimestampFrequency && Interlocked.CompareExchange(ref _madeRoomAt, now, last) == last) Sweep();
        return Count < max;
    }

    private void Remove(TKey key, Share share)
    {
        if (_shares.TryRemove(KeyValuePair.Create(key, share))) Interlocked.Decrement(ref _count);
    }
}
