namespace CComet.Storage;

/// <summary>The leases of the holders of one process, for a store that no other process shares.</summary>
/// <remarks>A holder that it does not know is one of an earlier process: its lease runs out once this one has been up for as long as a lease lasts.</remarks>
/// <param name="time">The clock.</param>
internal sealed class HolderLeases(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Uptime _uptime = new(time);
    private readonly Dictionary<string, long> _ends = new(StringComparer.Ordinal);
    private long _life = long.MaxValue;

    /// <inheritdoc cref="IPresenceStore.RenewLeaseAsync"/>
    public bool Renew(string holder, TimeSpan life, bool isNew)
    {
        lock (_lock)
        {
            var now = _uptime.Now;
            if (!isNew && !(_ends.TryGetValue(holder, out var end) && end > now)) return false;
            _life = Math.Min(_life, (long)life.TotalMilliseconds);
            _ends[holder] = now + (long)life.TotalMilliseconds;
            return true;
        }
    }

    /// <summary>Returns those of some holders whose leases have run out.</summary>
    public IReadOnlyList<string> Lapsed(IEnumerable<string> holders)
    {
        lock (_lock)
        {
            var now = _uptime.Now;
            return [.. holders.Where(holder => now >= _ends.GetValueOrDefault(holder, _life))];
        }
    }

    /// <inheritdoc cref="IPresenceStore.ForgetHolderAsync"/>
    public void Forget(string holder)
    {
        lock (_lock) _ends.Remove(holder);
    }
}
