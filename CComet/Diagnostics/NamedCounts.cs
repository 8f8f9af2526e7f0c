using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;

namespace CComet.Diagnostics;

/// <summary>Counts of what is rare, one for each value of a tag. The values are names in the code, so that there are few.</summary>
/// <param name="tag">The tag.</param>
/// <param name="known">The values that are there from the start, with a count of 0: a rate is seen from the first event on.</param>
internal sealed class NamedCounts(string tag, params ReadOnlySpan<string> known)
{
    private readonly ConcurrentDictionary<string, StrongBox<long>> _counts = new(Begin(known), StringComparer.Ordinal);

    /// <summary>Counts one.</summary>
    public void Add(string name) => Interlocked.Increment(ref _counts.GetOrAdd(name, static _ => new StrongBox<long>()).Value);

    /// <summary>All counts together.</summary>
    public long Total => _counts.Values.Sum(count => Volatile.Read(ref count.Value));

    /// <summary>Reads all counts.</summary>
    public IEnumerable<Measurement<long>> Read() =>
        _counts.OrderBy(count => count.Key, StringComparer.Ordinal).Select(count => new Measurement<long>(Volatile.Read(ref count.Value.Value), new KeyValuePair<string, object?>(tag, count.Key)));

    private static List<KeyValuePair<string, StrongBox<long>>> Begin(ReadOnlySpan<string> known)
    {
        var counts = new List<KeyValuePair<string, StrongBox<long>>>();
        foreach (var name in known) counts.Add(KeyValuePair.Create(name, new StrongBox<long>()));
        return counts;
    }
}
