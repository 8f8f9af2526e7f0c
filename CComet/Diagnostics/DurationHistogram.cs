using System.Diagnostics.Metrics;

namespace CComet.Diagnostics;

/// <summary>A histogram of durations in seconds that counts for itself, and tells its instrument when something listens to that.</summary>
/// <remarks>
/// .NET has no histogram that is read on demand, and a listener that is always on costs more than the counting. So <c>/metrics</c> reads the
/// counts, and collectors in the process (OTLP, dotnet-counters) have the instrument.
/// </remarks>
internal sealed class DurationHistogram
{
    private readonly long[] _boundTicks;
    private readonly Histogram<double> _instrument;

    /// <summary>Makes one with the values of one tag.</summary>
    /// <param name="meter">The meter.</param>
    /// <param name="name">The instrument's name.</param>
    /// <param name="description">What is measured.</param>
    /// <param name="bounds">The upper bounds of the buckets in seconds, ascending.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="values">Its values, all there are.</param>
    public DurationHistogram(Meter meter, string name, string description, IReadOnlyList<double> bounds, string tag, params IEnumerable<string> values)
    {
        Bounds = bounds;
        _boundTicks = [.. bounds.Select(bound => (long)(bound * TimeSpan.TicksPerSecond))];
        _instrument = meter.CreateHistogram<double>(name, "s", description, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });
        All = [.. values.Select(value => new Series(this, new KeyValuePair<string, object?>(tag, value)))];
    }

    /// <summary>The instrument.</summary>
    public Instrument Instrument => _instrument;

    /// <summary>The upper bounds of the buckets in seconds; behind the last is one without.</summary>
    public IReadOnlyList<double> Bounds { get; }

    /// <summary>A series for each value of the tag, in their order.</summary>
    public IReadOnlyList<Series> All { get; }

    /// <summary>Notes a duration.</summary>
    /// <param name="series">The place of the tag's value.</param>
    /// <param name="duration">The duration; a negative one, as of clocks that differ, counts as none.</param>
    public void Record(int series, TimeSpan duration) => All[series].Record(Math.Max(0, duration.Ticks));

    /// <summary>The durations with one value of the tag.</summary>
    internal sealed class Series(DurationHistogram histogram, KeyValuePair<string, object?> tag)
    {
        /// <summary>A cell for each bucket, one for the bucket without a bound, and the sum in ticks.</summary>
        private readonly StripedCells _cells = new(histogram.Bounds.Count + 2);

        /// <summary>The tag.</summary>
        public KeyValuePair<string, object?> Tag => tag;

        /// <summary>The sum in seconds.</summary>
        public double Sum => (double)_cells.Read(histogram.Bounds.Count + 1) / TimeSpan.TicksPerSecond;

        /// <summary>Returns how many durations are in a bucket, without those in the buckets before it.</summary>
        public long Count(int bucket) => _cells.Read(bucket);

        /// <summary>Notes a duration.</summary>
        public void Record(long ticks)
        {
            var bounds = histogram._boundTicks;
            var bucket = 0;
            while (bucket < bounds.Length && ticks > bounds[bucket]) bucket++;
            _cells.Add(bucket, 1, bounds.Length + 1, ticks);
            if (histogram._instrument.Enabled) histogram._instrument.Record((double)ticks / TimeSpan.TicksPerSecond, tag);
        }
    }
}
