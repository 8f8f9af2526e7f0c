using System.Diagnostics;
using CComet.Simulator.Checks;
using CComet.Simulator.Wire;

namespace CComet.Simulator.Clients;

/// <summary>All subscribers of a run.</summary>
internal sealed class Crowd(SubscriberShared shared) : IDisposable
{
    /// <summary>How many may be on their way in at a time: fewer than a server's backlog, so that none is turned away by the kernel.</summary>
    private const int MaxOnTheirWay = 256;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly List<Subscriber> _subscribers = [];
    private readonly List<Task> _running = [];
    private readonly CancellationTokenSource _ended = new();

    public IReadOnlyList<Subscriber> Subscribers => _subscribers;

    /// <summary>Lets them in, one for each channel given, and waits until the server has taken every one; gives how long that took.</summary>
    /// <exception cref="NoServerException">The server took no more of them for 15 seconds.</exception>
    public async Task<TimeSpan> ParkAsync(IReadOnlyList<ChannelBook> channels, CancellationToken cancel)
    {
        var began = Stopwatch.GetTimestamp();
        var moved = began;
        var settled = 0;
        while (settled < channels.Count)
        {
            while (_subscribers.Count < channels.Count && _subscribers.Count - shared.SettledCount < MaxOnTheirWay)
            {
                var subscriber = new Subscriber(_subscribers.Count, channels[_subscribers.Count], shared);
                _subscribers.Add(subscriber);
                _running.Add(subscriber.RunAsync(_ended.Token));
            }

            await Task.Delay(1, cancel);
            if (shared.SettledCount != settled)
            {
                settled = shared.SettledCount;
                moved = Stopwatch.GetTimestamp();
            }
            else if (Stopwatch.GetElapsedTime(moved) > Patience)
            {
                var why = shared.Lines.Errors.OrderByDescending(e => e.Value).Select(e => $": {e.Key}").FirstOrDefault();
                throw new NoServerException($"The server took {settled} of {channels.Count} subscribers and no more{why}.");
            }
        }

        return Stopwatch.GetElapsedTime(began);
    }

    /// <summary>Waits until all have what was acknowledged by now; false once nothing has come to any of them for the time given.</summary>
    public Task<bool> CaughtUpAsync(TimeSpan standstill) =>
        Waiting.WhileProgressAsync(() => _subscribers.TrueForAll(s => s.Checker.Behind(s.Book) == 0), () => _subscribers.Sum(s => s.Checker.Next), standstill);

    /// <summary>Waits until the server has taken all of them again.</summary>
    public Task<bool> SettledAsync(TimeSpan atMost) => Waiting.UntilAsync(() => shared.SettledCount == _subscribers.Count, atMost);

    /// <summary>Stops all and calls lost what has not come.</summary>
    public async Task FinishAsync()
    {
        foreach (var subscriber in _subscribers) subscriber.Checker.Finish(subscriber.Book);
        await _ended.CancelAsync();
        foreach (var subscriber in _subscribers) subscriber.Stop();
        await Task.WhenAll(_running);
    }

    public void Dispose() => _ended.Dispose();
}
