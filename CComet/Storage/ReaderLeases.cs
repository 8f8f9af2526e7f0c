namespace CComet.Storage;

/// <summary>The leases of readers and their generations, for a store that no other process shares.</summary>
/// <remarks>A lease that has ended is remembered, for its generation. There are as many as there are names of readers.</remarks>
/// <param name="time">The clock.</param>
internal sealed class ReaderLeases(TimeProvider time)
{
    /// <summary>Stands for the generation of a lease that anyone may take out.</summary>
    public const long Free = 0;

    private readonly Lock _lock = new();
    private readonly Uptime _uptime = new(time);
    private readonly Dictionary<string, ReaderLease> _leases = new(StringComparer.Ordinal);

    /// <summary>Renews the lease of a reader, if the holder has it.</summary>
    /// <returns>The generation of the lease; <see cref="Free"/> when no holder has it; null when another holder has it.</returns>
    public long? Renew(string reader, string holder, TimeSpan life)
    {
        lock (_lock)
        {
            var now = _uptime.Now;
            if (!_leases.TryGetValue(reader, out var lease) || lease.Ends <= now) return Free;
            if (lease.Holder != holder) return null;
            _leases[reader] = lease with { Ends = now + (long)life.TotalMilliseconds };
            return lease.Generation;
        }
    }

    /// <summary>Gives the lease of a reader, which is free, to a holder.</summary>
    public void TakeOut(string reader, string holder, TimeSpan life, long generation)
    {
        lock (_lock) _leases[reader] = new ReaderLease(holder, _uptime.Now + (long)life.TotalMilliseconds, generation);
    }

    /// <summary>Ends the lease of a reader, if the holder has it.</summary>
    public void End(string reader, string holder)
    {
        lock (_lock)
        {
            if (_leases.TryGetValue(reader, out var lease) && lease.Holder == holder) _leases[reader] = lease with { Ends = 0 };
        }
    }

    /// <summary>Ends the lease of a reader, if it is the one of that generation.</summary>
    public void End(string reader, long generation)
    {
        lock (_lock)
        {
            if (_leases.TryGetValue(reader, out var lease) && lease.Generation == generation) _leases[reader] = lease with { Ends = 0 };
        }
    }

    /// <summary>The generation of the last lease of a reader that was taken out; 0 when none was.</summary>
    public long LastGeneration(string reader)
    {
        lock (_lock) return _leases.GetValueOrDefault(reader).Generation;
    }

    /// <param name="Holder">The holder.</param>
    /// <param name="Ends">When it runs out, in milliseconds of the uptime.</param>
    /// <param name="Generation">Its generation.</param>
    private readonly record struct ReaderLease(string Holder, long Ends, long Generation);
}
