using System.Diagnostics;
using HdrHistogram;

namespace CComet.Simulator.Figures;

/// <summary>
/// Counts and times what a run does. Each thread writes into a shard of its own, so that tens of thousands of clients do not
/// meet at one counter; a reader adds the shards up.
/// </summary>
internal sealed class Meter : IDisposable
{
    private readonly ThreadLocal<Shard> _shards = new(() => new Shard(), trackAllValues: true);
    private long _refused;
    private long _sent;

    /// <summary>Messages that subscribers received, since the last reset; those without a stamp are not counted.</summary>
    public long Deliveries => Sum(shard => shard.Deliveries);

    /// <summary>Receipts of timed messages, since the last reset.</summary>
    public long Acks => Sum(shard => shard.Acks);

    /// <summary>Publishes sent, timed or not, over the whole run.</summary>
    public long SentTotal => Interlocked.Read(ref _sent);

    /// <summary>Publishes that were answered by no receipt, over the whole run.</summary>
    public long RefusedTotal => Interlocked.Read(ref _refused);

    /// <summary>Publishes whose receipt is still to come.</summary>
    public long UnderWay => SentTotal - RefusedTotal - Sum(shard => shard.AcksTotal);

    /// <summary>A subscriber received a message.</summary>
    /// <param name="stamp">When it was to be sent, in ticks of <see cref="Stopwatch"/>; 0 for a message that is not timed.</param>
    public void Delivered(long stamp)
    {
        if (stamp == 0) return;
        var shard = _shards.Value!;
        var micros = Micros(stamp);
        lock (shard)
        {
            shard.Deliveries++;
            shard.Delivery.RecordValue(micros);
        }
    }

    public void Sent() => Interlocked.Increment(ref _sent);

    /// <summary>A publish was answered by its receipt.</summary>
    public void Acknowledged(long stamp)
    {
        var shard = _shards.Value!;
        lock (shard)
        {
            shard.AcksTotal++;
            if (stamp == 0) return;
            shard.Acks++;
            shard.Publish.RecordValue(Micros(stamp));
        }
    }

    public void Refused() => Interlocked.Increment(ref _refused);

    /// <summary>The time from the intended sending until the subscriber had the message, in microseconds.</summary>
    public LongHistogram DeliveryTimes() => Merge(shard => shard.Delivery);

    /// <summary>The time from the intended sending until the receipt, in microseconds.</summary>
    public LongHistogram PublishTimes() => Merge(shard => shard.Publish);

    /// <summary>Forgets what came before the part of a run that is measured.</summary>
    public void Reset()
    {
        foreach (var shard in _shards.Values)
        {
            lock (shard) shard.Reset();
        }
    }

    public void Dispose() => _shards.Dispose();

    private static long Micros(long stamp) => Math.Clamp((long)Stopwatch.GetElapsedTime(stamp).TotalMicroseconds, 1, Shard.MaxMicros);

    private long Sum(Func<Shard, long> of) => _shards.Values.Sum(of);

    private LongHistogram Merge(Func<Shard, LongHistogram> of)
    {
        var merged = Shard.NewHistogram();
        foreach (var shard in _shards.Values)
        {
            lock (shard) merged.Add(of(shard));
        }

        return merged;
    }

    private sealed class Shard
    {
        /// <summary>An hour.</summary>
        public const long MaxMicros = 3_600_000_000;

        public long Deliveries;
        public long Acks;
        public long AcksTotal;

        public LongHistogram Delivery { get; } = NewHistogram();

        public LongHistogram Publish { get; } = NewHistogram();

        public static LongHistogram NewHistogram() => new(MaxMicros, 3);

        public void Reset()
        {
            Deliveries = 0;
            Acks = 0;
            Delivery.Reset();
            Publish.Reset();
        }
    }
}
