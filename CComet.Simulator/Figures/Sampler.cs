using System.Diagnostics;
using CComet.Simulator.Clients;

namespace CComet.Simulator.Figures;

/// <summary>How a run stood at a moment.</summary>
/// <param name="Seconds">Since the run began.</param>
/// <param name="DeliveriesPerSecond">Since the moment before.</param>
/// <param name="Settled">Subscribers that the server has taken.</param>
/// <param name="ServerRssBytes">Null when not known.</param>
/// <param name="IsMeasured">Whether it belongs to the part of the run that is measured.</param>
internal sealed record Sample(double Seconds, double DeliveriesPerSecond, int Settled, long? ServerRssBytes, bool IsMeasured);

/// <summary>Looks at a run twice a second.</summary>
internal sealed class Sampler(Meter meter, SubscriberShared subscribers, int? serverPid)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly List<Sample> _samples = [];
    private readonly Lock _lock = new();
    private long _lastDeliveries;
    private double _lastSeconds;

    /// <summary>Whether what happens now is what the run measures.</summary>
    public bool IsMeasuring { get; set; }

    public IReadOnlyList<Sample> Samples
    {
        get
        {
            lock (_lock) return [.. _samples];
        }
    }

    /// <summary>Samples until it is cancelled, reporting each to the display.</summary>
    public async Task RunAsync(Action<Sample> tell, CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            do tell(Take());
            while (await timer.WaitForNextTickAsync(cancel));
        }
        catch (OperationCanceledException)
        {
            tell(Take());
        }
    }

    private Sample Take()
    {
        var seconds = Stopwatch.GetElapsedTime(_began).TotalSeconds;
        var deliveries = meter.Deliveries;
        var since = deliveries < _lastDeliveries ? deliveries : deliveries - _lastDeliveries;
        var rate = seconds > _lastSeconds ? since / (seconds - _lastSeconds) : 0;
        (_lastDeliveries, _lastSeconds) = (deliveries, seconds);
        var server = serverPid is { } pid ? ProcessReading.Read(pid) : null;
        var sample = new Sample(Math.Round(seconds, 3), Math.Round(rate, 1), subscribers.SettledCount, server?.RssBytes, IsMeasuring);
        lock (_lock) _samples.Add(sample);
        return sample;
    }
}
