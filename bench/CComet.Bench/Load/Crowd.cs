namespace CComet.Bench.Load;

/// <summary>All subscribers of one workload.</summary>
internal sealed class Crowd : IDisposable
{
    private const int Lanes = 2;

    /// <summary>By default a subscriber whose answer does not tell when it waits comes after so many microseconds: no server is overrun.</summary>
    private const int DefaultBetween = 160;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Lane[] _lanes;
    private readonly Tally[] _tallies;
    private readonly int _count;
    private readonly bool _isTold;

    /// <summary>Begins to connect.</summary>
    /// <param name="port">The server's.</param>
    /// <param name="count">How many.</param>
    /// <param name="isTold">Whether the answer tells when one waits.</param>
    /// <param name="subscribe">Makes the one of a number.</param>
    /// <param name="between">Where the answer does not tell: microseconds from one to the next.</param>
    public Crowd(int port, int count, bool isTold, Func<int, Tally, Subscription> subscribe, int between = DefaultBetween)
    {
        (_count, _isTold) = (count, isTold);
        _tallies = [.. Enumerable.Range(0, Lanes).Select(_ => new Tally())];
        _lanes = [.. _tallies.Select((tally, lane) => new Lane(port, [.. Enumerable.Range(0, count).Where(i => i % Lanes == lane).Select(i => subscribe(i, tally))], isTold ? 0 : between * Lanes))];
    }

    /// <summary>Messages received, ever.</summary>
    public long Deliveries => _tallies.Sum(tally => tally.Deliveries);

    /// <summary>Breaks off when a message was lost, repeated or out of order: who drops messages is not fast.</summary>
    public void RequireWhole()
    {
        var wrong = _tallies.Sum(tally => tally.Wrong);
        if (wrong > 0) throw new InvalidOperationException($"{wrong} messages were lost, repeated or out of order.");
    }

    /// <summary>Waits until all have asked and, where the answer tells, been answered.</summary>
    public Task ReadyAsync() => UntilAsync(() => _lanes.Sum(lane => _isTold ? lane.Ready : lane.Started) >= _count, "All subscribers wait");

    /// <summary>Waits until so many messages were received.</summary>
    public Task ReceivedAsync(long deliveries) => UntilAsync(() => Deliveries >= deliveries, $"{deliveries} messages received");

    /// <summary>Begins to note how late messages come.</summary>
    public void Measure() => Array.ForEach(_tallies, tally => tally.Measure());

    /// <summary>The latency below which this part of the messages lies, in milliseconds.</summary>
    public double Latency(double percentile)
    {
        var all = _tallies[0].Latencies.Copy();
        foreach (var tally in _tallies.Skip(1)) all.Add(tally.Latencies);
        return all.GetValueAtPercentile(percentile) / 1000.0;
    }

    public void Dispose() => Array.ForEach(_lanes, lane => lane.Dispose());

    private async Task UntilAsync(Func<bool> isSo, string what)
    {
        var deadline = Mark.Now + (long)Patience.TotalMicroseconds;
        while (!isSo())
        {
            if (_lanes.FirstOrDefault(lane => lane.Failure is not null)?.Failure is { } failure) throw new InvalidOperationException("A lane has broken.", failure);
            if (Mark.Now > deadline) throw new InvalidOperationException($"Not in {Patience.TotalSeconds} s: {what}; {_lanes.Sum(lane => lane.Started)} asked, {_lanes.Sum(lane => lane.Ready)} answered, {Deliveries} received.");
            await Task.Delay(5);
        }
    }
}
